//! The filter algebra: what a caller asks for, as a tree over bitmaps.

use std::borrow::Cow;

use roaring::RoaringBitmap;

use crate::graph::View;
use crate::model::entity::{EntityId, Kind};

/// Which entities of a kind are asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// Every one.
    All,
    /// Those that all of these match.
    And(Vec<Filter>),
    /// Those that any of these matches.
    Or(Vec<Filter>),
    /// Those that this does not match.
    Not(Box<Filter>),
    /// Those beneath any of these units, at any depth.
    Within(Vec<EntityId>),
    /// Those directly in any of these units.
    DirectlyIn(Vec<EntityId>),
    /// Those with a text that passes.
    Text(Field, TextTest),
    /// Those with this in any of their own texts (keys, names, email, urls), without case.
    AnyText(String),
    /// Those with a neighbour that passes.
    Related(Relation, Box<Filter>),
}

/// A text of an entity that can be tested and sorted by. A field that a kind does not have is null for all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// Of a unit.
    Key,
    /// Of a unit, repository or service; a project's `projectName`.
    Name,
    /// Of a unit.
    Type,
    /// Of anything but a repository.
    ExternalId,
    /// Of a person; compared without case.
    Email,
    /// Of a person.
    FirstName,
    /// Of a person.
    LastName,
    /// Of a person.
    DisplayName,
    /// Of a project.
    ProjectId,
    /// The email of a project's owner; compared without case.
    OwnerEmail,
    /// Of a repository.
    Platform,
    /// Of a repository; compared normalised.
    Url,
    /// Of a service.
    Identifier,
}

/// One test of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextTest {
    /// Exactly this.
    Eq(String),
    /// One of these.
    In(Vec<String>),
    /// This somewhere in it, without case.
    Contains(String),
    /// This at its beginning, without case.
    StartsWith(String),
    /// Not there at all, or there.
    IsNull(bool),
}

/// A way from an entity to its neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Relation {
    /// From a project to the people who work on it.
    Member,
    /// From a person to the projects they work on; from an asset to its project.
    Project,
    /// From a project to its repositories.
    Repository,
    /// From a project to its services.
    Service,
}

impl Relation {
    /// The kind of the neighbours.
    #[must_use]
    pub fn leads_to(self) -> Kind {
        match self {
            Self::Member => Kind::Person,
            Self::Project => Kind::Project,
            Self::Repository => Kind::Repository,
            Self::Service => Kind::Service,
        }
    }
}

/// All entities of `kind` in sight that `filter` matches.
#[must_use]
pub fn select<'v>(_view: &'v View, _kind: Kind, _filter: &Filter) -> Cow<'v, RoaringBitmap> {
    todo!()
}
