//! Along the edges: what holds an entity, what it holds, and everything above it.

use std::sync::Arc;

use petgraph::Direction;
use petgraph::visit::EdgeRef;
use rustc_hash::FxHashSet;

use crate::graph::{Graph, GraphEdge, entity_id, node};
use crate::model::entity::EntityId;
use crate::model::mapping::{Mapping, MappingType};

impl Graph {
    /// The mappings by which something holds `id`, in no order.
    pub(super) fn holding(&self, id: EntityId) -> impl Iterator<Item = &Arc<Mapping>> {
        let incoming = self.nodes.edges_directed(node(id), Direction::Incoming);
        incoming.filter_map(|edge| edge.weight().mapping())
    }

    /// The units directly above a unit, or that a person or project is placed in, in no order.
    pub(super) fn holding_units(&self, id: EntityId) -> Vec<EntityId> {
        self.holding(id)
            .filter(|mapping| mapping.mapping_type != MappingType::ProjectPeople)
            .map(|mapping| mapping.parent_and_child().0)
            .collect()
    }

    /// Whether any unit holds `id` directly.
    pub(super) fn is_child(&self, id: EntityId) -> bool {
        self.holding(id).any(|mapping| mapping.mapping_type != MappingType::ProjectPeople)
    }

    /// As [`Graph::holding_units`], the earliest mapping first.
    pub(super) fn parents(&self, id: EntityId) -> Vec<EntityId> {
        let mut holding: Vec<_> = self
            .holding(id)
            .filter(|mapping| mapping.mapping_type != MappingType::ProjectPeople)
            .map(|mapping| (mapping.stamps.valid_from, mapping.id, mapping.parent_and_child().0))
            .collect();
        holding.sort_unstable();
        holding.into_iter().map(|(_, _, unit)| unit).collect()
    }

    /// Every unit above, each once, each after the units above it.
    pub(super) fn ancestors(&self, id: EntityId) -> Vec<EntityId> {
        let mut order = Vec::new();
        let mut seen = FxHashSet::default();
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

    /// A way down from the unit `upper` to the unit `lower`, both included, if there is one.
    pub(super) fn path_down(&self, upper: EntityId, lower: EntityId) -> Option<Vec<EntityId>> {
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

    /// Whether `lower` is strictly beneath the unit `upper`.
    pub(super) fn contains(&self, upper: EntityId, lower: EntityId) -> bool {
        match (self.beneath.get(&upper), self.entity(lower)) {
            (Some(beneath), Some(entity)) => beneath.below[entity.kind() as usize].contains(lower.0),
            _ => false,
        }
    }

    /// The repositories and services of a project, in no order.
    pub(super) fn asset_ids(&self, project: EntityId) -> impl Iterator<Item = EntityId> + '_ {
        self.nodes
            .edges_directed(node(project), Direction::Outgoing)
            .filter(|edge| matches!(edge.weight(), GraphEdge::Asset))
            .map(|edge| entity_id(edge.target()))
    }

    /// The mapping by which `holder` holds `held` directly, if one does.
    pub(super) fn mapping_between(&self, holder: EntityId, held: EntityId) -> Option<&Mapping> {
        self.holding(held).find(|mapping| mapping.parent_and_child().0 == holder).map(Arc::as_ref)
    }

    /// The mappings that name `id` at either end, in no order.
    pub(super) fn mappings_of(&self, id: EntityId) -> impl Iterator<Item = &Arc<Mapping>> {
        let incoming = self.nodes.edges_directed(node(id), Direction::Incoming);
        let outgoing = self.nodes.edges_directed(node(id), Direction::Outgoing);
        incoming.chain(outgoing).filter_map(|edge| edge.weight().mapping())
    }

    /// How many edges there are at `id`: its mappings, and of a project its assets.
    pub(super) fn edge_count_of(&self, id: EntityId) -> usize {
        let count = |direction| self.nodes.edges_directed(node(id), direction).count();
        count(Direction::Incoming) + count(Direction::Outgoing)
    }
}
