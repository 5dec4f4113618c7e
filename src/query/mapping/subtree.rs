//! The part of the hierarchy to which a mapping filter is limited.

use std::collections::VecDeque;

use roaring::RoaringBitmap;

use crate::graph::View;
use crate::model::entity::{EntityId, Kind};

/// A part of the hierarchy: a root and a depth.
///
/// ```
/// use clade::query::{MappingFilter, MappingOrder, MappingPageRequest, Subtree, mappings};
///
/// let ada = clade::CreatePerson::new("ada@corp.example").under("Corp/Retail/Checkout");
/// let view = clade::Directory::in_memory()?.apply(ada)?.view;
/// let corp_alone = Subtree { root: Some(view.org_unit("Corp")?.id()), depth: Some(1) };
/// let filter = MappingFilter { parents: Some(corp_alone), ..MappingFilter::default() };
/// let page = mappings(&view, &filter, MappingOrder::default(), &MappingPageRequest::default())?;
/// assert_eq!(view.label(page.mappings[0].to), "Retail");
/// assert_eq!(page.count, 1, "the parent of Checkout is one level lower");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Subtree {
    /// The root unit; `None` means all units without a visible parent.
    pub root: Option<EntityId>,
    /// Maximum number of levels, the root included; `None` means all.
    pub depth: Option<usize>,
}

impl Subtree {
    /// The units in this part.
    pub(super) fn units(self, view: &View) -> RoaringBitmap {
        match (self.root, self.depth) {
            (None, None) => view.all(Kind::OrgUnit).clone(),
            (Some(root), None) => {
                let mut units = view.below(root, Kind::OrgUnit).clone();
                units.insert(root.0);
                units
            }
            (Some(root), Some(depth)) => down_to_depth(view, vec![root], depth),
            (None, Some(depth)) => down_to_depth(view, view.unordered_roots(), depth),
        }
    }
}

/// `begin` and all units fewer than `depth` levels below it.
fn down_to_depth(view: &View, begin: Vec<EntityId>, depth: usize) -> RoaringBitmap {
    let mut reached: RoaringBitmap = begin.iter().map(|unit| unit.0).collect();
    // Breadth first, since a unit with several parents counts at its least depth.
    let mut open: VecDeque<_> = begin.into_iter().map(|unit| (unit, 1)).collect();
    while let Some((unit, level)) = open.pop_front() {
        if level >= depth {
            continue;
        }
        for child in view.directly_below(unit, Kind::OrgUnit) {
            if reached.insert(child) {
                open.push_back((EntityId(child), level + 1));
            }
        }
    }
    reached
}

/// These units and all their descendants, of every kind.
pub(super) fn with_descendants(view: &View, units: &[EntityId]) -> RoaringBitmap {
    let mut all: RoaringBitmap = units.iter().map(|unit| unit.0).collect();
    for unit in units {
        for kind in Kind::ALL {
            all |= view.below(*unit, kind);
        }
    }
    all
}
