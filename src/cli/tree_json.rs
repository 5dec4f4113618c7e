//! The JSON output of `clade tree`: nested units with their children.
//!
//! Invariant: it is written without recursion, so that no hierarchy is too deep; and the children of a unit
//! with several parents are written once, so that the output is at most as long as there are parent-child mappings.

use std::io::{self, Write};

use serde_json::json;

use crate::cli::tree_walk::{OmittedChildren, TreeNode};

/// Writes a list of trees, one unit per line.
pub(super) fn write<'f>(nodes: impl Iterator<Item = TreeNode<'f>>, out: &mut impl Write) -> io::Result<()> {
    write!(out, "[")?;
    // The number of open lists of children, and whether the innermost has no unit yet (then no comma is due).
    let mut open = 0;
    let mut is_first = true;
    for node in nodes {
        // Nodes come in preorder, so a smaller depth closes the units that are deeper.
        while open > node.depth {
            write!(out, "]}}")?;
            open -= 1;
            is_first = false;
        }
        writeln!(out, "{}", if is_first { "" } else { "," })?;
        let (unit, totals) = (node.unit, node.unit.totals);
        let totals = json!({ "units": totals.units, "people": totals.people, "projects": totals.projects });
        let (key, name, unit_type) = (json!(unit.key), json!(unit.name), json!(unit.unit_type));
        write!(out, r#"{{"key":{key},"name":{name},"type":{unit_type},"totals":{totals},"#)?;
        match node.omitted {
            Some(OmittedChildren::TooDeep) => write!(out, r#""omitted":"too deep","#)?,
            Some(OmittedChildren::ShownAbove) => write!(out, r#""omitted":"shown above","#)?,
            None => {}
        }
        if node.left_out > 0 {
            write!(out, r#""leftOut":{},"#, node.left_out)?;
        }
        if let Some(people) = &unit.people {
            write!(out, r#""people":{},"#, json!(people))?;
        }
        write!(out, r#""children":["#)?;
        open += 1;
        is_first = true;
    }
    for _ in 0..open {
        write!(out, "]}}")?;
    }
    writeln!(out, "\n]")
}
