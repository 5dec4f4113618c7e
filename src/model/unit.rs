//! A unit, and what a command says of one. A command's fields become the record's here and nowhere else.

use crate::model::attributes::{Attributes, AttributesPatch};
use crate::model::key::{ExternalId, Name, UnitKey};
use crate::model::level::UnitType;
use crate::model::patch::Patch;
use crate::model::reference::UnitRef;

/// A unit of the hierarchy: an organization, a business … a team, or a type of one's own.
#[derive(Debug, Clone, PartialEq)]
pub struct OrgUnit {
    /// Unique among units.
    pub key: UnitKey,
    /// What people call it. Several units may share a name.
    pub name: Name,
    /// Its type, which may be a level.
    pub unit_type: UnitType,
    /// What another system calls it.
    pub external_id: Option<ExternalId>,
    /// All else.
    pub attributes: Attributes,
}

/// What is said of a unit.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UnitFields {
    /// Its key; the name where a new unit has none.
    pub key: Option<UnitKey>,
    /// Its name; the key where a new unit has none.
    pub name: Option<Name>,
    /// Its type.
    pub unit_type: Option<UnitType>,
    /// What another system calls it.
    pub external_id: Patch<ExternalId>,
    /// All else.
    pub attributes: AttributesPatch,
    /// The units directly above it, all of them; as they are when not given.
    pub parents: Option<Vec<UnitRef>>,
}

impl OrgUnit {
    /// With this key, name and type and nothing else.
    #[must_use]
    pub fn new(key: UnitKey, name: Name, unit_type: UnitType) -> Self {
        Self { key, name, unit_type, external_id: None, attributes: Attributes::default() }
    }

    /// The record after a command.
    #[must_use]
    pub fn patched(&self, fields: &UnitFields) -> Self {
        Self {
            key: fields.key.as_ref().unwrap_or(&self.key).clone(),
            name: fields.name.as_ref().unwrap_or(&self.name).clone(),
            unit_type: fields.unit_type.as_ref().unwrap_or(&self.unit_type).clone(),
            external_id: fields.external_id.applied_to(&self.external_id),
            attributes: self.attributes.patched(&fields.attributes),
        }
    }
}
