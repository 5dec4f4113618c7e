//! Hash table from a mapping's id to its edge.
//!
//! Invariant: each mapping has exactly one entry. The table stores edge indexes alone and reads the ids from the
//! edges, since a second copy of every id would take about 100 MB at a million entities.

use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::HashTable;
use petgraph::graph::{DiGraph, EdgeIndex};
use rustc_hash::FxBuildHasher;

use crate::graph::{Graph, GraphEdge, node};
use crate::model::entity::{Entity, EntityId};
use crate::model::mapping::{Mapping, MappingId};

/// Entities as nodes, mappings and asset links as edges.
// `DiGraph` rather than `StableDiGraph`: 8 bytes less per node and edge. The price is that removing an edge
// moves the last one; see `disconnect`.
pub(super) type Nodes = DiGraph<Option<Arc<Entity>>, GraphEdge>;

/// The edge index of each mapping.
#[derive(Debug, Clone, Default)]
pub(super) struct Mappings(HashTable<EdgeIndex>);

impl Mappings {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The table of a graph whose first edges are `mappings`, in their order.
    pub(super) fn of(mappings: &[Arc<Mapping>]) -> Self {
        let mut edges = HashTable::with_capacity(mappings.len());
        for (at, mapping) in mappings.iter().enumerate() {
            // The edge indexes are known in advance, so this runs while another thread adds the edges.
            let edge = EdgeIndex::new(at);
            edges.insert_unique(hash(&mapping.id), edge, |edge| hash(&mappings[edge.index()].id));
        }
        Self(edges)
    }

    /// Reserves capacity for `more` mappings. Each growth rehashes all ids, which means reading every edge.
    pub(super) fn reserve(&mut self, more: usize, nodes: &Nodes) {
        self.0.reserve(more, |edge| hash_at(nodes, *edge));
    }

    fn find(&self, id: &MappingId, nodes: &Nodes) -> Option<EdgeIndex> {
        self.0.find(hash(id), |edge| mapping_at(nodes, *edge).is_some_and(|found| found.id == *id)).copied()
    }

    fn insert(&mut self, id: &MappingId, edge: EdgeIndex, nodes: &Nodes) {
        self.0.insert_unique(hash(id), edge, |edge| hash_at(nodes, *edge));
    }

    fn remove(&mut self, id: &MappingId, edge: EdgeIndex) {
        if let Ok(entry) = self.0.find_entry(hash(id), |found| *found == edge) {
            entry.remove();
        }
    }

    fn set_edge(&mut self, id: &MappingId, from: EdgeIndex, to: EdgeIndex) {
        // Found by edge index, not by id: comparing ids would mean reading the edge, which is about to move.
        if let Some(edge) = self.0.find_mut(hash(id), |found| *found == from) {
            *edge = to;
        }
    }
}

impl Graph {
    /// The edge of the mapping with this id.
    pub(super) fn mapping_edge(&self, id: &MappingId) -> Option<EdgeIndex> {
        self.mappings.find(id, &self.nodes)
    }

    /// Every mapping, in no order.
    pub(super) fn all_mappings(&self) -> impl Iterator<Item = &Arc<Mapping>> {
        self.nodes.edge_weights().filter_map(GraphEdge::mapping)
    }

    /// Adds the edge of a mapping that has none.
    pub(super) fn connect(&mut self, mapping: Arc<Mapping>) {
        let (parent, child) = mapping.parent_and_child();
        let id = mapping.id;
        let edge = self.nodes.add_edge(node(parent), node(child), GraphEdge::Mapping(mapping));
        self.mappings.insert(&id, edge, &self.nodes);
    }

    /// Adds the edge from an asset to its project.
    pub(super) fn connect_asset(&mut self, project: EntityId, asset: EntityId) {
        self.nodes.add_edge(node(asset), node(project), GraphEdge::Asset);
    }

    /// Removes an edge. The last edge moves to its index, so that there are no gaps.
    pub(super) fn disconnect(&mut self, edge: EdgeIndex) -> Option<GraphEdge> {
        if let Some(mapping) = mapping_at(&self.nodes, edge) {
            self.mappings.remove(&mapping.id, edge);
        }
        // petgraph's `remove_edge` moves the last edge to the freed index without a notice, so the table follows
        // here. If `edge` is the last one, its entry is already gone and `set_edge` finds nothing.
        let last = EdgeIndex::new(self.nodes.edge_count().checked_sub(1)?);
        if let Some(mapping) = mapping_at(&self.nodes, last) {
            self.mappings.set_edge(&mapping.id, last, edge);
        }
        self.nodes.remove_edge(edge)
    }
}

fn mapping_at(nodes: &Nodes, edge: EdgeIndex) -> Option<&Arc<Mapping>> {
    nodes.edge_weight(edge).and_then(GraphEdge::mapping)
}

fn hash_at(nodes: &Nodes, edge: EdgeIndex) -> u64 {
    mapping_at(nodes, edge).map_or(0, |mapping| hash(&mapping.id))
}

fn hash(id: &MappingId) -> u64 {
    FxBuildHasher.hash_one(id)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::model::attributes::Attributes;
    use crate::model::change::{Change, ChangeSet};
    use crate::model::entity::{Body, OrgUnit, Revision, Stamps};
    use crate::model::key::{Name, UnitKey};
    use crate::model::level::Level;
    use crate::model::mapping::{MappingType, Relationship};
    use crate::model::time::Timestamp;
    use crate::model::token::Actor;

    fn stamps() -> Arc<Stamps> {
        Stamps::new(Timestamp::from_millis(0), Revision(1)).into()
    }

    fn unit(id: u32) -> Arc<Entity> {
        let key = format!("unit {id}");
        let unit = OrgUnit {
            key: UnitKey::parse(&key).unwrap(),
            name: Name::parse(&key).unwrap(),
            unit_type: Level::Team.into(),
            external_id: None,
            attributes: Attributes::default(),
        };
        Arc::new(Entity { id: EntityId(id), stamps: stamps(), body: Body::OrgUnit(unit) })
    }

    fn child_of_first(child: u32) -> Arc<Mapping> {
        Arc::new(Mapping {
            id: MappingId(Uuid::from_u128(u128::from(child))),
            mapping_type: MappingType::ParentChild,
            relationship: Relationship::OrgHierarchy,
            from: EntityId(0),
            to: EntityId(child),
            source: None,
            attributes: Attributes::default(),
            stamps: stamps(),
        })
    }

    #[test]
    fn each_mapping_is_found_after_others_are_removed() {
        let units: Vec<_> = (0..40).map(unit).collect();
        let mappings: Vec<_> = (1..40).map(child_of_first).collect();
        for step in [1, 3, 7, 38] {
            let mut graph = Graph::load(Revision(1), 40, &units, &mappings, Vec::new());
            let mut left = mappings.clone();
            while !left.is_empty() {
                let removed = left.remove(step % left.len());
                let change = Change::EndMapping { id: removed.id, stamps: *removed.stamps };
                graph.apply(&ChangeSet { actor: Actor::Local, changes: vec![change] });
                assert_eq!(graph.mapping(&removed.id), None);
                for mapping in &left {
                    assert_eq!(graph.mapping(&mapping.id), Some(mapping));
                }
            }
            assert_eq!((graph.mappings.len(), graph.nodes.edge_count()), (0, 0));
        }
    }
}
