//! What is wrong with a graph: two that should be equal, or one that breaks its own rules.

use rustc_hash::FxHashMap;

use crate::graph::Graph;
use crate::graph::closure::Beneath;
use crate::graph::view::View;
use crate::model::entity::{Entity, EntityId, Kind};

impl View {
    /// How this graph differs from one that should be equal, a sentence each.
    #[must_use]
    pub fn differences(&self, other: &View) -> Vec<String> {
        let (here, there) = (self.graph(), other.graph());
        let mut found = Vec::new();
        if here.revision != there.revision {
            found.push(format!(
                "one graph stands at revision {}, the other at {}",
                here.revision, there.revision
            ));
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
        if here.beneath != there.beneath {
            found.push("what is beneath the units differs between the graphs".to_owned());
        }
        found
    }

    /// Which rules this graph breaks, a sentence each.
    #[must_use]
    pub fn broken_rules(&self) -> Vec<String> {
        let graph = self.graph();
        let mut found = Vec::new();
        for (unit, beneath) in &graph.beneath {
            if beneath.below[Kind::OrgUnit as usize].contains(unit.0) {
                found.push(format!("the unit {:?} is beneath itself", self.label(*unit)));
            }
        }
        if graph.closures_from_edges() != graph.beneath {
            found.push("what is kept as beneath the units is not what the mappings say".to_owned());
        }
        if !graph.index.is_of(graph.all_entities()) {
            found.push("what records are found by is not what they say".to_owned());
        }
        if !graph.platforms.is_of(graph.all_entities()) {
            found.push("what is kept as on the platforms is not what the repositories say".to_owned());
        }
        for kind in [Kind::Repository, Kind::Service] {
            for id in &graph.all[kind as usize] {
                let project = graph.entity(EntityId(id)).and_then(|entity| entity.owning_project());
                let is_there = |id| graph.entity(id).is_some_and(|entity| entity.kind() == Kind::Project);
                if let Some(project) = project.filter(|project| !is_there(*project)) {
                    found.push(format!(
                        "the {kind} #{id} is of #{}, which is no project that holds",
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
                        "the mapping {} names #{}, which is no {kind} that holds",
                        mapping.id, end.0
                    ));
                }
            }
            *pairs.entry(mapping.holder_and_held()).or_default() += 1;
        }
        for ((holder, held), count) in pairs {
            if count > 1 {
                found.push(format!(
                    "{count} mappings connect {} and {}",
                    self.label(holder),
                    self.label(held)
                ));
            }
        }
        found.sort();
        found
    }
}

impl Graph {
    fn all_entities(&self) -> impl Iterator<Item = &Entity> {
        self.all.iter().flatten().filter_map(|id| self.entity(EntityId(id)).map(|entity| &**entity))
    }

    fn closures_from_edges(&self) -> FxHashMap<EntityId, Beneath> {
        let mut copy = self.clone();
        copy.rebuild_closures();
        copy.beneath
    }
}
