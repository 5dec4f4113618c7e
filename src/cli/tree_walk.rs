//! The units of a hierarchy, and the way through them from the top down.
//!
//! What must stay true: a unit with several parents is met under each and opened once, so that the way is no
//! longer than there are mappings.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

/// A unit as REST answers it, as far as a picture needs it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Unit {
    pub(super) key: String,
    pub(super) name: String,
    #[serde(rename = "type")]
    /// What it is called: the word for its type.
    pub(super) word: String,
    pub(super) parents: Vec<String>,
    pub(super) totals: ColumnTotals,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct ColumnTotals {
    pub(super) units: u64,
    pub(super) people: u64,
    pub(super) projects: u64,
}

/// All units, and who is beneath whom.
pub(super) struct Forest {
    units: HashMap<String, Unit>,
    children: HashMap<String, Vec<String>>,
}

/// One unit on the way.
#[derive(Debug, Clone, Copy)]
pub(super) struct TreeNode<'f> {
    pub(super) unit: &'f Unit,
    /// How far below the beginning.
    pub(super) depth: usize,
    /// Whether no sibling follows.
    pub(super) is_last: bool,
    /// Why its children do not follow, if it has any and they don't.
    pub(super) left_out: Option<OmittedChildren>,
}

/// Why the children of a unit are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OmittedChildren {
    /// They are deeper than was asked for.
    TooDeep,
    /// They were shown where the unit was met before.
    ShownAbove,
}

impl Forest {
    pub(super) fn of(units: Vec<Unit>) -> Self {
        let mut children: HashMap<String, Vec<String>> = HashMap::new();
        for unit in sorted(units.iter().collect()) {
            for parent in &unit.parents {
                children.entry(parent.clone()).or_default().push(unit.key.clone());
            }
        }
        Self { units: units.into_iter().map(|unit| (unit.key.clone(), unit)).collect(), children }
    }

    /// The keys of the units that have none above them.
    pub(super) fn roots(&self) -> Vec<String> {
        let roots = self.units.values().filter(|unit| unit.parents.is_empty()).collect();
        sorted(roots).into_iter().map(|unit| unit.key.clone()).collect()
    }

    /// The way down from a unit, at most `depth_max` levels.
    pub(super) fn steps(&self, begin: &str, depth_max: Option<usize>) -> impl Iterator<Item = TreeNode<'_>> {
        let mut opened = HashSet::new();
        let mut waiting: Vec<_> = self.units.get(begin).map(|unit| (unit, 0, true)).into_iter().collect();
        std::iter::from_fn(move || {
            let (unit, depth, is_last) = waiting.pop()?;
            let children = self.children.get(&unit.key).map_or(&[][..], Vec::as_slice);
            let left_out = if children.is_empty() {
                None
            } else if depth_max.is_some_and(|depth_max| depth >= depth_max) {
                Some(OmittedChildren::TooDeep)
            } else if unit.parents.len() > 1 && !opened.insert(unit.key.as_str()) {
                Some(OmittedChildren::ShownAbove)
            } else {
                // The last one first: the one that was put in last is taken out next.
                let below = children.iter().filter_map(|child| self.units.get(child)).rev().enumerate();
                waiting.extend(below.map(|(at, child)| (child, depth + 1, at == 0)));
                None
            };
            Some(TreeNode { unit, depth, is_last, left_out })
        })
    }
}

fn sorted(mut units: Vec<&Unit>) -> Vec<&Unit> {
    units.sort_by_cached_key(|unit| (unit.name.to_lowercase(), unit.key.clone()));
    units
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From lines such as `Corp: Web Ops`: who is above whom.
    fn forest(lines: &[&str]) -> Forest {
        let mut parents: Vec<(String, Vec<String>)> = Vec::new();
        for line in lines {
            let (parent, children) = line.split_once(": ").unwrap();
            for (key, above) in
                std::iter::once((parent, None)).chain(children.split(' ').map(|key| (key, Some(parent))))
            {
                if !parents.iter().any(|(known, _)| known == key) {
                    parents.push((key.to_owned(), Vec::new()));
                }
                let (_, held_by) = parents.iter_mut().find(|(known, _)| known == key).unwrap();
                held_by.extend(above.map(str::to_owned));
            }
        }
        let totals = ColumnTotals { units: 0, people: 0, projects: 0 };
        let unit = |(key, parents): (String, Vec<String>)| Unit {
            name: key.clone(),
            key,
            word: "team".to_owned(),
            parents,
            totals,
        };
        Forest::of(parents.into_iter().map(unit).collect())
    }

    fn shown(forest: &Forest, depth_max: Option<usize>) -> String {
        let word = |step: TreeNode<'_>| {
            let note = match step.left_out {
                Some(OmittedChildren::TooDeep) => "+",
                Some(OmittedChildren::ShownAbove) => "^",
                None => "",
            };
            format!("{}{}{note}{}", step.depth, step.unit.key, if step.is_last { "." } else { "" })
        };
        let begins = forest.roots();
        let steps = begins.iter().flat_map(|begin| forest.steps(begin, depth_max));
        steps.map(word).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_unit_with_two_parents_is_opened_once() {
        let forest = forest(&["Corp: Lamps Bikes", "Lamps: Lab", "Bikes: Lab", "Lab: Prisma"]);
        assert_eq!(shown(&forest, None), "0Corp. 1Bikes 2Lab. 3Prisma. 1Lamps. 2Lab^.");
        assert_eq!(shown(&forest, Some(0)), "0Corp+.");
        assert_eq!(shown(&forest, Some(2)), "0Corp. 1Bikes 2Lab+. 1Lamps. 2Lab+.");
    }

    #[test]
    fn what_was_cut_off_above_is_opened_below() {
        let forest = forest(&["Corp: Bikes Lab", "Bikes: Lab", "Lab: Prisma"]);
        assert_eq!(shown(&forest, Some(2)), "0Corp. 1Bikes 2Lab+. 1Lab. 2Prisma.");
    }

    #[test]
    fn two_parents_on_each_of_forty_levels_are_no_more_than_their_mappings() {
        let mut lines = vec!["a0: a1 b1".to_owned()];
        for level in 1..40 {
            lines.extend(["a", "b"].map(|side| format!("{side}{level}: a{0} b{0}", level + 1)));
        }
        let forest = forest(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(forest.steps("a0", None).count(), 1 + 2 + 39 * 4);
    }
}
