//! The subtree of a unit as a flat list, depth first.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::graph::View;
use crate::model::entity::EntityId;
use crate::model::level::UnitType;

/// A descendant unit, with its position in the walk.
///
/// ```
/// use clade::query::descendants;
///
/// let ada = clade::CreatePerson::new("ada@corp.example").under("Corp/Retail/Checkout");
/// let view = clade::Directory::in_memory()?.apply(ada)?.view;
/// let below = descendants(&view, view.org_unit("Corp")?.id(), None, &[]);
/// let shown: Vec<_> = below.iter().map(|unit| (unit.depth, view.label(unit.id))).collect();
/// assert_eq!(shown, [(1, "Retail".to_owned()), (2, "Checkout".to_owned())]);
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descendant {
    /// The unit.
    pub id: EntityId,
    /// Its parent on this walk.
    pub parent: EntityId,
    /// The number of levels below the top; 1 for a child.
    pub depth: usize,
}

/// All descendants of `unit` down to `depth` levels (`None`: all), depth first, siblings by name. If `types` is not
/// empty, only units of these types are listed, though the walk passes through others. A unit with several parents is
/// listed once, at its least depth; among several parents there, under the one that is listed first.
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
    // A stack: the next unit to visit is the last one, so children are pushed in reverse.
    let mut open = vec![];
    let mut next = Descendant { id: unit, parent: unit, depth: 0 };
    loop {
        let unvisited = children.get(&next.id).into_iter().flatten().rev();
        open.extend(unvisited.map(|id| Descendant { id: *id, parent: next.id, depth: next.depth + 1 }));
        let Some(visited) = open.pop() else { return listed };
        if is_listed(visited.id) {
            listed.push(visited);
        }
        next = visited;
    }
}

/// For each unit down to `depth`, the children that are listed under it.
// Breadth first, in a pass before the depth-first listing: only so is the least depth of a unit with several parents
// known. The first parent in a level takes the child.
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
