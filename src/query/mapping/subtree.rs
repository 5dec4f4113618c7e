//! Parts of the hierarchy by which mappings are narrowed.

use std::collections::VecDeque;

use roaring::RoaringBitmap;

use crate::graph::View;
use crate::model::entity::{EntityId, Kind};

/// The units of a part of the hierarchy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Subtree {
    /// It begins at this unit, or at every unit with nothing in sight above it.
    pub root: Option<EntityId>,
    /// With at most so many levels, the one where it begins included.
    pub depth: Option<usize>,
}

impl Subtree {
    /// Its units.
    pub(super) fn units(self, view: &View) -> RoaringBitmap {
        match (self.root, self.depth) {
            (None, None) => view.all(Kind::OrgUnit).clone(),
            (Some(root), None) => {
                let mut units = view.below(root, Kind::OrgUnit).into_owned();
                units.insert(root.0);
                units
            }
            (Some(root), Some(depth)) => levels(view, vec![root], depth),
            (None, Some(depth)) => levels(view, view.tops(), depth),
        }
    }
}

/// `begin` and what is less than `depth` levels beneath it, by the shortest way.
fn levels(view: &View, begin: Vec<EntityId>, depth: usize) -> RoaringBitmap {
    let mut reached: RoaringBitmap = begin.iter().map(|unit| unit.0).collect();
    let mut open: VecDeque<_> = begin.into_iter().map(|unit| (unit, 1)).collect();
    while let Some((unit, level)) = open.pop_front() {
        if level >= depth {
            continue;
        }
        for child in view.directly_below(unit, Kind::OrgUnit).iter() {
            if reached.insert(child) {
                open.push_back((EntityId(child), level + 1));
            }
        }
    }
    reached
}

/// These units and everything beneath them.
pub(super) fn with_descendants(view: &View, units: &[EntityId]) -> RoaringBitmap {
    let mut all: RoaringBitmap = units.iter().map(|unit| unit.0).collect();
    for unit in units {
        for kind in Kind::ALL {
            all |= view.below(*unit, kind).as_ref();
        }
    }
    all
}
