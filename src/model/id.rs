//! The numbers and kinds by which entities and revisions are told apart.

use std::fmt;

/// The number of an entity inside one store: given once, in order, never given again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntityId(pub u32);

/// How many batches had been committed: 0 is the empty directory, and each commit adds one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Revision(pub u64);

impl Revision {
    /// The one after this.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The kinds of entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// A unit of the hierarchy.
    OrgUnit = 0,
    /// A person.
    Person = 1,
    /// A project.
    Project = 2,
    /// A repository of a project.
    Repository = 3,
    /// A service of a project.
    Service = 4,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::OrgUnit, Self::Person, Self::Project, Self::Repository, Self::Service];

    /// The word for it in messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OrgUnit => "unit",
            Self::Person => "person",
            Self::Project => "project",
            Self::Repository => "repository",
            Self::Service => "service",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
