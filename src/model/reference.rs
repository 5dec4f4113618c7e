//! References to units: by key, external id, path, name or id.

use crate::model::id::EntityId;
use crate::model::key::{ExternalId, UnitKey};

/// A reference to a unit. Strings convert to [`UnitRef::Text`], which is meant for what users type.
///
/// ```
/// use clade::model::UnitRef;
///
/// let ada = clade::CreatePerson::new("ada@corp.example").under("Corp/Research");
/// let view = clade::Directory::in_memory()?.apply(ada)?.view;
/// let path = UnitRef::Path(vec!["Corp".to_owned(), "Research".to_owned()]);
/// assert_eq!(view.org_unit("Research")?.id(), view.org_unit(path)?.id());
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnitRef {
    /// Looked up as a key, then an external id, then a path (`"Corp/R&D"`), then a name. The first that matches
    /// decides, and must match one unit only.
    Text(String),
    /// The names on the path to the unit from any ancestor. For names that contain slashes.
    Path(Vec<String>),
    /// Exactly this key.
    Key(UnitKey),
    /// Exactly this external id.
    ExternalId(ExternalId),
    /// The unit with the id that a view of the same directory returned.
    Id(EntityId),
}

impl UnitRef {
    /// The reference as text, for messages.
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
