//! One revision, one scope. Every read begins here, and nothing outside the scope is ever seen.

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Arc;

use roaring::RoaringBitmap;

use crate::error::Error;
use crate::graph::Graph;
use crate::model::entity::{Entity, EntityId, Kind, OrgUnit, Revision};
use crate::model::key::{Email, ProjectId, RepoUrl, ServiceIdentifier};
use crate::model::mapping::{Mapping, MappingId};
use crate::model::reference::UnitRef;
use crate::model::token::{Token, TokenId};

/// A directory at one revision, as far as one scope may see it. Cheap to clone; never changes.
#[derive(Debug, Clone)]
pub struct View {
    graph: Arc<Graph>,
    scope: Option<Arc<RoaringBitmap>>,
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
        Self { graph, scope: None }
    }

    /// Narrows to these units and what is beneath them. They become its roots.
    #[must_use]
    pub fn within(&self, _units: &[EntityId]) -> Self {
        todo!()
    }

    /// The revision that this is a view of.
    #[must_use]
    pub fn revision(&self) -> Revision {
        todo!()
    }

    /// A word for what this view may see: the same for equal scopes, for use in ETags and cache keys.
    #[must_use]
    pub fn scope_name(&self) -> String {
        todo!()
    }

    // ---- records

    /// The entity of this number, if it exists now and is in sight.
    #[must_use]
    pub fn entity(&self, _id: EntityId) -> Option<&Arc<Entity>> {
        todo!()
    }

    /// All entities of a kind.
    #[must_use]
    pub fn all(&self, _kind: Kind) -> Cow<'_, RoaringBitmap> {
        todo!()
    }

    /// The unit that a reference names.
    ///
    /// # Errors
    /// [`Error::NotFound`], or [`Error::Ambiguous`] with the keys of all that fit.
    pub fn find_unit(&self, _reference: &UnitRef) -> Result<EntityId, Error> {
        todo!()
    }

    /// The unit that a reference names, to read on from.
    ///
    /// # Errors
    /// As [`View::find_unit`].
    pub fn org_unit(&self, _reference: impl Into<UnitRef>) -> Result<OrgUnitNode<'_>, Error> {
        todo!()
    }

    /// The person with this email.
    #[must_use]
    pub fn person_by_email(&self, _email: &Email) -> Option<EntityId> {
        todo!()
    }

    /// The project with this id.
    #[must_use]
    pub fn project_by_id(&self, _id: &ProjectId) -> Option<EntityId> {
        todo!()
    }

    /// Every project's repository at this url, the earliest first.
    #[must_use]
    pub fn repositories_at(&self, _url: &RepoUrl) -> Vec<EntityId> {
        todo!()
    }

    /// Every project's service with this identifier, the earliest first.
    #[must_use]
    pub fn services_called(&self, _identifier: &ServiceIdentifier) -> Vec<EntityId> {
        todo!()
    }

    // ---- hierarchy

    /// Units with nothing in sight above them, by name.
    #[must_use]
    pub fn roots(&self) -> Vec<EntityId> {
        todo!()
    }

    /// The units directly above a unit, or that a person or project is placed in; of an asset, those of its
    /// project. The earliest mapping first.
    #[must_use]
    pub fn parents(&self, _id: EntityId) -> Vec<EntityId> {
        todo!()
    }

    /// The units directly beneath a unit, by name.
    #[must_use]
    pub fn children(&self, _unit: EntityId) -> Vec<EntityId> {
        todo!()
    }

    /// Every unit above, each once, root first.
    #[must_use]
    pub fn ancestors(&self, _id: EntityId) -> Vec<EntityId> {
        todo!()
    }

    /// All of a kind strictly beneath a unit, at any depth. Empty for what is no unit.
    #[must_use]
    pub fn below(&self, _unit: EntityId, _kind: Kind) -> Cow<'_, RoaringBitmap> {
        todo!()
    }

    /// All of a kind placed directly in a unit. Empty for what is no unit.
    #[must_use]
    pub fn directly_below(&self, _unit: EntityId, _kind: Kind) -> Cow<'_, RoaringBitmap> {
        todo!()
    }

    /// How many of each kind are beneath a unit.
    #[must_use]
    pub fn totals(&self, _unit: EntityId) -> Totals {
        todo!()
    }

    /// Whether `lower` is strictly beneath the unit `upper`.
    #[must_use]
    pub fn contains(&self, _upper: EntityId, _lower: EntityId) -> bool {
        todo!()
    }

    /// The five level fields of a person, project or asset: for each level the nearest unit of that type above;
    /// where several qualify, the earliest mapping decides.
    #[must_use]
    pub fn levels(&self, _id: EntityId) -> [Option<EntityId>; 5] {
        todo!()
    }

    // ---- projects, people, assets

    /// The people who work on a project, in the order of their mappings.
    #[must_use]
    pub fn members(&self, _project: EntityId) -> Vec<EntityId> {
        todo!()
    }

    /// The projects that a person works on, in the order of their mappings.
    #[must_use]
    pub fn memberships(&self, _person: EntityId) -> Vec<EntityId> {
        todo!()
    }

    /// The repositories or services of a project, in the order in which they were given.
    #[must_use]
    pub fn assets(&self, _project: EntityId, _kind: Kind) -> Vec<EntityId> {
        todo!()
    }

    // ---- mappings, tokens

    /// The mapping with this id, if both its ends are in sight.
    #[must_use]
    pub fn mapping(&self, _id: &MappingId) -> Option<&Arc<Mapping>> {
        todo!()
    }

    /// Every mapping with both ends in sight, in the order in which they were made.
    #[must_use]
    pub fn mappings(&self) -> Vec<&Arc<Mapping>> {
        todo!()
    }

    /// The mappings that name this entity at either end, in the order in which they were made.
    #[must_use]
    pub fn mappings_of(&self, _id: EntityId) -> Vec<&Arc<Mapping>> {
        todo!()
    }

    /// A token, also an expired or revoked one.
    #[must_use]
    pub fn token(&self, _id: &TokenId) -> Option<&Arc<Token>> {
        todo!()
    }

    /// All tokens, the earliest first.
    #[must_use]
    pub fn tokens(&self) -> Vec<&Arc<Token>> {
        todo!()
    }
}

/// A unit as one view sees it.
#[derive(Debug, Clone, Copy)]
pub struct OrgUnitNode<'v> {
    view: &'v View,
    id: EntityId,
    unit: &'v OrgUnit,
}

impl OrgUnitNode<'_> {
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
}

impl Deref for OrgUnitNode<'_> {
    type Target = OrgUnit;

    fn deref(&self) -> &OrgUnit {
        self.unit
    }
}
