//! A tree as JSON that a program reads: units that hold units, as deep as they go.
//!
//! What must stay true: it is written from step to step, so that no hierarchy is too deep for it, and a unit is
//! opened once, so that none is too tangled.

use std::io::{self, Write};

use serde_json::json;

use crate::cli::tree_walk::{OmittedChildren, TreeNode};

/// Writes a list of trees, one unit a line.
pub(super) fn write<'f>(steps: impl Iterator<Item = TreeNode<'f>>, out: &mut impl Write) -> io::Result<()> {
    write!(out, "[")?;
    // How many lists of children are open, and whether the innermost is empty yet.
    let mut open = 0;
    let mut is_first = true;
    for step in steps {
        while open > step.depth {
            write!(out, "]}}")?;
            open -= 1;
            is_first = false;
        }
        writeln!(out, "{}", if is_first { "" } else { "," })?;
        let (unit, totals) = (step.unit, step.unit.totals);
        let totals = json!({ "units": totals.units, "people": totals.people, "projects": totals.projects });
        let (key, name, unit_type) = (json!(unit.key), json!(unit.name), json!(unit.word));
        write!(out, r#"{{"key":{key},"name":{name},"type":{unit_type},"totals":{totals},"#)?;
        match step.left_out {
            Some(OmittedChildren::TooDeep) => write!(out, r#""leftOut":"too deep","#)?,
            Some(OmittedChildren::ShownAbove) => write!(out, r#""leftOut":"shown above","#)?,
            None => {}
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
