//! The preorder traversal of the hierarchy that `clade tree` prints.
//!
//! Invariant: a unit with several parents is visited under each of them, but its children only once. So there are at
//! most as many nodes as roots and parent-child mappings, although the hierarchy is a graph (DAG) and not a tree.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use clap::ValueEnum;
use serde::Deserialize;

/// The fields of a unit that are printed, as the REST API returns them.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct UnitRow {
    pub(super) key: String,
    pub(super) name: String,
    /// Its type, such as `team`.
    #[serde(rename = "type")]
    pub(super) unit_type: String,
    pub(super) parents: Vec<String>,
    pub(super) totals: ColumnTotals,
    /// The emails of the people placed directly in it, if they are to be printed.
    #[serde(skip)]
    pub(super) people: Option<Vec<String>>,
}

/// What is printed of the hierarchy, and in which order.
#[derive(Debug, Clone, Default)]
pub(super) struct TreeShape {
    pub(super) sort: TreeSort,
    /// Only units with at least this many people in their subtree.
    pub(super) people_min: u64,
    /// Only units of one of these types, and the units above them; empty for all.
    pub(super) types: Vec<String>,
}

/// The order of the children of a unit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum TreeSort {
    /// By name
    #[default]
    Name,
    /// Most people first
    People,
    /// Most projects first
    Projects,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct ColumnTotals {
    pub(super) units: u64,
    pub(super) people: u64,
    pub(super) projects: u64,
}

/// All units by key, and the keys of the children of each in order.
pub(super) struct Forest {
    units: HashMap<String, UnitRow>,
    children: HashMap<String, Vec<String>>,
    /// The number of children of a unit that the shape leaves out.
    left_out: HashMap<String, usize>,
    sort: TreeSort,
}

/// One visit of a unit.
#[derive(Debug, Clone, Copy)]
pub(super) struct TreeNode<'f> {
    pub(super) unit: &'f UnitRow,
    /// Levels below the start, which has 0.
    pub(super) depth: usize,
    /// Whether no sibling follows.
    pub(super) is_last: bool,
    /// Why its children do not follow; `None` if they do, or if it has none.
    pub(super) omitted: Option<OmittedChildren>,
    /// The number of its children that the shape leaves out.
    pub(super) left_out: usize,
    /// Whether its children follow.
    pub(super) is_open: bool,
}

/// Why the children of a unit are omitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OmittedChildren {
    /// They are deeper than the maximum depth.
    TooDeep,
    /// They follow an earlier visit of the same unit.
    ShownAbove,
}

impl Forest {
    pub(super) fn of(units: Vec<UnitRow>, shape: &TreeShape) -> Self {
        let kept = shape.kept(&units);
        let mut children: HashMap<String, Vec<String>> = HashMap::new();
        let mut left_out: HashMap<String, usize> = HashMap::new();
        for unit in sorted(units.iter().collect(), shape.sort) {
            for parent in &unit.parents {
                if kept.contains(&unit.key) {
                    children.entry(parent.clone()).or_default().push(unit.key.clone());
                } else {
                    *left_out.entry(parent.clone()).or_default() += 1;
                }
            }
        }
        let units = units.into_iter().map(|unit| (unit.key.clone(), unit)).collect();
        Self { units, children, left_out, sort: shape.sort }
    }

    /// The keys of the units without a parent.
    // Also of those that the shape leaves out, so that there is always a line that says so.
    pub(super) fn roots(&self) -> Vec<String> {
        let roots = self.units.values().filter(|unit| unit.parents.is_empty()).collect();
        sorted(roots, self.sort).into_iter().map(|unit| unit.key.clone()).collect()
    }

    /// The nodes of the subtrees of these units in preorder, at most `depth_max` levels deep.
    pub(super) fn nodes(
        &self,
        starts: &[String],
        depth_max: Option<usize>,
    ) -> impl Iterator<Item = TreeNode<'_>> {
        let mut opened = HashSet::new();
        // An explicit stack instead of recursion, so that a deep hierarchy cannot overflow the stack of the thread.
        let starts = starts.iter().rev().filter_map(|key| self.units.get(key));
        let mut stack: Vec<_> = starts.map(|unit| (unit, 0, true)).collect();
        std::iter::from_fn(move || {
            let (unit, depth, is_last) = stack.pop()?;
            let children = self.children.get(&unit.key).map_or(&[][..], Vec::as_slice);
            let mut is_open = false;
            let omitted = if children.is_empty() {
                None
            } else if depth_max.is_some_and(|depth_max| depth >= depth_max) {
                Some(OmittedChildren::TooDeep)
            } else if unit.parents.len() > 1 && !opened.insert(unit.key.as_str()) {
                // Tested after the depth, so that a unit whose children were cut off can show them at a later visit
                // that is less deep. Units with one parent are visited once anyway and need no entry.
                Some(OmittedChildren::ShownAbove)
            } else {
                // Reversed, because the child that is pushed last is popped first.
                let below = children.iter().filter_map(|child| self.units.get(child)).rev().enumerate();
                stack.extend(below.map(|(at, child)| (child, depth + 1, at == 0)));
                is_open = true;
                None
            };
            let left_out = self.left_out.get(&unit.key).copied().unwrap_or_default();
            Some(TreeNode { unit, depth, is_last, omitted, left_out, is_open })
        })
    }
}

