//! Consistency checks of a graph: differences from a graph that should be equal, and broken internal rules.
//!
//! These run in the check command and in tests, so they may read every record and rebuild derived data.

use rustc_hash::FxHashMap;

use crate::graph::Graph;
use crate::graph::closure::DescendantSets;
use crate::graph::view::View;
use crate::model::entity::{Entity, EntityId, Kind};

impl View {
    /// The differences from a graph that should be equal, one sentence each.
    #[must_use]
    pub fn differences(&self, other: &View) -> Vec<String> {
        let (here, there) = (self.graph(), other.graph());
        let mut found = Vec::new();
        if here.revision != there.revision {
            found
                .push(format!("one graph is at revision {}, the other at {}", here.revision, there.revision));
        }
        for kind in Kind::ALL {
            for id in &here.all[kind as usize] ^ &there.all[kind as usize] {
                found.push(format!("the {kind} #{id} is in one graph and not in the other"));
            }
            for id in &here.all[kind as usize] & &there.all[kind as usize] {
                if here.entity(EntityId(id)) != there.entity(EntityId(id)) {
                    found.push(format!("the {kind} #{id} differs between the graphs"));
                }
            }
        }
        for mapping in here.all_mappings() {
            if there.mapping(&mapping.id) != Some(mapping) {
                found.push(format!("the mapping {} differs between the graphs", mapping.id));
            }
        }
        if here.mappings.len() != there.mappings.len() {
            found.push(format!(
                "one graph has {} mappings, the other {}",
                here.mappings.len(),
                there.mappings.len()
            ));
        }
        if here.next_entity() != there.next_entity() {
            found.push(format!(
                "one graph numbers the next record #{}, the other #{}",
                here.next_entity().0,
                there.next_entity().0
            ));
        }
        if here.tokens != there.tokens {
            found.push("the tokens differ between the graphs".to_owned());
        }
        if here.descendants != there.descendants {
            found.push("the descendant sets of the units differ between the graphs".to_owned());
        }
        found
    }

    /// The rules that this graph breaks, one sentence each.
    #[must_use]
    pub fn broken_rules(&self) -> Vec<String> {
        let graph = self.graph();
        let mut found = Vec::new();
        for (unit, sets) in &graph.descendants {
            if sets.below[Kind::OrgUnit as usize].contains(unit.0) {
                found.push(format!("the unit {:?} is its own descendant", self.label(*unit)));
            }
        }
        if graph.recomputed_closures() != graph.descendants {
            found.push("the descendant sets of the units do not match the mappings".to_owned());
        }
        if graph.gathered_members() != graph.large_projects {
            found.push("the members of large projects do not match the mappings".to_owned());
        }
        if !graph.index.is_index_of(graph.all_entities()) {
            found.push("the lookup indexes do not match the records".to_owned());
        }
        if !graph.platforms.are_those_of(graph.all_entities()) {
            found.push("the projects by platform do not match the repositories".to_owned());
        }
        for kind in [Kind::Repository, Kind::Service] {
            for id in &graph.all[kind as usize] {
                let project = graph.entity(EntityId(id)).and_then(|entity| entity.owning_project());
                let is_there = |id| graph.entity(id).is_some_and(|entity| entity.kind() == Kind::Project);
                if let Some(project) = project.filter(|project| !is_there(*project)) {
                    found.push(format!(
                        "the {kind} #{id} belongs to #{}, which is not a current project",
                        project.0
                    ));
                }
            }
        }
        let mut pairs: FxHashMap<(EntityId, EntityId), u32> = FxHashMap::default();
        for mapping in graph.all_mappings() {
            let (from, to) = mapping.mapping_type.ends();
            for (end, kind) in [(mapping.from, from), (mapping.to, to)] {
                if graph.entity(end).is_none_or(|entity| entity.kind() != kind) {
                    found.push(format!(
                        "the mapping {} names #{}, which is not a current {kind}",
                        mapping.id, end.0
                    ));
                }
            }
            *pairs.entry(mapping.parent_and_child()).or_default() += 1;
        }
        // Two edges between one pair would make the closures wrong: removing one of them takes the child out of sets in
        // which the other still puts it.
        for ((parent, child), count) in pairs {
            if count > 1 {
                found.push(format!(
                    "{count} mappings connect {} and {}",
                    self.label(parent),
                    self.label(child)
                ));
            }
        }
        // The hash maps above iterate in no fixed order.
        found.sort();
        found
    }
}

impl Graph {
    fn all_entities(&self) -> impl Iterator<Item = &Entity> {
        self.all.iter().flatten().filter_map(|id| self.entity(EntityId(id)).map(|entity| &**entity))
    }

