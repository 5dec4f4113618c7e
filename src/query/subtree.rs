//! A subtree as a flat list, in the order in which a person would read it.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::graph::View;
use crate::model::entity::EntityId;
use crate::model::level::UnitType;

/// A unit beneath another, where a walk from the top meets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descendant {
    /// The unit.
    pub id: EntityId,
    /// The unit directly above it on this walk.
    pub parent: EntityId,
    /// 1 for a child.
    pub depth: usize,
}

/// Everything beneath `unit` down to `depth` (all when none), depth first, siblings by name; only units of
/// `types` are listed when some are given, though the walk passes through others. A unit with several parents
/// is listed once, at its least depth; of several parents there, beneath the one that is listed first.
#[must_use]
pub fn descendants(view: &View, unit: EntityId, depth: Option<usize>, types: &[UnitType]) -> Vec<Descendant> {
    let children = claim(view, unit, depth.unwrap_or(usize::MAX));
    let is_listed = |id: EntityId| {
        types.is_empty()
            || view
                .entity(id)
                .and_then(|entity| entity.as_org_unit())
                .is_some_and(|unit| types.contains(&unit.unit_type))
    };
    let mut listed = Vec::new();
    // What is to be visited, the next one last.
    let mut open = vec![];
    let mut next = Descendant { id: unit, parent: unit, depth: 0 };
    loop {
        let beneath = children.get(&next.id).into_iter().flatten().rev();
        open.extend(beneath.map(|id| Descendant { id: *id, parent: next.id, depth: next.depth + 1 }));
        let Some(visited) = open.pop() else { return listed };
        if is_listed(visited.id) {
            listed.push(visited);
        }
        next = visited;
    }
}

/// For each unit down to `depth`, those of its children that it lists: level by level, the first to come takes
/// the child.
fn claim(view: &View, top: EntityId, depth: usize) -> FxHashMap<EntityId, Vec<EntityId>> {
    let mut claimed = FxHashMap::default();
    let mut seen = FxHashSet::from_iter([top]);
    let mut level = vec![top];
    for _ in 0..depth {
        let mut next_level = Vec::new();
        for parent in level {
            let mut children = view.children(parent);
            children.retain(|child| seen.insert(*child));
            next_level.extend_from_slice(&children);
            claimed.insert(parent, children);
        }
        if next_level.is_empty() {
            break;
        }
        level = next_level;
    }
    claimed
}