impl TreeShape {
    /// The keys of the units that are printed: those that match, and all above them.
    fn kept(&self, units: &[UnitRow]) -> HashSet<String> {
        let matches = |unit: &&UnitRow| {
            let of_type = |wanted: &String| wanted.to_lowercase() == unit.unit_type.to_lowercase();
            unit.totals.people >= self.people_min && (self.types.is_empty() || self.types.iter().any(of_type))
        };
        let by_key: HashMap<&str, &UnitRow> = units.iter().map(|unit| (unit.key.as_str(), unit)).collect();
        let mut kept = HashSet::new();
        let mut open: Vec<&UnitRow> = units.iter().filter(matches).collect();
        while let Some(unit) = open.pop() {
            if kept.insert(unit.key.clone()) {
                open.extend(unit.parents.iter().filter_map(|parent| by_key.get(parent.as_str()).copied()));
            }
        }
        kept
    }
}

fn sorted(mut units: Vec<&UnitRow>, sort: TreeSort) -> Vec<&UnitRow> {
    let size = |unit: &UnitRow| match sort {
        TreeSort::Name => 0,
        TreeSort::People => unit.totals.people,
        TreeSort::Projects => unit.totals.projects,
    };
    // The key breaks ties, so that the output is the same in each run: units come from a `HashMap`.
    units.sort_by_cached_key(|unit| (Reverse(size(unit)), unit.name.to_lowercase(), unit.key.clone()));
    units
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A forest from lines such as `Corp: Web Ops`, which name a parent and its children.
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
                let (_, own_parents) = parents.iter_mut().find(|(known, _)| known == key).unwrap();
                own_parents.extend(above.map(str::to_owned));
            }
        }
        let totals = ColumnTotals { units: 0, people: 0, projects: 0 };
        let unit = |(key, parents): (String, Vec<String>)| UnitRow {
            name: key.clone(),
            key,
            unit_type: "team".to_owned(),
            parents,
            totals,
            people: None,
        };
        Forest::of(parents.into_iter().map(unit).collect(), &TreeShape::default())
    }

    fn drawn(forest: &Forest, depth_max: Option<usize>) -> String {
        let word = |node: TreeNode<'_>| {
            let note = match node.omitted {
                Some(OmittedChildren::TooDeep) => "+",
                Some(OmittedChildren::ShownAbove) => "^",
                None => "",
            };
            format!("{}{}{note}{}", node.depth, node.unit.key, if node.is_last { "." } else { "" })
        };
        let starts = forest.roots();
        let nodes = forest.nodes(&starts, depth_max);
        nodes.map(word).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_unit_with_two_parents_is_opened_once() {
        let forest = forest(&["Corp: Lamps Bikes", "Lamps: Lab", "Bikes: Lab", "Lab: Prisma"]);
        assert_eq!(drawn(&forest, None), "0Corp. 1Bikes 2Lab. 3Prisma. 1Lamps. 2Lab^.");
        assert_eq!(drawn(&forest, Some(0)), "0Corp+.");
        assert_eq!(drawn(&forest, Some(2)), "0Corp. 1Bikes 2Lab+. 1Lamps. 2Lab+.");
    }

    #[test]
    fn a_subtree_below_two_roots_is_opened_once() {
        let forest = forest(&["Corp: Lab", "Other: Lab", "Lab: Prisma"]);
        assert_eq!(drawn(&forest, None), "0Corp. 1Lab. 2Prisma. 0Other. 1Lab^.");
    }

    #[test]
    fn children_cut_off_by_depth_are_shown_at_a_later_visit() {
        let forest = forest(&["Corp: Bikes Lab", "Bikes: Lab", "Lab: Prisma"]);
        assert_eq!(drawn(&forest, Some(2)), "0Corp. 1Bikes 2Lab+. 1Lab. 2Prisma.");
    }

    #[test]
    fn two_parents_on_each_of_forty_levels_do_not_multiply_nodes() {
        let mut lines = vec!["a0: a1 b1".to_owned()];
        for level in 1..40 {
            lines.extend(["a", "b"].map(|side| format!("{side}{level}: a{0} b{0}", level + 1)));
        }
        let forest = forest(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(forest.nodes(&["a0".to_owned()], None).count(), 1 + 2 + 39 * 4);
    }
}
