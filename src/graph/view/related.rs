//! What belongs together: members, assets, mappings; and the tokens.

use std::sync::Arc;

use crate::graph::view::View;
use crate::model::entity::{EntityId, Kind};
use crate::model::mapping::{Mapping, MappingId, MappingType};
use crate::model::token::{Scope, Token, TokenId};

impl View {
    /// The people who work on a project, in the order of their mappings.
    #[must_use]
    pub fn members(&self, project: EntityId) -> Vec<EntityId> {
        self.memberships_at(project, |mapping| (mapping.from == project).then_some(mapping.to))
    }

    /// The projects that a person works on, in the order of their mappings.
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

    /// The repositories or services of a project, in the order in which they were given.
    #[must_use]
    pub fn assets(&self, project: EntityId, kind: Kind) -> Vec<EntityId> {
        let mut assets: Vec<_> = self
            .graph
            .asset_ids(project)
            .filter(|id| self.entity(*id).is_some_and(|entity| entity.kind() == kind))
            .collect();
        assets.sort_unstable();
        assets
    }

    fn sees_mapping(&self, mapping: &Mapping) -> bool {
        self.sees(mapping.from) && self.sees(mapping.to)
    }

    /// The mapping with this id, if both its ends are in sight.
    #[must_use]
    pub fn mapping(&self, id: &MappingId) -> Option<&Arc<Mapping>> {
        self.graph.mapping(id).filter(|mapping| self.sees_mapping(mapping))
    }

    /// Every mapping with both ends in sight, in the order in which they were made.
    #[must_use]
    pub fn mappings(&self) -> Vec<&Arc<Mapping>> {
        let mut mappings: Vec<_> = self.each_mapping().collect();
        mappings.sort_unstable_by_key(|mapping| mapping.id);
        mappings
    }

    /// The same in no order.
    pub(crate) fn each_mapping(&self) -> impl Iterator<Item = &Arc<Mapping>> {
        self.graph.all_mappings().filter(|mapping| self.sees_mapping(mapping))
    }

    /// How many mappings there are, out of sight too.
    pub(crate) fn mapping_count(&self) -> u64 {
        self.graph.mapping_count()
    }

    /// The mappings by which something in sight holds this entity, in no order.
    pub(crate) fn mappings_holding(&self, id: EntityId) -> impl Iterator<Item = &Arc<Mapping>> {
        self.graph.holding(id).filter(|mapping| self.sees_mapping(mapping))
    }

    /// The mappings that name an entity that does not hold, in no order. What is out of sight does not hold either, but
    /// then neither does the mapping: a narrowed view has none.
    pub(crate) fn mappings_to_ended(&self) -> impl Iterator<Item = &Arc<Mapping>> {
        let holds = |id| self.graph.entity(id).is_some();
        let all = (!self.is_narrowed()).then(|| self.graph.all_mappings()).into_iter().flatten();
        all.filter(move |mapping| !(holds(mapping.from) && holds(mapping.to)))
    }

    /// The mappings that name this entity at either end, in the order in which they were made.
    #[must_use]
    pub fn mappings_of(&self, id: EntityId) -> Vec<&Arc<Mapping>> {
        let mut mappings: Vec<_> = self.mappings_at(id).collect();
        mappings.sort_unstable_by_key(|mapping| mapping.id);
        mappings
    }

    /// The same in no order.
    pub(crate) fn mappings_at(&self, id: EntityId) -> impl Iterator<Item = &Arc<Mapping>> {
        self.graph.mappings_of(id).filter(|mapping| self.sees_mapping(mapping))
    }

    /// About how many those are: what is out of sight counts too.
    pub(crate) fn mapping_count_of(&self, id: EntityId) -> u64 {
        self.graph.edge_count_of(id) as u64
    }

    /// The mapping by which `holder` (a unit, or a project) holds `held` directly.
    #[must_use]
    pub fn mapping_between(&self, holder: EntityId, held: EntityId) -> Option<&Mapping> {
        self.graph.mapping_between(holder, held).filter(|mapping| self.sees_mapping(mapping))
    }

    /// A token, also an expired or revoked one, if it sees no more than this view.
    #[must_use]
    pub fn token(&self, id: &TokenId) -> Option<&Arc<Token>> {
        self.graph.tokens.get(id).filter(|token| self.covers(&token.scope))
    }

    /// All tokens that see no more than this view, the earliest first.
    #[must_use]
    pub fn tokens(&self) -> Vec<&Arc<Token>> {
        let mut tokens: Vec<_> =
            self.graph.tokens.values().filter(|token| self.covers(&token.scope)).collect();
        tokens.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        tokens
    }

    /// Whether everything that `scope` reaches is in sight, and there is anything. Units that have ended give nothing.
    fn covers(&self, scope: &Scope) -> bool {
        if !self.is_narrowed() {
            return true;
        }
        let mut standing = scope.units().iter().filter(|unit| self.graph.entity(**unit).is_some()).peekable();
        standing.peek().is_some() && standing.all(|unit| self.sees(*unit))
    }
}
