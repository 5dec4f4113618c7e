//! One revision, one scope. Every read begins here, and nothing outside the scope is ever seen.

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Arc;

use roaring::RoaringBitmap;

use crate::error::Error;
use crate::graph::Graph;
use crate::graph::index::IndexBy;
use crate::model::entity::{Entity, EntityId, Kind, OrgUnit, Person, Project, Revision};
use crate::model::key::{Email, ProjectId, RepoUrl, ServiceIdentifier, fold};
use crate::model::mapping::{Mapping, MappingId, MappingType};
use crate::model::reference::UnitRef;
use crate::model::token::{Token, TokenId};

/// How much of a hash names a scope.
const SCOPE_NAME_LENGTH: usize = 16;

/// A directory at one revision, as far as one scope may see it. Cheap to clone; never changes.
#[derive(Debug, Clone)]
pub struct View {
    graph: Arc<Graph>,
    scope: Option<Arc<RoaringBitmap>>,
    scope_name: Option<Arc<str>>,
}

/// What is beneath a unit, rolled up, each counted once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Units strictly beneath it.
    pub units: u64,
    /// People placed in it or beneath it.
    pub people: u64,
    /// Projects placed in it or beneath it.
    pub projects: u64,
    /// Repositories of those projects.
    pub repositories: u64,
    /// Services of those projects.
    pub services: u64,
}

impl View {
    /// Sees everything in `graph`.
    #[must_use]
    pub fn of(graph: Arc<Graph>) -> Self {
        Self { graph, scope: None, scope_name: None }
    }

    /// Narrows to these units and what is beneath them; they become its roots. No units at all narrow nothing.
    #[must_use]
    pub fn within(&self, units: &[EntityId]) -> Self {
        if units.is_empty() {
            return self.clone();
        }
        let mut seen = RoaringBitmap::new();
        let mut keys = Vec::new();
        for unit in units {
            let Some(entity) = self.entity(*unit) else { continue };
            seen.insert(unit.0);
            keys.push(entity.label());
            for kind in Kind::ALL {
                seen |= &*self.below(*unit, kind);
            }
        }
        keys.sort_unstable();
        let name = blake3::hash(keys.join("\n").as_bytes()).to_hex();
        Self {
            graph: Arc::clone(&self.graph),
            scope: Some(Arc::new(seen)),
            scope_name: Some(name.as_str()[..SCOPE_NAME_LENGTH].into()),
        }
    }

