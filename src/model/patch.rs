//! Partial updates: [`Patch`] for one optional field, and [`Placement`] for the units of a person or project.

use crate::model::key::Name;
use crate::model::reference::UnitRef;

/// A change to one optional field: keep, clear or set.
///
/// ```
/// use clade::model::command::Patch;
///
/// assert_eq!(Patch::Keep.applied(Some("Ada")), Some("Ada"));
/// assert_eq!(Patch::Clear.applied(Some("Ada")), None);
/// assert_eq!(Patch::Set("Eve").applied(Some("Ada")), Some("Eve"));
/// ```
// Three states, which `Option<Option<T>>` would have as well: there, what `None` means is easily confused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// No change; a new record does not have the field.
    #[default]
    Keep,
    /// Remove the value.
    Clear,
    /// Set this value.
    Set(T),
}

impl<T> Patch<T> {
    /// For a partial update: `None` keeps the value.
    pub fn keep_or_set(value: Option<T>) -> Self {
        value.map_or(Self::Keep, Self::Set)
    }

    /// For a full replacement: `None` removes the value.
    pub fn clear_or_set(value: Option<T>) -> Self {
        value.map_or(Self::Clear, Self::Set)
    }

    /// Converts the value.
    pub fn map<U>(self, into: impl FnOnce(T) -> U) -> Patch<U> {
        match self {
            Self::Keep => Patch::Keep,
            Self::Clear => Patch::Clear,
            Self::Set(value) => Patch::Set(into(value)),
        }
    }

    /// The field's value after this change. As [`Patch::applied`], for borrowed values.
    #[must_use]
    pub fn applied_to(&self, before: &Option<T>) -> Option<T>
    where
        T: Clone,
    {
        match self {
            Self::Keep => before.clone(),
            Self::Clear => None,
            Self::Set(value) => Some(value.clone()),
        }
    }

    /// The field's value after this change.
    pub fn applied(self, before: Option<T>) -> Option<T> {
        match self {
            Self::Keep => before,
            Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }
}

/// The name of a unit for each level, highest first; `None` where the path skips the level.
pub type LevelNames = [Option<Name>; 5];

/// A change to the units that a person or project is placed in.
///
/// ```
/// use clade::{CreatePerson, Directory, UpdatePerson}; // `under` sets `Placement::Under`
///
/// let directory = Directory::in_memory()?;
/// directory.apply(CreatePerson::new("ada@corp.example").under("Corp/Research"))?;
/// let view = directory.apply(UpdatePerson::new("ada@corp.example").under("Corp/Web"))?.view;
/// assert_eq!(view.person("ada@corp.example")?.org_units().count(), 2, "the first placement stays");
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Placement {
    /// No change.
    #[default]
    Keep,
    /// Only in the lowest of these units. Each is looked up below the one before it, and created if it does not exist.
    /// No change if it is the first unit of the record already.
    Levels(LevelNames),
    /// Only in the lowest units of these paths. Each unit is looked up below the one before it, and created if it does not
    /// exist.
    LevelPaths(Vec<LevelNames>),
    /// As [`Placement::Levels`], with each level patched that the record has now.
    PatchLevels([Patch<Name>; 5]),
    /// Additionally in the unit at the end of this path. Units of the path that do not exist are created.
    Under(String),
    /// Only in these units, which must exist.
    Units(Vec<UnitRef>),
    /// As [`Placement::Units`]. Each of the names must be that of one of the units, or of a unit above them.
    UnitsWithLevels(Vec<UnitRef>, LevelNames),
}
