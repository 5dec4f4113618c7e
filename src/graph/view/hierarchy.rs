//! What is above and beneath: roots, parents, children, ancestors, subtrees, totals, levels.

use std::borrow::Cow;

use roaring::RoaringBitmap;

use crate::graph::view::{Totals, View};
use crate::model::entity::{EntityId, Kind};
use crate::model::key::fold;

impl View {
    /// Units with nothing in sight above them, by name.
    #[must_use]
    pub fn roots(&self) -> Vec<EntityId> {
        self.by_name(self.tops())
    }

    /// As [`View::roots`], in no order.
    pub(crate) fn tops(&self) -> Vec<EntityId> {
        match &self.sight {
            Some(sight) => sight.tops().to_vec(),
            None => {
                self.all(Kind::OrgUnit).iter().map(EntityId).filter(|id| !self.graph.is_child(*id)).collect()
            }
        }
    }

    fn by_name(&self, mut units: Vec<EntityId>) -> Vec<EntityId> {
        let name_and_key = |id: &EntityId| {
            let unit = self.entity(*id).and_then(|entity| entity.as_org_unit());
            unit.map(|unit| (fold(unit.name.as_str()).into_owned(), unit.key.clone()))
        };
        units.sort_by_cached_key(name_and_key);
        units
    }

    /// The units directly above a unit, or that a person or project is placed in; of an asset, those of its
    /// project. The earliest mapping first.
    #[must_use]
    pub fn parents(&self, id: EntityId) -> Vec<EntityId> {
        let mut parents = self.graph.parents(self.placed(id));
        parents.retain(|unit| self.sees(*unit));
        parents
    }

    /// Itself, or the project of an asset: what mappings speak of.
    fn placed(&self, id: EntityId) -> EntityId {
        self.graph.entity(id).and_then(|entity| entity.owning_project()).unwrap_or(id)
    }

    /// The units directly beneath a unit, by name.
    #[must_use]
    pub fn children(&self, unit: EntityId) -> Vec<EntityId> {
        self.by_name(self.directly_below(unit, Kind::OrgUnit).iter().map(EntityId).collect())
    }

    /// Every unit above, each once, each after the units above it: root first.
    #[must_use]
    pub fn ancestors(&self, id: EntityId) -> Vec<EntityId> {
        let mut ancestors = self.graph.ancestors(self.placed(id));
        ancestors.retain(|unit| self.sees(*unit));
        ancestors
    }

    /// All of a kind strictly beneath a unit, at any depth. Empty for what is no unit in sight.
    #[must_use]
    pub fn below(&self, unit: EntityId, kind: Kind) -> Cow<'_, RoaringBitmap> {
        // What is beneath a unit in sight is in sight itself: no need to narrow.
        match self.graph.beneath.get(&unit).filter(|_| self.sees(unit)) {
            Some(beneath) => Cow::Borrowed(&beneath.below[kind as usize]),
            None => Cow::Owned(RoaringBitmap::new()),
        }
    }

    /// All of a kind placed directly in a unit. Empty for what is no unit in sight.
    #[must_use]
    pub fn directly_below(&self, unit: EntityId, kind: Kind) -> Cow<'_, RoaringBitmap> {
        match self.graph.beneath.get(&unit).filter(|_| self.sees(unit)) {
            Some(beneath) => Cow::Borrowed(&beneath.direct()[kind as usize]),
            None => Cow::Owned(RoaringBitmap::new()),
        }
    }

    /// How many of each kind are beneath a unit.
    #[must_use]
    pub fn totals(&self, unit: EntityId) -> Totals {
        let Some(beneath) = self.graph.beneath.get(&unit).filter(|_| self.sees(unit)) else {
            return Totals::default();
        };
        let count = |kind: Kind| beneath.below[kind as usize].len();
        Totals {
            units: count(Kind::OrgUnit),
            people: count(Kind::Person),
            projects: count(Kind::Project),
            repositories: count(Kind::Repository),
            services: count(Kind::Service),
        }
    }

    /// Whether `lower` is strictly beneath the unit `upper`.
    #[must_use]
    pub fn contains(&self, upper: EntityId, lower: EntityId) -> bool {
        self.sees(upper) && self.graph.contains(upper, lower)
    }

    /// The way down from `upper` to `lower`, both included, if `lower` is beneath it.
    #[must_use]
    pub fn path_down(&self, upper: EntityId, lower: EntityId) -> Option<Vec<EntityId>> {
        if self.sees(upper) { self.graph.path_down(upper, lower) } else { None }
    }

    /// The five level fields of a person, project or asset: for each level the nearest unit of that type above;
    /// where several qualify, the earliest mapping decides.
    #[must_use]
    pub fn levels(&self, id: EntityId) -> [Option<EntityId>; 5] {
        self.graph.levels(self.placed(id), |unit| self.sees(unit))
    }
}
