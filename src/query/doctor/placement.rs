//! Check for people and projects that are not placed in any unit.

use roaring::RoaringBitmap;

use crate::graph::View;
use crate::model::entity::{EntityId, Kind};
use crate::query::doctor::{Finding, FindingCode};

pub(super) fn unplaced(view: &View, kind: Kind, code: FindingCode) -> Vec<Finding> {
    // One union over the units' bitmaps, instead of a walk along the edges of every record.
    let mut placed = RoaringBitmap::new();
    for unit in view.all(Kind::OrgUnit) {
        placed |= view.directly_below(EntityId(unit), kind);
    }
    let unplaced = view.all(kind) - placed;
    unplaced.into_iter().map(|id| Finding::of(code, vec![EntityId(id)])).collect()
}