    /// The revision that this is a view of.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.graph.revision()
    }

    /// A number that the views of one opening of a directory share, and hardly any others: a revision says what is
    /// in a directory only together with this, since a backup that was restored counts on from where it stood.
    #[must_use]
    pub fn opening(&self) -> u32 {
        self.graph.opening
    }

    /// A word for what this view may see: the same for equal scopes, for use in `ETag`s and cache keys.
    #[must_use]
    pub fn scope_name(&self) -> &str {
        self.scope_name.as_deref().unwrap_or("all")
    }

    pub(super) fn graph(&self) -> &Graph {
        &self.graph
    }

    fn sees(&self, id: EntityId) -> bool {
        self.scope.as_ref().is_none_or(|scope| scope.contains(id.0))
    }

    fn narrowed<'v>(&self, set: Option<&'v RoaringBitmap>) -> Cow<'v, RoaringBitmap> {
        match (set, &self.scope) {
            (None, _) => Cow::Owned(RoaringBitmap::new()),
            (Some(set), None) => Cow::Borrowed(set),
            (Some(set), Some(scope)) => Cow::Owned(set & &**scope),
        }
    }

    // ---- records

    /// The entity of this number, if it exists now and is in sight.
    #[must_use]
    pub fn entity(&self, id: EntityId) -> Option<&Arc<Entity>> {
        self.graph.entity(id).filter(|_| self.sees(id))
    }

    /// What messages call this entity; `?` for what is out of sight.
    #[must_use]
    pub fn label(&self, id: EntityId) -> String {
        self.entity(id).map_or_else(|| "?".to_owned(), |entity| entity.label().to_owned())
    }

    /// All entities of a kind.
    #[must_use]
    pub fn all(&self, kind: Kind) -> Cow<'_, RoaringBitmap> {
        self.narrowed(Some(&self.graph.all[kind as usize]))
    }

    /// The number that the next new entity gets. For the planner alone: it says how many there ever were.
    pub(crate) fn next_entity(&self) -> EntityId {
        self.graph.next_entity()
    }

    pub(super) fn look_up(&self, by: IndexBy, text: &str) -> Vec<EntityId> {
        let entity_of = |id| self.graph.entity(id).map(|entity| &**entity);
        let mut found: Vec<_> =
            self.graph.index.find(by, text, entity_of).filter(|id| self.sees(*id)).collect();
        found.sort_unstable();
        found
    }

    /// The unit that a reference names, to read on from.
    ///
    /// # Errors
    /// As [`View::find_unit`].
    pub fn org_unit(&self, reference: impl Into<UnitRef>) -> Result<OrgUnitNode<'_>, Error> {
        let reference = reference.into();
        let id = self.find_unit(&reference)?;
        let unit = self
            .entity(id)
            .and_then(|entity| entity.as_org_unit())
            .ok_or_else(|| Error::NotFound { kind: Kind::OrgUnit.as_str(), reference: reference.shown() })?;
        Ok(OrgUnitNode { view: self, id, unit })
    }

    /// The person with this email.
    #[must_use]
    pub fn person_by_email(&self, email: &Email) -> Option<EntityId> {
        self.look_up(IndexBy::Email, &email.folded()).pop()
    }

    /// The project with this id.
    #[must_use]
    pub fn project_by_id(&self, id: &ProjectId) -> Option<EntityId> {
        self.look_up(IndexBy::ProjectId, id.as_str()).pop()
    }

    /// Every project's repository at this url, the earliest first.
    #[must_use]
    pub fn repositories_at(&self, url: &RepoUrl) -> Vec<EntityId> {
        self.look_up(IndexBy::RepositoryUrl, &url.normalized())
    }

    /// Every project's service with this identifier, the earliest first.
    #[must_use]
    pub fn services_called(&self, identifier: &ServiceIdentifier) -> Vec<EntityId> {
        self.look_up(IndexBy::ServiceIdentifier, identifier.as_str())
    }

    // ---- hierarchy

    /// Units with nothing in sight above them, by name.
    #[must_use]
    pub fn roots(&self) -> Vec<EntityId> {
        let units = self.all(Kind::OrgUnit);
        self.by_name(units.iter().map(EntityId).filter(|id| self.parents(*id).is_empty()).collect())
    }

    fn by_name(&self, mut units: Vec<EntityId>) -> Vec<EntityId> {
        let name_and_key = |id: &EntityId| {
            let unit = self.entity(*id).and_then(|entity| entity.as_org_unit());
            unit.map(|unit| (fold(unit.name.as_str()).into_owned(), unit.key.clone()))
        };
        units.sort_by_cached_key(name_and_key);
        units
    }

    /// The units directly above a unit, or that a person or project is placed in; of an asset, those of its
    /// project. The earliest mapping first.
    #[must_use]
    pub fn parents(&self, id: EntityId) -> Vec<EntityId> {
        let mut parents = self.graph.parents(self.placed(id));
        parents.retain(|unit| self.sees(*unit));
        parents
    }

    /// Itself, or the project of an asset: what mappings speak of.
    fn placed(&self, id: EntityId) -> EntityId {
        self.graph.entity(id).and_then(|entity| entity.owning_project()).unwrap_or(id)
    }

    /// The units directly beneath a unit, by name.
    #[must_use]
    pub fn children(&self, unit: EntityId) -> Vec<EntityId> {
        self.by_name(self.directly_below(unit, Kind::OrgUnit).iter().map(EntityId).collect())
    }

    /// Every unit above, each once, each after the units above it: root first.
    #[must_use]
    pub fn ancestors(&self, id: EntityId) -> Vec<EntityId> {
        let mut ancestors = self.graph.ancestors(self.placed(id));
        ancestors.retain(|unit| self.sees(*unit));
        ancestors
    }

    /// All of a kind strictly beneath a unit, at any depth. Empty for what is no unit in sight.
    #[must_use]
    pub fn below(&self, unit: EntityId, kind: Kind) -> Cow<'_, RoaringBitmap> {
        // What is beneath a unit in sight is in sight itself: no need to narrow.
        match self.graph.beneath.get(&unit).filter(|_| self.sees(unit)) {
            Some(beneath) => Cow::Borrowed(&beneath.below[kind as usize]),
            None => Cow::Owned(RoaringBitmap::new()),
        }
    }

    /// All of a kind placed directly in a unit. Empty for what is no unit in sight.
    #[must_use]
    pub fn directly_below(&self, unit: EntityId, kind: Kind) -> Cow<'_, RoaringBitmap> {
        match self.graph.beneath.get(&unit).filter(|_| self.sees(unit)) {
            Some(beneath) => Cow::Borrowed(&beneath.direct[kind as usize]),
            None => Cow::Owned(RoaringBitmap::new()),
        }
    }

    /// How many of each kind are beneath a unit.
    #[must_use]
    pub fn totals(&self, unit: EntityId) -> Totals {
        let count = |kind| self.below(unit, kind).len();
        Totals {
            units: count(Kind::OrgUnit),
            people: count(Kind::Person),
            projects: count(Kind::Project),
            repositories: count(Kind::Repository),
            services: count(Kind::Service),
        }
    }

    /// Whether `lower` is strictly beneath the unit `upper`.
    #[must_use]
    pub fn contains(&self, upper: EntityId, lower: EntityId) -> bool {
        self.sees(upper) && self.graph.contains(upper, lower)
    }

    /// The way down from `upper` to `lower`, both included, if `lower` is beneath it.
    #[must_use]
    pub fn path_down(&self, upper: EntityId, lower: EntityId) -> Option<Vec<EntityId>> {
        if self.sees(upper) { self.graph.path_down(upper, lower) } else { None }
    }

    /// The five level fields of a person, project or asset: for each level the nearest unit of that type above;
    /// where several qualify, the earliest mapping decides.
    #[must_use]
    pub fn levels(&self, id: EntityId) -> [Option<EntityId>; 5] {
        self.graph.levels(self.placed(id), |unit| self.sees(unit))
    }

    // ---- projects, people, assets

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

    // ---- mappings, tokens

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
        let mut ids: Vec<_> = self.graph.mappings.keys().collect();
        ids.sort_unstable();
        ids.into_iter().filter_map(|id| self.mapping(id)).collect()
    }

    /// The mappings that name this entity at either end, in the order in which they were made.
    #[must_use]
    pub fn mappings_of(&self, id: EntityId) -> Vec<&Arc<Mapping>> {
        let mut mappings: Vec<_> =
            self.graph.mappings_of(id).filter(|mapping| self.sees_mapping(mapping)).collect();
        mappings.sort_unstable_by_key(|mapping| mapping.id);
        mappings
    }

    /// The mapping by which `holder` (a unit, or a project) holds `held` directly.
    #[must_use]
    pub fn mapping_between(&self, holder: EntityId, held: EntityId) -> Option<&Mapping> {
        self.graph.mapping_between(holder, held).filter(|mapping| self.sees_mapping(mapping))
    }

    /// A token, also an expired or revoked one.
    #[must_use]
    pub fn token(&self, id: &TokenId) -> Option<&Arc<Token>> {
        self.graph.tokens.get(id)
    }

    /// All tokens, the earliest first.
    #[must_use]
    pub fn tokens(&self) -> Vec<&Arc<Token>> {
        let mut tokens: Vec<_> = self.graph.tokens.values().collect();
        tokens.sort_by_key(|token| token.created_at);
        tokens
    }
}

