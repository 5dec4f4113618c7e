//! How a caller names a unit.

use crate::model::id::EntityId;
use crate::model::key::{ExternalId, UnitKey};

/// A way to name a unit. What a person types is [`UnitRef::Text`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnitRef {
    /// Tried as key, external id, path (`"Corp/R&D"`), then as a name that only one unit has.
    Text(String),
    /// Names from an ancestor downwards, where names hold slashes.
    Path(Vec<String>),
    /// Exactly this key.
    Key(UnitKey),
    /// Exactly this external id.
    ExternalId(ExternalId),
    /// A unit already found, in the same directory.
    Id(EntityId),
}

impl UnitRef {
    /// As the caller gave it.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Path(names) => names.join("/"),
            Self::Key(key) => key.as_str().to_owned(),
            Self::ExternalId(id) => id.as_str().to_owned(),
            Self::Id(id) => format!("#{}", id.0),
        }
    }
}

impl From<&str> for UnitRef {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for UnitRef {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<String>> for UnitRef {
    fn from(names: Vec<String>) -> Self {
        Self::Path(names)
    }
}

impl From<UnitKey> for UnitRef {
    fn from(key: UnitKey) -> Self {
        Self::Key(key)
    }
}

impl From<EntityId> for UnitRef {
    fn from(id: EntityId) -> Self {
        Self::Id(id)
    }
}
