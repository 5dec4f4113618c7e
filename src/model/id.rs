//! Identifiers: entity ids, revision numbers and the kinds of entity.

use std::fmt;

/// The id of an entity inside one store. Ids are assigned in ascending order and never reused.
///
/// ```
/// let directory = clade::Directory::in_memory()?;
/// let view = directory.apply(clade::CreatePerson::new("ada@corp.example").under("Corp"))?.view;
/// let id = view.person("ada@corp.example")?.id();
/// assert_eq!(view.entity(id).map(|entity| entity.label()), Some("ada@corp.example"));
/// # Ok::<(), clade::Error>(())
/// ```
// 32 bits: roaring bitmaps are sets of u32, and every closure, index and facet is a bitmap of these ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntityId(pub u32);

/// The number of committed batches: 0 is the empty directory, and each commit adds 1.
///
/// ```
/// let directory = clade::Directory::in_memory()?;
/// let before = directory.view().revision();
/// let after = directory.apply(clade::CreatePerson::new("ada@corp.example"))?.view.revision();
/// assert_eq!(after, before.next());
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Revision(pub u64);

impl Revision {
    /// The next revision.
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
///
/// ```
/// use clade::Kind;
///
/// let directory = clade::Directory::in_memory()?;
/// let view = directory.apply(clade::CreatePerson::new("ada@corp.example").under("Corp/Research"))?.view;
/// assert_eq!(Kind::ALL.map(|kind| view.all(kind).len()), [2, 1, 0, 0, 0]);
/// # Ok::<(), clade::Error>(())
/// ```
// The numbers index the arrays of one bitmap per kind, and are part of page cursors: never renumber.
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
    /// All kinds, by number.
    pub const ALL: [Self; 5] = [Self::OrgUnit, Self::Person, Self::Project, Self::Repository, Self::Service];

    /// Its name in messages.
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