/// A unit as one view sees it.
#[derive(Debug, Clone, Copy)]
pub struct OrgUnitNode<'v> {
    view: &'v View,
    id: EntityId,
    unit: &'v OrgUnit,
}

impl<'v> OrgUnitNode<'v> {
    /// Its number.
    #[must_use]
    pub fn id(&self) -> EntityId {
        self.id
    }

    /// How many of each kind are beneath it.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.view.totals(self.id)
    }

    /// Every unit above it, root first.
    pub fn ancestors(&self) -> impl Iterator<Item = OrgUnitNode<'v>> {
        self.nodes(self.view.ancestors(self.id))
    }

    /// The units directly beneath it, by name.
    pub fn children(&self) -> impl Iterator<Item = OrgUnitNode<'v>> {
        self.nodes(self.view.children(self.id))
    }

    /// Every person placed in it or beneath it, each once.
    pub fn people(&self) -> impl Iterator<Item = &'v Person> {
        self.beneath(Kind::Person).filter_map(Entity::as_person)
    }

    /// Every project placed in it or beneath it, each once.
    pub fn projects(&self) -> impl Iterator<Item = &'v Project> {
        self.beneath(Kind::Project).filter_map(Entity::as_project)
    }

    fn nodes(&self, units: Vec<EntityId>) -> impl Iterator<Item = OrgUnitNode<'v>> {
        let view = self.view;
        units.into_iter().filter_map(move |id| {
            let unit = view.entity(id)?.as_org_unit()?;
            Some(OrgUnitNode { view, id, unit })
        })
    }

    fn beneath(&self, kind: Kind) -> impl Iterator<Item = &'v Entity> {
        let view = self.view;
        let ids = view.below(self.id, kind).into_owned();
        ids.into_iter().filter_map(move |id| view.entity(EntityId(id)).map(|entity| &**entity))
    }
}

impl Deref for OrgUnitNode<'_> {
    type Target = OrgUnit;

    fn deref(&self) -> &OrgUnit {
        self.unit
    }
}
