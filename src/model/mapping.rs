//! Mappings: the edges between units, people and projects, with their types and relationships.
//!
//! Invariant: there is at most one mapping between two entities, and its ends are of the kinds that its type names.

use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use crate::error::Error;
use crate::model::attributes::Attributes;
use crate::model::entity::{EntityId, Kind, Stamps};
use crate::model::key::Name;

/// The id of a mapping, a `UUIDv7`.
///
/// ```
/// use clade::model::MappingId;
///
/// let view = clade::Directory::in_memory()?.apply(clade::CreatePerson::new("ada@corp.example").under("Corp"))?.view;
/// let id = view.mappings()[0].id;
/// assert!(view.mapping(&MappingId::parse(&id.to_string())?).is_some());
/// # Ok::<(), clade::Error>(())
/// ```
// Version 7 begins with the time, so the derived order is the order of creation. Lists of mappings are sorted by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MappingId(pub Uuid);

impl MappingId {
    /// Parses a UUID.
    ///
    /// # Errors
    /// [`Error::Invalid`] when `raw` is not a UUID.
    pub fn parse(raw: &str) -> Result<Self, Error> {
        Uuid::parse_str(raw.trim()).map(Self).map_err(|_| Error::invalid("id", raw, "must be a UUID"))
    }
}

impl fmt::Display for MappingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// The type of a mapping: the kinds of its ends, `from` and `to` in this order.
///
/// ```
/// use clade::model::{Kind, MappingType};
///
/// let view = clade::Directory::in_memory()?.apply(clade::CreatePerson::new("ada@corp.example").under("Corp"))?.view;
/// assert_eq!(view.mappings()[0].mapping_type, MappingType::PeopleOrg);
/// assert_eq!(MappingType::PeopleOrg.ends(), (Kind::Person, Kind::OrgUnit));
/// # Ok::<(), clade::Error>(())
/// ```
// Records store these numbers: never renumber, and append new types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum MappingType {
    /// A unit, and one of its child units.
    ParentChild = 0,
    /// A project, and a person who works on it.
    ProjectPeople = 1,
    /// A project, and a unit that it is placed in.
    ProjectOrg = 2,
    /// A person, and a unit that the person is placed in.
    PeopleOrg = 3,
}

impl MappingType {
    /// All types, by number.
    pub const ALL: [Self; 4] = [Self::ParentChild, Self::ProjectPeople, Self::ProjectOrg, Self::PeopleOrg];

    /// Parses a type, without case; `project-member` is an alias of `project-people`.
    ///
    /// # Errors
    /// [`Error::Invalid`] for any other word.
    pub fn parse(raw: &str) -> Result<Self, Error> {
        match raw.trim().to_lowercase().as_str() {
            "parent-child" => Ok(Self::ParentChild),
            "project-people" | "project-member" => Ok(Self::ProjectPeople),
            "project-org" => Ok(Self::ProjectOrg),
            "people-org" => Ok(Self::PeopleOrg),
            _ => Err(Error::invalid(
                "mappingType",
                raw,
                "must be one of parent-child, project-people, project-org, people-org",
            )),
        }
    }

    /// Its name in REST and GraphQL.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ParentChild => "parent-child",
            Self::ProjectPeople => "project-people",
            Self::ProjectOrg => "project-org",
            Self::PeopleOrg => "people-org",
        }
    }

    /// The kinds of `from` and `to`.
    #[must_use]
    pub fn ends(self) -> (Kind, Kind) {
        match self {
            Self::ParentChild => (Kind::OrgUnit, Kind::OrgUnit),
            Self::ProjectPeople => (Kind::Project, Kind::Person),
            Self::ProjectOrg => (Kind::Project, Kind::OrgUnit),
            Self::PeopleOrg => (Kind::Person, Kind::OrgUnit),
        }
    }

    /// Which of the two ends is the parent and which the child: parent unit and child unit, unit and the person or
    /// project placed in it, project and member.
    #[must_use]
    pub fn parent_and_child(self, from: EntityId, to: EntityId) -> (EntityId, EntityId) {
        // Graph edges lead from parent to child. Placements are stored the other way round: their `from` is the member.
        match self {
            Self::ParentChild | Self::ProjectPeople => (from, to),
            Self::ProjectOrg | Self::PeopleOrg => (to, from),
        }
    }

    /// The default relationship of a mapping of this type.
    #[must_use]
    pub fn default_relationship(self) -> Relationship {
        match self {
            Self::ParentChild => Relationship::OrgHierarchy,
            _ => Relationship::ManyToMany,
        }
    }
}