    fn recomputed_closures(&self) -> FxHashMap<EntityId, DescendantSets> {
        // The clone shares the records, so this copies nodes, edges and bitmaps alone.
        let mut copy = self.clone();
        copy.rebuild_closures();
        copy.descendants
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use uuid::Uuid;

    use super::*;
    use crate::graph::index::Index;
    use crate::graph::platforms::Platforms;
    use crate::graph::{GraphEdge, node};
    use crate::model::attributes::Attributes;
    use crate::model::entity::{Body, OrgUnit, Project, Repository, Revision, Stamps};
    use crate::model::key::{Name, ProjectId, UnitKey};
    use crate::model::level::Level;
    use crate::model::mapping::{Mapping, MappingId, MappingType, Relationship};
    use crate::model::time::Timestamp;

    const LAB: EntityId = EntityId(1);

    fn stamps(revision: u64) -> Arc<Stamps> {
        Stamps::new(Timestamp::from_millis(0), Revision(revision)).into()
    }

    fn unit(key: &str) -> Body {
        let (key, name) = (UnitKey::parse(key).unwrap(), Name::parse(key).unwrap());
        let attributes = Attributes::default();
        Body::OrgUnit(OrgUnit { key, name, unit_type: Level::Team.into(), external_id: None, attributes })
    }

    /// The unit Corp, its child Lab, and in Lab the project engine with a repository.
    fn consistent() -> View {
        let project = Project {
            project_id: ProjectId::parse("engine").unwrap(),
            name: Name::parse("Engine").unwrap(),
            owner: None,
            external_id: None,
            attributes: Attributes::default(),
        };
        let repository = Repository {
            project: EntityId(2),
            name: Name::parse("engine").unwrap(),
            platform: Some(Name::parse("h").unwrap()),
            url: None,
            attributes: Attributes::default(),
        };
        let bodies = [unit("Corp"), unit("Lab"), Body::Project(project), Body::Repository(repository)];
        let entities: Vec<_> = (0..)
            .map(EntityId)
            .zip(bodies)
            .map(|(id, body)| Arc::new(Entity { id, stamps: stamps(1), body }))
            .collect();
        let mapping = |mapping_type, from, to| {
            Arc::new(Mapping {
                id: MappingId(Uuid::from_u128(u128::from(from))),
                mapping_type,
                relationship: Relationship::OrgHierarchy,
                from: EntityId(from),
                to: EntityId(to),
                source: None,
                attributes: Attributes::default(),
                stamps: stamps(1),
            })
        };
        let mappings = [mapping(MappingType::ParentChild, 0, 1), mapping(MappingType::ProjectOrg, 2, 1)];
        View::of(Arc::new(Graph::load(Revision(3), 4, &entities, &mappings, Vec::new())))
    }

    fn corrupted(corrupt: impl FnOnce(&mut Graph)) -> View {
        let mut graph = consistent().graph().clone();
        corrupt(&mut graph);
        View::of(Arc::new(graph))
    }

    #[test]
    fn broken_rules_finds_every_derived_index_that_disagrees() {
        assert_eq!(consistent().broken_rules(), Vec::<String>::new());
        let broken = |corrupt: fn(&mut Graph), what: &str| {
            let found = corrupted(corrupt).broken_rules();
            assert!(found.iter().any(|finding| finding.contains(what)), "{what}: {found:?}");
        };
        broken(|graph| graph.index = Index::default(), "the lookup indexes");
        broken(|graph| graph.platforms = Platforms::default(), "the projects by platform");
        broken(|graph| drop(graph.descendants.remove(&LAB)), "the descendant sets of the units");
        broken(
            |graph| {
                let sets = graph.descendants.get_mut(&LAB).unwrap();
                sets.below[Kind::OrgUnit as usize].insert(LAB.0);
            },
            "the unit \"Lab\" is its own descendant",
        );
        broken(
            |graph| {
                let twice = Arc::clone(graph.mappings_of(LAB).next().unwrap());
                let (parent, child) = twice.parent_and_child();
                let edge = GraphEdge::Mapping(Arc::clone(&twice));
                graph.nodes.add_edge(node(parent), node(child), edge);
            },
            "2 mappings connect",
        );
    }

    #[test]
    fn differences_finds_every_kind_of_difference() {
        let original = consistent();
        assert_eq!(original.differences(&original), Vec::<String>::new());
        let differs = |corrupt: fn(&mut Graph), what: &str| {
            let mut graph = original.graph().clone();
            corrupt(&mut graph);
            let found = original.differences(&View::of(Arc::new(graph)));
            assert!(found.iter().any(|finding| finding.contains(what)), "{what}: {found:?}");
        };
        differs(|graph| graph.revision = graph.revision.next(), "one graph is at revision 3, the other at 4");
        differs(
            |graph| {
                graph.all[Kind::Project as usize].remove(2);
            },
            "the project #2 is in one graph",
        );
        differs(
            |graph| {
                graph.nodes.add_node(None);
            },
            "one graph numbers the next record #4, the other #5",
        );
        differs(|graph| graph.descendants.clear(), "the descendant sets of the units differ");
        differs(
            |graph| {
                let renamed = Arc::clone(graph.entity(EntityId(2)).unwrap());
                let mut renamed = Entity::clone(&renamed);
                renamed.stamps = stamps(2);
                *graph.nodes.node_weight_mut(node(EntityId(2))).unwrap() = Some(Arc::new(renamed));
            },
            "the project #2 differs",
        );
        let emptied = View::of(Arc::new(Graph::default()));
        let found = original.differences(&emptied);
        assert!(found.iter().any(|finding| finding.starts_with("the mapping ")), "{found:?}");
        assert!(found.contains(&"one graph has 2 mappings, the other 0".to_owned()), "{found:?}");
    }
}
