//! Applies change sets to a graph: the only code that modifies one.
//!
//! Invariant: applying cannot fail, since every change was planned against the same graph. All derived data (indexes,
//! closures, sorted lists) matches the records afterwards.

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

// A rebuild reads every entity, an update a few bitmaps per change. The break-even is taken at one change for
// every eight entities …
const BULK_ENTITIES_PER_CHANGE: usize = 8;
// … plus this many: in a small graph either way is fast, and a bulk change drops the lazy indexes.
const BULK_CHANGES_MIN: usize = 1000;

impl Graph {
    /// Builds a graph at `revision` from its current records, `entities` sorted by id. `next_entity` is the id of the
    /// next new entity.
    ///
    /// # Panics
    /// If no thread can be started.
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
            // The indexes depend on the records alone, the closures on the edges alone, so both are built in parallel.
            let indexes = scope.spawn(|| {
                let platforms = Platforms::of(entities.iter().map(|entity| &**entity));
                (Mappings::of(mappings), platforms, Index::of(entities))
            });
            graph.connect_all(entities, mappings, next_entity);
            graph.rebuild_closures();
            graph.large_projects = graph.gathered_members();
            (graph.mappings, graph.platforms, graph.index) =
                indexes.join().expect("records can be indexed whatever they are");
        });
        for token in tokens {
            graph.tokens.insert(token.id.clone(), token);
        }
        graph
    }

    /// Adds all nodes and edges to an empty graph: the mappings first, in their order, which `Mappings::of` relies on.
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
            let (parent, child) = mapping.parent_and_child();
            self.nodes.add_edge(node(parent), node(child), GraphEdge::Mapping(Arc::clone(mapping)));
        }
        for entity in entities {
            if let Some(project) = entity.owning_project() {
                self.connect_asset(project, entity.id);
            }
        }
    }

    /// Applies a committed batch and moves to its revision.
    pub fn apply_batch(&mut self, batch: &Batch) {
        for set in &batch.sets {
            self.apply(set);
        }
        self.set_revision(batch.revision);
    }

    /// Sets the revision after every change set of its batch was applied.
    pub fn set_revision(&mut self, revision: Revision) {
        self.revision = revision;
    }

    /// Applies a change set.
    pub fn apply(&mut self, set: &ChangeSet) {
        let is_bulk = self.is_bulk(set.changes.len());
        if is_bulk {
            self.begin_bulk();
        }
        self.apply_changes(&set.changes);
        if is_bulk {
            self.end_bulk();
        }
    }

    /// Applies changes one by one.
    pub(crate) fn apply_changes(&mut self, changes: &[Change]) {
        for change in changes {
            self.apply_change(change);
        }
    }

    /// Begins a bulk change. Until [`Graph::end_bulk`], the closures are kept for units alone, which is all that
    /// planning reads: computing the rest once at the end costs far less than updating it at every change.
    pub(crate) fn begin_bulk(&mut self) {
        // Dropped rather than updated: each insert into a list or bitmap costs more than its share of a rebuild. They
        // remember that they are wanted and are rebuilt before the next publish.
        self.text.take();
        self.sorted.clear();
        self.mapping_lists.clear();
        self.in_bulk = true;
    }

    /// Reserves capacity for more entities of each kind, and mappings.
    pub(crate) fn reserve(&mut self, entities: &[usize; Kind::ALL.len()], mappings: usize) {
        let nodes = &self.nodes;
        self.index.reserve(entities, |id| nodes.node_weight(node(id)).and_then(Option::as_deref));
        self.nodes.reserve_nodes(entities.iter().sum());
        self.nodes.reserve_edges(mappings);
        self.mappings.reserve(mappings, &self.nodes);
    }

    /// Ends a bulk change: computes the closures from the edges.
    pub(crate) fn end_bulk(&mut self) {
        self.rebuild_closures();
        self.large_projects = self.gathered_members();
        self.in_bulk = false;
    }

    /// Whether a change set of this size is faster as a bulk change.
    #[must_use]
    pub fn is_bulk(&self, changes: usize) -> bool {
        changes > self.nodes.node_count() / BULK_ENTITIES_PER_CHANGE + BULK_CHANGES_MIN
    }

    fn apply_change(&mut self, change: &Change) {
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
            // The order of this branch matters: lists are searched by the current sort key, so a record leaves them
            // before anything that its key is built from changes, and enters them after. An asset's key contains the
            // id of its project, so renaming a project moves its assets too.
            let is_renamed = before.as_project().map(|project| &project.project_id)
                != entity.as_project().map(|project| &project.project_id);
            let renamed: Vec<_> = if is_renamed { self.asset_ids(entity.id).collect() } else { Vec::new() };
            for asset in &renamed {
                self.remove_from_lists(*asset);
            }
            let moved =
                if before.label() == entity.label() { Vec::new() } else { self.remove_by_key(entity.id) };
            self.remove_from_indexes(&before);
            self.fill_slot(Arc::clone(entity));
            self.add_by_key(&moved);
            for asset in renamed {
                self.add_to_lists(asset);
            }
            return;
        }
        self.grow_to(entity.id);
        self.fill_slot(Arc::clone(entity));
        // Every unit has an entry, even an empty one: `attach` takes its presence to mean "this is a unit".
        if entity.kind() == Kind::OrgUnit {
            self.descendants.entry(entity.id).or_default();
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
        // Collected first, since removing an edge moves another one to its index.
        let mappings: Vec<MappingId> = self.mappings_of(id).map(|mapping| mapping.id).collect();
        for mapping in mappings {
            self.end_mapping(&mapping);
        }
        if let Some(project) = entity.owning_project().filter(|_| !self.in_bulk) {
            self.detach_asset(project, id, entity.kind());
        }
        // Before the edge to the project goes: the platform index follows it to the project's other repositories.
        self.remove_from_indexes(&entity);
        // All mappings are gone; what is left is the edge from this asset to its project.
        while let Some(edge) = self.nodes.first_edge(node(id), Direction::Outgoing) {
            self.disconnect(edge);
        }
        self.all[entity.kind() as usize].remove(id.0);
        self.descendants.remove(&id);
        if let Some(slot) = self.nodes.node_weight_mut(node(id)) {
            *slot = None;
        }
    }

    fn put_mapping(&mut self, mapping: &Arc<Mapping>) {
        let same_ends =
            self.mapping(&mapping.id).map(|before| (before.from, before.to) == (mapping.from, mapping.to));
        // Only the attributes changed: the edge and the closures stay as they are.
        if same_ends == Some(true) {
            if let Some(before) = self.mapping(&mapping.id).cloned() {
                self.remove_from_mapping_lists(&before);
            }
            if let Some(edge) = self.mapping_edge(&mapping.id)
                && let Some(weight) = self.nodes.edge_weight_mut(edge)
            {
                *weight = GraphEdge::Mapping(Arc::clone(mapping));
            }
            self.add_to_mapping_lists(mapping);
            return;
        }
        if same_ends == Some(false) {
            self.end_mapping(&mapping.id);
        }
        self.connect(Arc::clone(mapping));
        self.add_to_mapping_lists(mapping);
        if !self.in_bulk {
            self.add_member(mapping);
        }
        if let Some((parent, child)) = self.closure_edge(mapping) {
            self.attach(parent, child);
        }
    }

    fn end_mapping(&mut self, id: &MappingId) {
        let Some(edge) = self.mapping_edge(id) else { return };
        if let Some(mapping) = self.mapping(id).cloned() {
            self.remove_from_mapping_lists(&mapping);
        }
        let Some(GraphEdge::Mapping(mapping)) = self.disconnect(edge) else { return };
        if !self.in_bulk {
            self.remove_member(&mapping);
        }
        if let Some((parent, child)) = self.closure_edge(&mapping) {
            self.detach(parent, child);
        }
    }

    /// The parent unit and the child of a mapping, if the closures must follow it now; `None` for memberships, whose
    /// parent is a project, and for placements during a bulk change.
    fn closure_edge(&self, mapping: &Mapping) -> Option<(EntityId, EntityId)> {
        let (parent, child) = mapping.parent_and_child();
        // Planning in bulk still has to detect cycles between units.
        let is_kept = !self.in_bulk || mapping.mapping_type == MappingType::ParentChild;
        (is_kept && self.descendants.contains_key(&parent)).then_some((parent, child))
    }

    /// Adds empty slots up to `id`, so that its node can be filled. Ids arrive with gaps when a store is read.
    fn grow_to(&mut self, id: EntityId) {
        while self.next_entity() <= id {
            self.nodes.add_node(None);
        }
    }

    /// Removes an entity from all indexes; it must still have the texts with which it was added.
    fn remove_from_indexes(&mut self, entity: &Entity) {
        self.remove_from_lists(entity.id);
        self.index.remove(entity);
        self.remove_from_platform(entity);
        if let Some(text) = self.text.get_mut() {
            text.remove(entity.id);
        }
    }

    /// Fills the slot of `entity` and adds it to all indexes.
    fn fill_slot(&mut self, entity: Arc<Entity>) {
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
        // Last: the sort key is read from the filled slot.
        self.add_to_lists(id);
    }
}