impl fmt::Display for MappingType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The cardinality of a mapping, as the caller states it. It is stored but not enforced.
///
/// ```
/// use clade::model::{MappingType, Relationship};
///
/// assert_eq!(Relationship::parse("Many-To-One")?, Relationship::ManyToOne);
/// assert_eq!(MappingType::ParentChild.default_relationship(), Relationship::OrgHierarchy);
/// # Ok::<(), clade::Error>(())
/// ```
// Records store these numbers: never renumber, and append new relationships.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Relationship {
    /// Any number on both sides.
    ManyToMany = 0,
    /// Many of the first, one of the second.
    ManyToOne = 1,
    /// One of each.
    OneToOne = 2,
    /// One of the first, many of the second.
    OneToMany = 3,
    /// A parent and a child of the hierarchy.
    OrgHierarchy = 4,
}

impl Relationship {
    /// All relationships, by number.
    pub const ALL: [Self; 5] =
        [Self::ManyToMany, Self::ManyToOne, Self::OneToOne, Self::OneToMany, Self::OrgHierarchy];

    /// Parses a relationship, without case.
    ///
    /// # Errors
    /// [`Error::Invalid`] for any other word.
    pub fn parse(raw: &str) -> Result<Self, Error> {
        let word = raw.trim().to_lowercase();
        Self::ALL.into_iter().find(|known| known.as_str() == word).ok_or_else(|| {
            Error::invalid(
                "relationship",
                raw,
                "must be one of many-to-many, many-to-one, one-to-one, one-to-many, org-hierarchy",
            )
        })
    }

    /// Its name in REST and GraphQL.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ManyToMany => "many-to-many",
            Self::ManyToOne => "many-to-one",
            Self::OneToOne => "one-to-one",
            Self::OneToMany => "one-to-many",
            Self::OrgHierarchy => "org-hierarchy",
        }
    }
}

impl fmt::Display for Relationship {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A mapping between two entities.
///
/// ```
/// let view = clade::Directory::in_memory()?.apply(clade::CreatePerson::new("ada@corp.example").under("Corp"))?.view;
/// let mapping = view.mappings()[0];
/// assert_eq!((view.label(mapping.from).as_str(), view.label(mapping.to).as_str()), ("ada@corp.example", "Corp"));
/// assert_eq!(mapping.parent_and_child(), (mapping.to, mapping.from));
/// # Ok::<(), clade::Error>(())
/// ```
// `source` and `stamps` are pointers to shared values, as in `Entity`: a mapping takes 56 bytes instead of 112.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapping {
    /// Its id.
    pub id: MappingId,
    /// Its type.
    pub mapping_type: MappingType,
    /// Its cardinality, as the caller stated it.
    pub relationship: Relationship,
    /// `attribute1`: the parent, the project, or for `people-org` the person.
    pub from: EntityId,
    /// `attribute2`: the child, the person, or for placements the unit.
    pub to: EntityId,
    /// The system that stated it. Usually shared by many mappings.
    pub source: Option<Arc<Name>>,
    /// Fields that Clade does not define.
    pub attributes: Attributes,
    /// Its time stamps. Records of one batch usually share them.
    pub stamps: Arc<Stamps>,
}

impl Mapping {
    /// As [`MappingType::parent_and_child`].
    #[must_use]
    pub fn parent_and_child(&self) -> (EntityId, EntityId) {
        self.mapping_type.parent_and_child(self.from, self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_and_relationships_parse_their_own_names() {
        for known in MappingType::ALL {
            assert_eq!(MappingType::parse(known.as_str()).unwrap(), known);
        }
        for known in Relationship::ALL {
            assert_eq!(Relationship::parse(&known.as_str().to_uppercase()).unwrap(), known);
        }
        assert_eq!(MappingType::parse("project-member").unwrap(), MappingType::ProjectPeople);
        assert!(MappingType::parse("org-people").unwrap_err().to_string().contains("org-people"));
        assert!(Relationship::parse("some").is_err());
        assert!(MappingId::parse("7").is_err());
    }
}
