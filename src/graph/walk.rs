//! Traversal along the edges: parents, ancestors, paths, assets and mappings of an entity.
//!
//! Every walk uses a stack or queue of its own, not recursion: the hierarchy may be as deep as callers make it.

use std::hint::black_box;
use std::sync::Arc;

use petgraph::Direction;
use petgraph::visit::EdgeRef;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::graph::{Graph, GraphEdge, entity_id, node};
use crate::model::entity::{EntityId, Kind};
use crate::model::mapping::{Mapping, MappingType};

/// A parent and its child.
pub(crate) type Link = (EntityId, EntityId);

impl Graph {
    /// The mappings in which `id` is the child, unordered.
    pub(super) fn parent_mappings(&self, id: EntityId) -> impl Iterator<Item = &Arc<Mapping>> {
        let incoming = self.nodes.edges_directed(node(id), Direction::Incoming);
        incoming.filter_map(|edge| edge.weight().mapping())
    }

    /// The parent units of a unit, or the units in which a person or project is placed, unordered.
    pub(super) fn unordered_parents(&self, id: EntityId) -> Vec<EntityId> {
        self.parent_mappings(id)
            // The parent of a membership is a project, not a unit.
            .filter(|mapping| mapping.mapping_type != MappingType::ProjectPeople)
            .map(|mapping| mapping.parent_and_child().0)
            .collect()
    }

    /// Whether `id` has a parent unit.
    pub(super) fn is_child(&self, id: EntityId) -> bool {
        self.parent_mappings(id).any(|mapping| mapping.mapping_type != MappingType::ProjectPeople)
    }

    /// The parent of an entity that has exactly one.
    // Most have. Neither a mapping nor a record is read for it: all that this waits for in memory are the node and its
    // edges.
    pub(super) fn only_parent(&self, id: EntityId) -> Option<EntityId> {
        let mut only = None;
        for edge in self.nodes.edges_directed(node(id), Direction::Incoming) {
            let source = entity_id(edge.source());
            if self.all[Kind::OrgUnit as usize].contains(source.0) && only.replace(source).is_some() {
                return None;
            }
        }
        only
    }

    /// Reads what [`Graph::only_parent`] of these entities reads first, so that the waits for memory overlap.
    pub(super) fn prefetch_parents(&self, ids: &[EntityId]) {
        for id in ids {
            // `black_box` keeps the compiler from removing the loads, whose results are not used.
            black_box(
                self.nodes.edges_directed(node(*id), Direction::Incoming).next().map(|edge| edge.source()),
            );
        }
    }

    /// As [`Graph::unordered_parents`], earliest mapping first.
    pub(super) fn parents(&self, id: EntityId) -> Vec<EntityId> {
        if let Some(only) = self.only_parent(id) {
            return vec![only];
        }
        let mut holding: Vec<_> = self
            .parent_mappings(id)
            .filter(|mapping| mapping.mapping_type != MappingType::ProjectPeople)
            // The mapping's id breaks ties between mappings of one batch, which share a timestamp.
            .map(|mapping| (mapping.stamps.valid_from, mapping.id, mapping.parent_and_child().0))
            .collect();
        holding.sort_unstable();
        holding.into_iter().map(|(_, _, unit)| unit).collect()
    }

    /// All ancestor units, each once and after its own ancestors.
    pub(super) fn ancestors(&self, id: EntityId) -> Vec<EntityId> {
        let mut order = Vec::new();
        let mut seen = FxHashSet::default();
        // A depth-first walk in which a unit is output when its parents are done. The order is reversed, since the
        // stack returns the last entry first and the earliest mapping should come first.
        let mut stack: Vec<_> = self.parents(id).into_iter().rev().map(|unit| (unit, false)).collect();
        while let Some((unit, parents_done)) = stack.pop() {
            if parents_done {
                order.push(unit);
            } else if seen.insert(unit) {
                stack.push((unit, true));
                stack.extend(self.parents(unit).into_iter().rev().map(|unit| (unit, false)));
            }
        }
        order
    }

    /// The number of levels from the highest ancestor of a unit down to the unit, without the link `replaced`.
    pub(super) fn levels_above(&self, unit: EntityId, replaced: Option<Link>) -> usize {
        longest_path(unit, |unit| {
            let mut parents = self.unordered_parents(unit);
            parents.retain(|parent| Some((*parent, unit)) != replaced);
            parents
        })
    }

