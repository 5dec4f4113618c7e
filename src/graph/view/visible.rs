//! The visible set of a narrowed view: some units and all their descendants.
//!
//! Invariant: the set is closed downwards. What is under a visible unit is visible, so a closure of such a unit needs
//! no further filter. One entity is tested against the closures, so narrowing a view costs next to nothing; the set of
//! all visible entities of a kind is computed on first use.

use std::borrow::Cow;
use std::sync::OnceLock;

use roaring::RoaringBitmap;

use crate::graph::Graph;
use crate::model::entity::{EntityId, Kind};

/// Maximum number of units for which one entity is tested unit by unit. With more units, the set of its kind is
/// computed and tested instead.
const PER_UNIT_CHECKS_MAX: usize = 4;
/// Length of a scope's name: 16 hexadecimal digits, 64 bits of a hash.
const NAME_HEX_DIGITS: usize = 16;

/// The entities of one graph that a narrowed view contains.
#[derive(Debug)]
pub(super) struct VisibleSet {
    /// None of these is a descendant of another one.
    units: Vec<EntityId>,
    by_kind: [OnceLock<RoaringBitmap>; Kind::ALL.len()],
    name: OnceLock<Box<str>>,
}

impl VisibleSet {
    /// The set of these current units of `graph` and their descendants.
    pub(super) fn of(graph: &Graph, mut units: Vec<EntityId>) -> Self {
        units.sort_unstable();
        units.dedup();
        if units.len() > 1 {
            // A unit under another one adds nothing, and as a root of the view it would be listed twice.
            let mut descendants = RoaringBitmap::new();
            for sets in units.iter().filter_map(|unit| graph.descendants.get(unit)) {
                descendants |= &sets.below[Kind::OrgUnit as usize];
            }
            units.retain(|unit| !descendants.contains(unit.0));
        }
        Self { units, by_kind: Default::default(), name: OnceLock::new() }
    }

    /// The units without a visible parent.
    pub(super) fn unordered_roots(&self) -> &[EntityId] {
        &self.units
    }

    pub(super) fn is_visible(&self, graph: &Graph, id: EntityId) -> bool {
        if self.units.len() <= PER_UNIT_CHECKS_MAX {
            return self.units.iter().any(|unit| *unit == id || graph.contains(*unit, id));
        }
        graph.entity(id).is_some_and(|entity| self.all(graph, entity.kind()).contains(id.0))
    }

    /// All visible entities of a kind.
    pub(super) fn all<'s>(&'s self, graph: &'s Graph, kind: Kind) -> &'s RoaringBitmap {
        let below = |unit: &EntityId| graph.descendants.get(unit).map(|sets| &sets.below[kind as usize]);
        // The common case, a token for one unit: the closure of the unit is the answer, without a copy. It does not
        // contain the unit itself, which is why units take the way below.
        if let ([unit], true) = (&*self.units, kind != Kind::OrgUnit)
            && let Some(below) = below(unit)
        {
            return below;
        }
        self.by_kind[kind as usize].get_or_init(|| {
            let mut all = RoaringBitmap::new();
            for below in self.units.iter().filter_map(below) {
                all |= below;
            }
            if kind == Kind::OrgUnit {
                all.extend(self.units.iter().map(|unit| unit.0));
            }
            all
        })
    }

    /// A name for the scope: equal for the same units.
    pub(super) fn name(&self, graph: &Graph) -> &str {
        self.name.get_or_init(|| {
            // Sorted, so that the order of the units in a token does not matter. Keys contain no control characters, so
            // a newline separates them unambiguously. Hashed, because the name is sent in `ETag`s.
            let mut keys: Vec<Cow<'_, str>> =
                self.units.iter().filter_map(|unit| Some(graph.entity(*unit)?.label().into())).collect();
            keys.sort_unstable();
            blake3::hash(keys.join("\n").as_bytes()).to_hex()[..NAME_HEX_DIGITS].into()
        })
    }
}
