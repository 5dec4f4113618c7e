//! The five level fields, derived: for each level the nearest unit of that type above.

use std::collections::VecDeque;

use rustc_hash::FxHashSet;

use crate::graph::Graph;
use crate::model::entity::EntityId;

impl Graph {
    /// For each level the nearest unit of that type above `id` that `sees` lets through. Among equally near
    /// ones, the earliest mapping decides.
    pub(super) fn levels(&self, id: EntityId, sees: impl Fn(EntityId) -> bool) -> [Option<EntityId>; 5] {
        let mut found = [None; 5];
        let mut visited = FxHashSet::default();
        let mut waiting: VecDeque<EntityId> = self.parents(id).into();
        while let Some(unit) = waiting.pop_front() {
            if !sees(unit) || !visited.insert(unit) {
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