    /// The number of levels from a unit down to its lowest descendant, without the link `replaced`; `enough` or more if
    /// there are as many.
    pub(super) fn levels_below(&self, unit: EntityId, replaced: Option<Link>, enough: usize) -> usize {
        let Some(sets) = self.descendants.get(&unit) else { return 1 };
        // Each level has a unit of its own, so few units cannot have many levels.
        let units = sets.below[Kind::OrgUnit as usize].len();
        if units < enough as u64 {
            return usize::try_from(units).map_or(enough, |units| units + 1);
        }
        longest_path(unit, |unit| {
            let sets = self.descendants.get(&unit);
            let children = sets.map(|sets| &sets.direct()[Kind::OrgUnit as usize]).into_iter().flatten();
            children.map(EntityId).filter(|child| Some((unit, *child)) != replaced).collect()
        })
    }

    /// A path from the unit `upper` down to the unit `lower`, both included; `None` if there is none.
    pub(super) fn path_down(&self, upper: EntityId, lower: EntityId) -> Option<Vec<EntityId>> {
        // Walks upwards and asks the closure at each step, so it never has to backtrack.
        let leads_here = |unit: EntityId| unit == upper || self.contains(upper, unit);
        let mut path = vec![lower];
        let mut at = lower;
        while at != upper {
            at = self.parents(at).into_iter().find(|unit| leads_here(*unit))?;
            path.push(at);
        }
        path.reverse();
        Some(path)
    }

    /// Whether `lower` is a descendant of the unit `upper`. One bitmap lookup.
    pub(super) fn contains(&self, upper: EntityId, lower: EntityId) -> bool {
        match (self.descendants.get(&upper), self.entity(lower)) {
            (Some(sets), Some(entity)) => sets.below[entity.kind() as usize].contains(lower.0),
            _ => false,
        }
    }

    /// The repositories and services of a project, unordered.
    pub(super) fn asset_ids(&self, project: EntityId) -> impl Iterator<Item = EntityId> + '_ {
        self.nodes
            .edges_directed(node(project), Direction::Incoming)
            .filter(|edge| matches!(edge.weight(), GraphEdge::Asset))
            .map(|edge| entity_id(edge.source()))
    }

    /// The project of a repository or service.
    // From the edges, which are near each other in memory, unlike the records.
    pub(super) fn project_of(&self, asset: EntityId) -> Option<EntityId> {
        let edge = self.nodes.first_edge(node(asset), Direction::Outgoing)?;
        self.nodes.edge_endpoints(edge).map(|(_, project)| entity_id(project))
    }

    /// The mapping from `parent` to its direct child `child`, if there is one.
    pub(super) fn mapping_between(&self, parent: EntityId, child: EntityId) -> Option<&Mapping> {
        // From the child's side: it has few parents, while a parent may have many thousands of children.
        self.parent_mappings(child).find(|mapping| mapping.parent_and_child().0 == parent).map(Arc::as_ref)
    }

    /// The mappings with `id` at either end, unordered.
    pub(super) fn mappings_of(&self, id: EntityId) -> impl Iterator<Item = &Arc<Mapping>> {
        let incoming = self.nodes.edges_directed(node(id), Direction::Incoming);
        let outgoing = self.nodes.edges_directed(node(id), Direction::Outgoing);
        incoming.chain(outgoing).filter_map(|edge| edge.weight().mapping())
    }

    /// The number of edges at `id`: its mappings and, for a project, its assets.
    pub(super) fn edge_count_of(&self, id: EntityId) -> usize {
        let count = |direction| self.nodes.edges_directed(node(id), direction).count();
        count(Direction::Incoming) + count(Direction::Outgoing)
    }
}

/// The number of units on the longest path that begins at `start` and follows `next`.
fn longest_path(start: EntityId, next: impl Fn(EntityId) -> Vec<EntityId>) -> usize {
    // Depth first with a stack of its own: a unit is done after all that follow it.
    let mut lengths: FxHashMap<EntityId, usize> = FxHashMap::default();
    let mut stack = vec![(start, next(start), false)];
    while let Some((unit, following, is_visited)) = stack.pop() {
        if is_visited {
            let longest = following.iter().filter_map(|unit| lengths.get(unit)).max();
            lengths.insert(unit, 1 + longest.copied().unwrap_or_default());
        } else if !lengths.contains_key(&unit) {
            let unknown: Vec<_> =
                following.iter().filter(|unit| !lengths.contains_key(unit)).copied().collect();
            stack.push((unit, following, true));
            stack.extend(unknown.into_iter().map(|unit| (unit, next(unit), false)));
        }
    }
    lengths.get(&start).copied().unwrap_or(1)
}
