//! The derived level fields of a record: for each of the five levels, the nearest ancestor unit of that level.

use std::collections::VecDeque;

use rustc_hash::FxHashSet;

use crate::graph::Graph;
use crate::model::entity::EntityId;

impl Graph {
    /// For each level, the nearest ancestor of `id` of that level for which `is_visible` returns `true`. Among equally near
    /// ones, the earliest mapping decides.
    pub(super) fn levels(
        &self,
        id: EntityId,
        is_visible: impl Fn(EntityId) -> bool,
    ) -> [Option<EntityId>; 5] {
        let mut found = [None; 5];
        let mut visited = FxHashSet::default();
        // Breadth first, so that the first unit found of each level is the nearest one.
        let mut waiting: VecDeque<EntityId> = self.parents(id).into();
        while let Some(unit) = waiting.pop_front() {
            // The parents of an invisible unit are invisible too, so its whole branch is skipped. A unit with several
            // children on the way is reached more than once; `visited` keeps this linear.
            if !is_visible(unit) || !visited.insert(unit) {
                continue;
            }
            let level = self
                .entity(unit)
                .and_then(|entity| entity.as_org_unit())
                .and_then(|unit| unit.unit_type.level());
            if let Some(level) = level {
                found[level.index()].get_or_insert(unit);
            }
            if found.iter().all(Option::is_some) {
                break;
            }
            waiting.extend(self.parents(unit));
        }
        found
    }
}
