//! Related records: members, repositories and services, mappings, and tokens.
//!
//! Invariant: a mapping is visible only if both of its ends are, and a token only if its whole scope is.

use std::sync::Arc;

use roaring::RoaringBitmap;

use crate::graph::view::View;
use crate::graph::{MappingOrderBy, MappingRank, Sorted};
use crate::model::entity::{EntityId, Kind};
use crate::model::mapping::{Mapping, MappingId, MappingType};
use crate::model::token::{Scope, Token, TokenId};

impl View {
    /// The members of a project, in the order of their mappings.
    #[must_use]
    pub fn members(&self, project: EntityId) -> Vec<EntityId> {
        self.memberships_at(project, |mapping| (mapping.from == project).then_some(mapping.to))
    }

    /// The members of a project that has many, as a bitmap. Not limited to the scope.
    pub(crate) fn members_of_large(&self, project: EntityId) -> Option<&RoaringBitmap> {
        self.graph.members_of_large(project)
    }

    /// The projects that a person is a member of, in the order of their mappings.
    #[must_use]
    pub fn memberships(&self, person: EntityId) -> Vec<EntityId> {
        self.memberships_at(person, |mapping| (mapping.to == person).then_some(mapping.from))
    }

    fn memberships_at(
        &self,
        id: EntityId,
        other_end: impl Fn(&Mapping) -> Option<EntityId>,
    ) -> Vec<EntityId> {
        self.mappings_of(id)
            .into_iter()
            .filter(|mapping| mapping.mapping_type == MappingType::ProjectPeople)
            .filter_map(|mapping| other_end(mapping))
            .collect()
    }

    /// The repositories or services of a project, in order of creation.
    #[must_use]
    pub fn assets(&self, project: EntityId, kind: Kind) -> Vec<EntityId> {
        let mut assets: Vec<_> = self
            .graph
            .asset_ids(project)
            .filter(|id| self.entity(*id).is_some_and(|entity| entity.kind() == kind))
            .collect();
        // petgraph lists the edges of a node newest first; ids are in order of creation.
        assets.sort_unstable();
        assets
    }

    /// The project of a repository or service. Not limited to the scope.
    pub(crate) fn project_of(&self, asset: EntityId) -> Option<EntityId> {
        self.graph.project_of(asset)
    }

    /// The projects of these repositories or services. Not limited to the scope.
    pub(crate) fn projects_of(&self, assets: &RoaringBitmap) -> RoaringBitmap {
        let projects = assets.iter().filter_map(|asset| self.project_of(EntityId(asset)));
        let mut projects: Vec<u32> = projects.map(|project| project.0).collect();
        // Nearly sorted already, and a bitmap is built faster from sorted ids.
        projects.sort_unstable();
        projects.dedup();
        RoaringBitmap::from_sorted_iter(projects).unwrap_or_default()
    }

    /// Whether both ends are visible. With one end only, the id of the other would leak.
    fn is_visible_mapping(&self, mapping: &Mapping) -> bool {
        self.is_visible(mapping.from) && self.is_visible(mapping.to)
    }

    /// The mapping with this id; `None` if it does not exist or one of its ends is not visible.
    #[must_use]
    pub fn mapping(&self, id: &MappingId) -> Option<&Arc<Mapping>> {
        self.graph.mapping(id).filter(|mapping| self.is_visible_mapping(mapping))
    }

    /// All mappings with two visible ends, in order of creation.
    #[must_use]
    pub fn mappings(&self) -> Vec<&Arc<Mapping>> {
        let mut mappings: Vec<_> = self.each_mapping().collect();
        // Ids are UUIDv7 from one generator, so their order is the order of creation.
        mappings.sort_unstable_by_key(|mapping| mapping.id);
        mappings
    }

    /// As [`View::mappings`], unordered.
    pub(crate) fn each_mapping(&self) -> impl Iterator<Item = &Arc<Mapping>> {
        self.graph.all_mappings().filter(|mapping| self.is_visible_mapping(mapping))
    }

