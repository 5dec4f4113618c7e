//! The text output of `clade tree`: branches, names and types of units, and their totals in aligned columns.

use unicode_width::UnicodeWidthStr;

use crate::cli::numbers::{counted, grouped};
use crate::cli::tree_walk::{ColumnTotals, OmittedChildren, TreeNode};

/// Minimum width of the column of names, in terminal cells, so that small trees look like large ones.
const NAMES_MIN: usize = 32;
/// Maximum width of the column of names; longer lines push their own numbers to the right.
const NAMES_MAX: usize = 96;

/// One line of the tree: a unit.
pub(super) struct TreeLine {
    /// For each level above and its own, whether more siblings follow; empty for a root.
    pub(super) follows: Vec<bool>,
    pub(super) name: String,
    pub(super) unit_type: String,
    /// Number of its parents.
    pub(super) parents: usize,
    /// Why its children are omitted; empty if they are not.
    pub(super) note: String,
    /// The totals; `None` for a person.
    pub(super) totals: Option<ColumnTotals>,
}

/// The lines of the tree, one per node.
pub(super) fn lines<'f>(nodes: impl Iterator<Item = TreeNode<'f>>) -> Vec<TreeLine> {
    let mut follows = Vec::new();
    let mut line = |node: TreeNode<'_>| {
        // Nodes come in preorder: `follows` still describes the previous node, whose levels above this one are shared.
        follows.truncate(node.depth.saturating_sub(1));
        if node.depth > 0 {
            follows.push(!node.is_last);
        }
        let unit = node.unit;
        let note = match (node.omitted, unit.totals.units) {
            (None, _) if node.left_out > 0 => {
                format!("{} left out", counted(node.left_out as u64, "unit", "units"))
            }
            (None, _) => String::new(),
            (Some(OmittedChildren::ShownAbove), _) => "shown above".to_owned(),
            (Some(OmittedChildren::TooDeep), units) => {
                format!("{} below", counted(units, "unit", "units"))
            }
        };
        TreeLine {
            follows: follows.clone(),
            name: unit.name.clone(),
            unit_type: unit.unit_type.clone(),
            parents: unit.parents.len(),
            note,
            totals: Some(unit.totals),
        }
    };
    let mut lines = Vec::new();
    for node in nodes {
        let of_unit = line(node);
        // People come before the child units, and are not repeated where the children are not.
        let people = node.unit.people.iter().flatten().filter(|_| node.omitted.is_none());
        let mut people: Vec<TreeLine> = people.map(|email| of_unit.person(email)).collect();
        if let Some(last) = people.last_mut().filter(|_| !node.is_open) {
            last.follows.pop();
            last.follows.push(false);
        }
        lines.push(of_unit);
        lines.append(&mut people);
    }
    lines
}

/// The lines as text, with a heading over the numbers; with ANSI colors if `colors` is set.
pub(super) fn render(lines: &[TreeLine], colors: bool) -> Vec<String> {
    if lines.is_empty() {
        return Vec::new();
    }
    let paint = Paint(colors);
    // Display width and not `len` or `chars().count()`: an East Asian character takes two cells of a terminal.
    let width =
        lines.iter().map(|line| line.plain().width()).max().unwrap_or(0).clamp(NAMES_MIN, NAMES_MAX) + 2;
    let digits = |number: fn(&ColumnTotals) -> u64, heading: &str| {
        let totals = lines.iter().filter_map(|line| line.totals.as_ref());
        totals.map(|totals| grouped(number(totals)).len()).max().unwrap_or(0).max(heading.len())
    };
    let (people, projects) = (digits(|of| of.people, "people"), digits(|of| of.projects, "projects"));
    let heading = format!("{:width$}{:>people$}  {:>projects$}", "", "people", "projects");
    let mut drawn = vec![paint.dim(&heading)];
    for line in lines {
        let Some(totals) = &line.totals else {
            drawn.push(line.painted(&paint));
            continue;
        };
        // Padded by hand: `{:width$}` counts characters, and would count the ANSI sequences of colors as well.
        let gap = width.saturating_sub(line.plain().width()).max(1);
        drawn.push(format!(
            "{}{:gap$}{:>people$}  {:>projects$}",
            line.painted(&paint),
            "",
            grouped(totals.people),
            grouped(totals.projects),
        ));
    }
    drawn
}

impl TreeLine {
    /// The line of a person in this unit, with something after it.
    fn person(&self, email: &str) -> Self {
        Self {
            follows: [self.follows.as_slice(), &[true]].concat(),
            name: email.to_owned(),
            unit_type: "person".to_owned(),
            parents: 1,
            note: String::new(),
            totals: None,
        }
    }

    fn branches(&self) -> String {
        let Some((own, above)) = self.follows.split_last() else { return String::new() };
        let mut branches: String = above.iter().map(|follows| if *follows { "│  " } else { "   " }).collect();
        branches.push_str(if *own { "├─ " } else { "└─ " });
        branches
    }

    /// The text after the name: the type, the number of parents if there are several, and the note.
    fn remarks(&self) -> String {
        let parents = if self.parents > 1 { format!(", {} parents", self.parents) } else { String::new() };
        let note = if self.note.is_empty() { String::new() } else { format!(" (… {})", self.note) };
        format!("  {}{parents}{note}", self.unit_type)
    }

    fn plain(&self) -> String {
        format!("{}{}{}", self.branches(), self.name, self.remarks())
    }

    fn painted(&self, paint: &Paint) -> String {
        let name = if self.follows.is_empty() { paint.bold(&self.name) } else { self.name.clone() };
        format!("{}{name}{}", paint.dim(&self.branches()), paint.dim(&self.remarks()))
    }
}

/// ANSI styles; the field says whether they are enabled.
struct Paint(bool);

impl Paint {
    fn dim(&self, text: &str) -> String {
        if self.0 && !text.is_empty() { format!("\u{1b}[2m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn bold(&self, text: &str) -> String {
        if self.0 { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(follows: &[bool], name: &str, people: u64) -> TreeLine {
        TreeLine {
            follows: follows.to_vec(),
            name: name.to_owned(),
            unit_type: "team".to_owned(),
            parents: 1,
            note: String::new(),
            totals: Some(ColumnTotals { units: 0, people, projects: 1 }),
        }
    }

    #[test]
    fn wide_letters_keep_the_columns_straight() {
        let lines = [line(&[], "Corp", 1_234_567), line(&[true], "研究开发", 12), line(&[false], "Büro", 3)];
        let drawn = render(&lines, false);
        assert!(drawn[1].starts_with("Corp  team") && drawn[1].contains("1,234,567"), "{}", drawn[1]);
        assert!(drawn[2].starts_with("├─ 研究开发  team"), "{}", drawn[2]);
        assert!(drawn[3].starts_with("└─ Büro  team"), "{}", drawn[3]);
        let widths: Vec<usize> = drawn.iter().map(|line| line.width()).collect();
        assert!(widths.iter().all(|width| *width == widths[0]), "{widths:?}");
    }
}
