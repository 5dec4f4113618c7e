//! Mappings: who belongs where, and since when.

use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use crate::error::Error;
use crate::model::attributes::Attributes;
use crate::model::entity::{EntityId, Kind, Stamps};
use crate::model::key::Name;

/// The id of a mapping, a `UUIDv7`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MappingId(pub Uuid);

impl MappingId {
    /// Reads a UUID.
    ///
    /// # Errors
    /// [`Error::Invalid`] when `raw` is none.
    pub fn parse(raw: &str) -> Result<Self, Error> {
        Uuid::parse_str(raw.trim()).map(Self).map_err(|_| Error::invalid("id", raw, "must be a UUID"))
    }
}

impl fmt::Display for MappingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// What kinds of entity a mapping connects. The first named is `from`, the second `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum MappingType {
    /// A unit, and a unit directly beneath it.
    ParentChild = 0,
    /// A project, and a person who works on it.
    ProjectPeople = 1,
    /// A project, and a unit that it is placed in.
    ProjectOrg = 2,
    /// A person, and a unit that the person is placed in.
    PeopleOrg = 3,
}

impl MappingType {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::ParentChild, Self::ProjectPeople, Self::ProjectOrg, Self::PeopleOrg];

    /// Reads a type, without case; `project-member` is `project-people`.
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

    /// Its name on the wire.
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

    /// What holds and what is held, of the two ends: parent and child, unit and what is placed in it, project
    /// and member.
    #[must_use]
    pub fn parent_and_child(self, from: EntityId, to: EntityId) -> (EntityId, EntityId) {
        match self {
            Self::ParentChild | Self::ProjectPeople => (from, to),
            Self::ProjectOrg | Self::PeopleOrg => (to, from),
        }
    }

    /// The relationship a mapping gets when nobody says.
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

/// How many of one end go with how many of the other, as the caller says it.
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
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::ManyToMany, Self::ManyToOne, Self::OneToOne, Self::OneToMany, Self::OrgHierarchy];

    /// Reads a relationship, without case.
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

    /// Its name on the wire.
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

/// One mapping between two entities.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapping {
    /// Its id.
    pub id: MappingId,
    /// What it connects.
    pub mapping_type: MappingType,
    /// How, as the caller says it.
    pub relationship: Relationship,
    /// `attribute1`: the parent, the project, or for `people-org` the person.
    pub from: EntityId,
    /// `attribute2`: the child, the person, or for placements the unit.
    pub to: EntityId,
    /// Which system said so; mostly the same for very many.
    pub source: Option<Arc<Name>>,
    /// All else.
    pub attributes: Attributes,
    /// When it was made, changed, and holds. Records that were made together mostly share their stamps.
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
    fn types_and_relationships_read_what_they_write() {
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
