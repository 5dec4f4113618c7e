//! The members of projects that have many, as bitmaps.
//!
//! Invariant: a project has a bitmap exactly if it has more than [`LISTED_MAX`] members; the members of others are found
//! from their edges.

use petgraph::Direction;
use petgraph::visit::EdgeRef;
use roaring::RoaringBitmap;
use rustc_hash::FxHashMap;

use crate::graph::{Graph, GraphEdge, entity_id, node};
use crate::model::entity::EntityId;
use crate::model::mapping::{Mapping, MappingType};

/// Maximum number of members that are found from the edges of their project.
// Most projects have a few. For the project of everyone, a page of ten members would otherwise read a million edges.
const LISTED_MAX: usize = 256;

/// The members of large projects.
pub(super) type LargeProjects = FxHashMap<EntityId, RoaringBitmap>;

impl Graph {
    /// The members of a project, if it is a large one.
    pub(super) fn members_of_large(&self, project: EntityId) -> Option<&RoaringBitmap> {
        self.large_projects.get(&project)
    }

    /// Updates the members after the edge of `mapping` was added.
    pub(super) fn add_member(&mut self, mapping: &Mapping) {
        let Some((project, person)) = membership(mapping) else { return };
        if let Some(members) = self.large_projects.get_mut(&project) {
            members.insert(person.0);
        } else if self.listed_members(project).nth(LISTED_MAX).is_some() {
            let members = self.listed_members(project).collect();
            self.large_projects.insert(project, members);
        }
    }

    /// Updates the members after the edge of `mapping` was removed.
    pub(super) fn remove_member(&mut self, mapping: &Mapping) {
        let Some((project, person)) = membership(mapping) else { return };
        if let Some(members) = self.large_projects.get_mut(&project) {
            members.remove(person.0);
            if members.len() <= LISTED_MAX as u64 {
                self.large_projects.remove(&project);
            }
        }
    }

    /// The bitmaps of all large projects, from the edges alone.
    pub(super) fn gathered_members(&self) -> LargeProjects {
        let mappings = self.nodes.edge_weights().filter_map(GraphEdge::mapping);
        let mut members: Vec<_> = mappings.filter_map(|mapping| membership(mapping)).collect();
        members.sort_unstable();
        let by_project = members.chunk_by(|(one, _), (other, _)| one == other);
        let large = by_project.filter(|of_project| of_project.len() > LISTED_MAX);
        large
            .map(|of_project| (of_project[0].0, of_project.iter().map(|(_, person)| person.0).collect()))
            .collect()
    }

    fn listed_members(&self, project: EntityId) -> impl Iterator<Item = u32> {
        let edges = self.nodes.edges_directed(node(project), Direction::Outgoing);
        let of_members =
            edges.filter(|edge| edge.weight().mapping().is_some_and(|it| membership(it).is_some()));
        of_members.map(|edge| entity_id(edge.target()).0)
    }
}

/// The project and the person of a membership.
fn membership(mapping: &Mapping) -> Option<(EntityId, EntityId)> {
    (mapping.mapping_type == MappingType::ProjectPeople).then_some((mapping.from, mapping.to))
}
