//! Change sets into a graph: the only code that alters one. It cannot fail, since what it is given was
//! planned against the same graph.

use std::sync::Arc;

use petgraph::Direction;

use crate::graph::index::Index;
use crate::graph::mappings::{Mappings, Nodes};
use crate::graph::platforms::Platforms;
use crate::graph::{Graph, GraphEdge, node};
use crate::model::change::{Batch, Change, ChangeSet};
use crate::model::entity::{Entity, EntityId, Kind, Revision};
use crate::model::mapping::{Mapping, MappingId, MappingType};
use crate::model::token::Token;

/// Changes are many where there are more of them than one for so many entities …
const BULK_SHARE: usize = 8;
/// … and more than this.
const BULK_MIN: usize = 1000;

impl Graph {
    /// A graph of records that hold at `revision`, by number; `next_entity` is the number that the next new entity
    /// gets.
    ///
    /// # Panics
    /// When no thread can be started.
    #[must_use]
    pub fn load(
        revision: Revision,
        next_entity: u32,
        entities: &[Arc<Entity>],
        mappings: &[Arc<Mapping>],
        tokens: Vec<Arc<Token>>,
    ) -> Self {
        let mut graph = Self { revision, ..Self::default() };
        std::thread::scope(|scope| {
            // Indexes are made of the records alone, closures of the edges.
            let indexes = scope.spawn(|| {
                let platforms = Platforms::of(entities.iter().map(|entity| &**entity));
                (Mappings::of(mappings), platforms, Index::of(entities))
            });
            graph.connect_all(entities, mappings, next_entity);
            graph.rebuild_closures();
            (graph.mappings, graph.platforms, graph.index) =
                indexes.join().expect("records can be indexed whatever they are");
        });
        for token in tokens {
            graph.tokens.insert(token.id.clone(), token);
        }
        graph
    }

    /// Nodes and edges of a graph that has none yet: the mappings first, in their order.
    fn connect_all(&mut self, entities: &[Arc<Entity>], mappings: &[Arc<Mapping>], next_entity: u32) {
        let assets = entities.iter().filter(|entity| entity.owning_project().is_some()).count();
        self.nodes = Nodes::with_capacity(next_entity as usize, mappings.len() + assets);
        for entity in entities {
            self.grow_to(entity.id);
            self.all[entity.kind() as usize].insert(entity.id.0);
            if let Some(slot) = self.nodes.node_weight_mut(node(entity.id)) {
                *slot = Some(Arc::clone(entity));
            }
        }
        while self.next_entity().0 < next_entity {
            self.nodes.add_node(None);
        }
        for mapping in mappings {
            let (holder, held) = mapping.parent_and_child();
            self.nodes.add_edge(node(holder), node(held), GraphEdge::Mapping(Arc::clone(mapping)));
        }
        for entity in entities {
            if let Some(project) = entity.owning_project() {
                self.connect_asset(project, entity.id);
            }
        }
    }

    /// Makes every fact of a committed batch true, and stands at its revision.
    pub fn apply_batch(&mut self, batch: &Batch) {
        for set in &batch.sets {
            self.apply(set);
        }
        self.stand_at(batch.revision);
    }

    /// Stands at `revision`: every change set of its batch was applied.
    pub fn stand_at(&mut self, revision: Revision) {
        self.revision = revision;
    }

    /// Makes every fact of a change set true.
    pub fn apply(&mut self, set: &ChangeSet) {
        let is_bulk = self.is_bulk(set.changes.len());
        if is_bulk {
            self.begin_bulk();
        }
        self.make_all(&set.changes);
        if is_bulk {
            self.end_bulk();
        }
    }

    /// Makes facts true.
    pub(crate) fn make_all(&mut self, changes: &[Change]) {
        for change in changes {
            self.make(change);
        }
    }

    /// Many changes come. Until [`Graph::end_bulk`], what is beneath a unit is kept for units alone, which is as
    /// much as planning asks for: to compute the rest at the end costs far less than to keep it at every change.
    pub(crate) fn begin_bulk(&mut self) {
        self.text.take();
        self.sorted.clear();
        self.in_bulk = true;
    }

    /// Makes room for so many more entities of each kind, and mappings.
    pub(crate) fn reserve(&mut self, entities: &[usize; Kind::ALL.len()], mappings: usize) {
        let nodes = &self.nodes;
        self.index.reserve(entities, |id| nodes.node_weight(node(id)).and_then(Option::as_deref));
        self.nodes.reserve_nodes(entities.iter().sum());
        self.nodes.reserve_edges(mappings);
        self.mappings.reserve(mappings, &self.nodes);
    }

    /// The changes that [`Graph::begin_bulk`] spoke of are made.
    pub(crate) fn end_bulk(&mut self) {
        self.rebuild_closures();
        self.in_bulk = false;
    }

    /// Whether so many changes are better made at once than one by one, where there is a choice.
    #[must_use]
    pub fn is_bulk(&self, changes: usize) -> bool {
        changes > self.nodes.node_count() / BULK_SHARE + BULK_MIN
    }

