//! Hierarchy queries: roots, parents, children, ancestors, descendants, totals and levels.
//!
//! Invariant: results contain visible entities only, and a unit outside the scope has no descendants, path or totals.

use std::sync::LazyLock;

use roaring::RoaringBitmap;

use crate::graph::view::{Totals, View};
use crate::model::entity::{EntityId, Kind};
use crate::model::text::Collated;

/// What is below a unit that is not visible.
static NOTHING: LazyLock<RoaringBitmap> = LazyLock::new(RoaringBitmap::new);

impl View {
    /// Units without a visible parent, by name.
    #[must_use]
    pub fn roots(&self) -> Vec<EntityId> {
        self.by_name(self.unordered_roots())
    }

    /// As [`View::roots`], unordered.
    pub(crate) fn unordered_roots(&self) -> Vec<EntityId> {
        match &self.visible {
            // The units of a scope: none of them is below another, and their parents are outside the scope.
            Some(visible) => visible.unordered_roots().to_vec(),
            None => {
                self.all(Kind::OrgUnit).iter().map(EntityId).filter(|id| !self.graph.is_child(*id)).collect()
            }
        }
    }

    fn by_name(&self, mut units: Vec<EntityId>) -> Vec<EntityId> {
        let name_and_key = |id: &EntityId| {
            let unit = self.entity(*id).and_then(|entity| entity.as_org_unit());
            unit.map(|unit| (Collated::from(unit.name.as_str()), unit.key.clone()))
        };
        // The key ends with the unit's unique key, so units of the same name have a fixed order.
        units.sort_by_cached_key(name_and_key);
        units
    }

    /// The parents of a unit, or the units that a person or project is placed in; for a repository or service, those of
    /// its project. The earliest mapping first.
    #[must_use]
    pub fn parents(&self, id: EntityId) -> Vec<EntityId> {
        let mut parents = self.graph.parents(self.placed(id));
        // A person in the scope may be placed outside of it as well, and the caller must not learn of that.
        parents.retain(|unit| self.is_visible(*unit));
        parents
    }

    /// The parent of a unit, person or project that has exactly one. `None` if it has none or several, or if the parent is
    /// not visible.
    pub(crate) fn only_parent(&self, id: EntityId) -> Option<EntityId> {
        self.graph.only_parent(id).filter(|unit| self.is_visible(*unit))
    }

    /// Prepares [`Self::only_parent`] of these entities.
    pub(crate) fn prefetch_parents(&self, ids: &[EntityId]) {
        self.graph.prefetch_parents(ids);
    }

    /// The entity that placements are of: for a repository or service its project, else itself.
    fn placed(&self, id: EntityId) -> EntityId {
        self.graph.entity(id).and_then(|entity| entity.owning_project()).unwrap_or(id)
    }

    /// The child units of a unit, by name.
    #[must_use]
    pub fn children(&self, unit: EntityId) -> Vec<EntityId> {
        self.by_name(self.directly_below(unit, Kind::OrgUnit).iter().map(EntityId).collect())
    }

    /// All visible units above, each once, in topological order: root first.
    #[must_use]
    pub fn ancestors(&self, id: EntityId) -> Vec<EntityId> {
        let mut ancestors = self.graph.ancestors(self.placed(id));
        ancestors.retain(|unit| self.is_visible(*unit));
        ancestors
    }

    /// All entities of a kind below a unit, at any depth, without itself. Empty if it is not a visible unit.
    #[must_use]
    pub fn below(&self, unit: EntityId, kind: Kind) -> &RoaringBitmap {
        // A scope includes all descendants of its units, so those of a visible unit are visible: no need to intersect.
        let descendants = self.graph.descendants.get(&unit).filter(|_| self.is_visible(unit));
        descendants.map_or(&*NOTHING, |descendants| &descendants.below[kind as usize])
    }

    /// The child units of a unit, or the entities of another kind that are placed directly in it. Empty if it is not a
    /// visible unit.
    #[must_use]
    pub fn directly_below(&self, unit: EntityId, kind: Kind) -> &RoaringBitmap {
        let descendants = self.graph.descendants.get(&unit).filter(|_| self.is_visible(unit));
        descendants.map_or(&*NOTHING, |descendants| &descendants.direct()[kind as usize])
    }

    /// All visible units with the number of entities of a kind below each, unordered.
    pub(crate) fn counts_below(&self, kind: Kind) -> impl Iterator<Item = (EntityId, u64)> {
        let visible = self.graph.descendants.iter().filter(|(unit, _)| self.is_visible(**unit));
        visible.map(move |(unit, sets)| (*unit, sets.below[kind as usize].len()))
    }

    /// The number of entities of each kind below a unit, each counted once. All zero if it is not a visible unit.
    #[must_use]
    pub fn totals(&self, unit: EntityId) -> Totals {
        // The lengths of stored bitmaps: a person in several units of the subtree is one bit, so nothing is counted
        // twice.
        let Some(descendants) = self.graph.descendants.get(&unit).filter(|_| self.is_visible(unit)) else {
            return Totals::default();
        };
        let count = |kind: Kind| descendants.below[kind as usize].len();
        Totals {
            units: count(Kind::OrgUnit),
            people: count(Kind::Person),
            projects: count(Kind::Project),
            repositories: count(Kind::Repository),
            services: count(Kind::Service),
        }
    }

    /// Whether `lower` is below the unit `upper`, at any depth.
    #[must_use]
    pub fn contains(&self, upper: EntityId, lower: EntityId) -> bool {
        // `upper` alone needs the check: what is below a visible unit is visible.
        self.is_visible(upper) && self.graph.contains(upper, lower)
    }

    /// A path from `upper` down to `lower`, both included; `None` if `lower` is not below `upper`.
    #[must_use]
    pub fn path_down(&self, upper: EntityId, lower: EntityId) -> Option<Vec<EntityId>> {
        if self.is_visible(upper) { self.graph.path_down(upper, lower) } else { None }
    }

    /// The number of levels from the highest ancestor of a unit down to the unit, including those outside the scope, and
    /// without the link `replaced`.
    pub(crate) fn levels_above(&self, unit: EntityId, replaced: Option<(EntityId, EntityId)>) -> usize {
        self.graph.levels_above(unit, replaced)
    }

    /// The number of levels from a unit down to its lowest descendant; `enough` or more if there are as many.
    pub(crate) fn levels_below(
        &self,
        unit: EntityId,
        replaced: Option<(EntityId, EntityId)>,
        enough: usize,
    ) -> usize {
        self.graph.levels_below(unit, replaced, enough)
    }

    /// The level fields of an entity: for each level, the nearest visible unit of that type above it. Among units at
    /// the same distance, the earliest mapping decides. `None` where there is no such unit.
    #[must_use]
    pub fn levels(&self, id: EntityId) -> [Option<EntityId>; 5] {
        // The search is filtered, not its result: otherwise a nearer, invisible unit would hide a visible one.
        self.graph.levels(self.placed(id), |unit| self.is_visible(unit))
    }
}
