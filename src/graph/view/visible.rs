//! What a narrowed view sees: some units, and everything beneath them.
//!
//! Whether one entity is in sight is asked of the closures, so that narrowing a view costs next to nothing; all of a
//! kind in sight is put together when that is first asked for.

use std::borrow::Cow;
use std::sync::OnceLock;

use roaring::RoaringBitmap;

use crate::graph::Graph;
use crate::model::entity::{EntityId, Kind};

/// Of more units than this, all of a kind are put together even for the question after one entity.
const ASKED_ONE_BY_ONE_MAX: usize = 4;
/// How much of a hash names a scope.
const NAME_LENGTH: usize = 16;

/// What a narrowed view sees of one graph.
#[derive(Debug)]
pub(super) struct VisibleSet {
    /// None of them beneath another.
    units: Vec<EntityId>,
    by_kind: [OnceLock<RoaringBitmap>; Kind::ALL.len()],
    name: OnceLock<Box<str>>,
}

impl VisibleSet {
    /// These units of `graph`, which hold, and what is beneath them.
    pub(super) fn of(graph: &Graph, mut units: Vec<EntityId>) -> Self {
        units.sort_unstable();
        units.dedup();
        if units.len() > 1 {
            let mut beneath = RoaringBitmap::new();
            for beneath_one in units.iter().filter_map(|unit| graph.beneath.get(unit)) {
                beneath |= &beneath_one.below[Kind::OrgUnit as usize];
            }
            units.retain(|unit| !beneath.contains(unit.0));
        }
        Self { units, by_kind: Default::default(), name: OnceLock::new() }
    }

    /// The units that nothing in sight is above.
    pub(super) fn tops(&self) -> &[EntityId] {
        &self.units
    }

    pub(super) fn sees(&self, graph: &Graph, id: EntityId) -> bool {
        if self.units.len() <= ASKED_ONE_BY_ONE_MAX {
            return self.units.iter().any(|unit| *unit == id || graph.contains(*unit, id));
        }
        graph.entity(id).is_some_and(|entity| self.all(graph, entity.kind()).contains(id.0))
    }

    /// All of a kind in sight.
    pub(super) fn all<'s>(&'s self, graph: &'s Graph, kind: Kind) -> &'s RoaringBitmap {
        let below = |unit: &EntityId| graph.beneath.get(unit).map(|beneath| &beneath.below[kind as usize]);
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

    /// A word for it: the same for the same units.
    pub(super) fn name(&self, graph: &Graph) -> &str {
        self.name.get_or_init(|| {
            let mut keys: Vec<Cow<'_, str>> =
                self.units.iter().filter_map(|unit| Some(graph.entity(*unit)?.label().into())).collect();
            keys.sort_unstable();
            blake3::hash(keys.join("\n").as_bytes()).to_hex()[..NAME_LENGTH].into()
        })
    }
}