    /// All mappings in an order, ascending; `None` in a view that is limited to a scope.
    pub(crate) fn sorted_mappings(&self, by: MappingOrderBy) -> Option<&Sorted<MappingId>> {
        (!self.is_narrowed()).then(|| self.graph.sorted_mappings(by))
    }

    /// What a mapping is sorted by in an order.
    pub(crate) fn mapping_rank<'v>(&'v self, by: MappingOrderBy, mapping: &'v Mapping) -> MappingRank<'v> {
        self.graph.mapping_rank(by, mapping)
    }

    /// The number of mappings. Not limited to the scope.
    pub(crate) fn mapping_count(&self) -> u64 {
        self.graph.mapping_count()
    }

    /// The visible mappings in which this entity is the child, unordered.
    pub(crate) fn parent_mappings_of(&self, id: EntityId) -> impl Iterator<Item = &Arc<Mapping>> {
        self.graph.parent_mappings(id).filter(|mapping| self.is_visible_mapping(mapping))
    }

    /// The mappings with a deleted end, unordered, for data-quality checks. None in a view that is limited to a scope.
    pub(crate) fn mappings_to_deleted(&self) -> impl Iterator<Item = &Arc<Mapping>> {
        // A deleted end is in no scope, so a limited view may not show the mapping either.
        let exists = |id| self.graph.entity(id).is_some();
        let all = (!self.is_narrowed()).then(|| self.graph.all_mappings()).into_iter().flatten();
        all.filter(move |mapping| !(exists(mapping.from) && exists(mapping.to)))
    }

    /// The visible mappings with this entity at either end, in order of creation.
    #[must_use]
    pub fn mappings_of(&self, id: EntityId) -> Vec<&Arc<Mapping>> {
        let mut mappings: Vec<_> = self.mappings_at(id).collect();
        mappings.sort_unstable_by_key(|mapping| mapping.id);
        mappings
    }

    /// As [`View::mappings_of`], unordered.
    pub(crate) fn mappings_at(&self, id: EntityId) -> impl Iterator<Item = &Arc<Mapping>> {
        self.graph.mappings_of(id).filter(|mapping| self.is_visible_mapping(mapping))
    }

    /// An upper bound of the number of mappings of an entity: includes invisible ones, and of a project its assets.
    pub(crate) fn mapping_count_of(&self, id: EntityId) -> u64 {
        self.graph.edge_count_of(id) as u64
    }

    /// The mapping from `parent` (a unit or a project) to its direct child `child`, if both are visible.
    #[must_use]
    pub fn mapping_between(&self, parent: EntityId, child: EntityId) -> Option<&Mapping> {
        self.graph.mapping_between(parent, child).filter(|mapping| self.is_visible_mapping(mapping))
    }

    /// The token with this id, also if it is expired or revoked; `None` if its scope exceeds that of this view.
    #[must_use]
    pub fn token(&self, id: &TokenId) -> Option<&Arc<Token>> {
        self.graph.tokens.get(id).filter(|token| self.covers(&token.scope))
    }

    /// All tokens whose scope does not exceed that of this view, in order of creation.
    #[must_use]
    pub fn tokens(&self) -> Vec<&Arc<Token>> {
        let mut tokens: Vec<_> =
            self.graph.tokens.values().filter(|token| self.covers(&token.scope)).collect();
        // Token ids are random, so they only break ties between tokens of the same millisecond.
        tokens.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        tokens
    }

    /// Whether all existing units of `scope` are visible, and there is at least one.
    fn covers(&self, scope: &Scope) -> bool {
        if !self.is_narrowed() {
            return true;
        }
        // `all` is true for an empty list, which is the case of an unlimited scope (it has no list of units) and of one
        // whose units are all deleted. Neither may be managed from within a limited view, hence the `peek`.
        let mut existing = scope.units().iter().filter(|unit| self.graph.entity(**unit).is_some()).peekable();
        existing.peek().is_some() && existing.all(|unit| self.is_visible(*unit))
    }
}