    fn make(&mut self, change: &Change) {
        match change {
            Change::PutEntity(entity) => self.put_entity(entity),
            Change::EndEntity { id, .. } => self.end_entity(*id),
            Change::PutMapping(mapping) => self.put_mapping(mapping),
            Change::EndMapping { id, .. } => self.end_mapping(id),
            Change::PutToken(token) => {
                self.tokens.insert(token.id.clone(), Arc::clone(token));
            }
        }
    }

    fn put_entity(&mut self, entity: &Arc<Entity>) {
        if let Some(before) = self.entity(entity.id).cloned() {
            // The project's id is what its assets are told apart by.
            let is_renamed = before.as_project().map(|project| &project.project_id)
                != entity.as_project().map(|project| &project.project_id);
            let renamed: Vec<_> = if is_renamed { self.asset_ids(entity.id).collect() } else { Vec::new() };
            for asset in &renamed {
                self.leave_lists(*asset);
            }
            self.leave(&before);
            self.enter(Arc::clone(entity));
            for asset in renamed {
                self.enter_lists(asset);
            }
            return;
        }
        self.grow_to(entity.id);
        self.enter(Arc::clone(entity));
        if entity.kind() == Kind::OrgUnit {
            self.beneath.entry(entity.id).or_default();
        }
        if let Some(project) = entity.owning_project() {
            self.connect_asset(project, entity.id);
            if !self.in_bulk {
                self.attach_asset(project, entity.id, entity.kind());
            }
        }
    }

    fn end_entity(&mut self, id: EntityId) {
        let Some(entity) = self.entity(id).cloned() else { return };
        let mappings: Vec<MappingId> = self.mappings_of(id).map(|mapping| mapping.id).collect();
        for mapping in mappings {
            self.end_mapping(&mapping);
        }
        if let Some(project) = entity.owning_project().filter(|_| !self.in_bulk) {
            self.detach_asset(project, id, entity.kind());
        }
        self.leave(&entity);
        while let Some(edge) = self.nodes.first_edge(node(id), Direction::Incoming) {
            self.disconnect(edge);
        }
        self.all[entity.kind() as usize].remove(id.0);
        self.beneath.remove(&id);
        if let Some(slot) = self.nodes.node_weight_mut(node(id)) {
            *slot = None;
        }
    }

    fn put_mapping(&mut self, mapping: &Arc<Mapping>) {
        let same_ends =
            self.mapping(&mapping.id).map(|before| (before.from, before.to) == (mapping.from, mapping.to));
        if same_ends == Some(true) {
            if let Some(edge) = self.mapping_edge(&mapping.id)
                && let Some(weight) = self.nodes.edge_weight_mut(edge)
            {
                *weight = GraphEdge::Mapping(Arc::clone(mapping));
            }
            return;
        }
        if same_ends == Some(false) {
            self.end_mapping(&mapping.id);
        }
        self.connect(Arc::clone(mapping));
        if let Some((holder, held)) = self.beneath_now(mapping) {
            self.attach(holder, held);
        }
    }

    fn end_mapping(&mut self, id: &MappingId) {
        let Some(edge) = self.mapping_edge(id) else { return };
        if let Some(GraphEdge::Mapping(mapping)) = self.disconnect(edge)
            && let Some((holder, held)) = self.beneath_now(&mapping)
        {
            self.detach(holder, held);
        }
    }

    /// The unit by which a mapping holds something and what it holds, where that is kept at every change.
    fn beneath_now(&self, mapping: &Mapping) -> Option<(EntityId, EntityId)> {
        let (holder, held) = mapping.parent_and_child();
        let is_kept = !self.in_bulk || mapping.mapping_type == MappingType::ParentChild;
        (is_kept && self.beneath.contains_key(&holder)).then_some((holder, held))
    }

    /// Empty slots up to `id`, so that its node can be filled.
    fn grow_to(&mut self, id: EntityId) {
        while self.next_entity() <= id {
            self.nodes.add_node(None);
        }
    }

    /// Takes an entity out of the indexes, as it is.
    fn leave(&mut self, entity: &Entity) {
        self.leave_lists(entity.id);
        self.index.remove(entity);
        self.leave_platform(entity);
        if let Some(text) = self.text.get_mut() {
            text.remove(entity.id);
        }
    }

    /// Fills the slot of `entity` and enters it in the indexes.
    fn enter(&mut self, entity: Arc<Entity>) {
        let nodes = &self.nodes;
        self.index.insert(&entity, |id| nodes.node_weight(node(id)).and_then(Option::as_deref));
        self.platforms.insert(&entity);
        if let Some(text) = self.text.get_mut() {
            text.insert(&entity);
        }
        self.all[entity.kind() as usize].insert(entity.id.0);
        let id = entity.id;
        if let Some(slot) = self.nodes.node_weight_mut(node(id)) {
            *slot = Some(entity);
        }
        self.enter_lists(id);
    }
}
