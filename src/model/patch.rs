//! What a command says of one field, and of where a record belongs.

use crate::model::key::Name;
use crate::model::reference::UnitRef;

/// What becomes of one field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// It stays; for a new record, there is none.
    #[default]
    Keep,
    /// It goes.
    Clear,
    /// It becomes this.
    Set(T),
}

impl<T> Patch<T> {
    /// From a field that may be given: what is not given stays.
    pub fn keep_or_set(given: Option<T>) -> Self {
        given.map_or(Self::Keep, Self::Set)
    }

    /// From a field of a whole record: what is not given goes.
    pub fn clear_or_set(given: Option<T>) -> Self {
        given.map_or(Self::Clear, Self::Set)
    }

    /// The same of another type.
    pub fn map<U>(self, into: impl FnOnce(T) -> U) -> Patch<U> {
        match self {
            Self::Keep => Patch::Keep,
            Self::Clear => Patch::Clear,
            Self::Set(value) => Patch::Set(into(value)),
        }
    }

    /// The field's value after this, where `before` stays.
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

    /// The field's value after this.
    pub fn applied(self, before: Option<T>) -> Option<T> {
        match self {
            Self::Keep => before,
            Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }
}

/// A name for each level that is given, highest first.
pub type LevelNames = [Option<Name>; 5];

/// Where a person or a project belongs.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Placement {
    /// Where it is.
    #[default]
    Keep,
    /// Beneath the lowest of these, each found or made beneath the one before it, and nowhere else.
    /// Where the record is shown with just these levels already, nothing changes.
    Levels(LevelNames),
    /// As [`Placement::Levels`], over the levels that the record is shown with now.
    PatchLevels([Patch<Name>; 5]),
    /// Beneath the unit at the end of this path, made where it does not exist, beside where it is.
    Under(String),
    /// Beneath just these units.
    Units(Vec<UnitRef>),
}
