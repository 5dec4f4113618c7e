//! Org units: the record, and the fields of a command.
//!
//! Invariant: [`OrgUnit::patched`] is the only place that turns the fields of a command into a record.

use crate::model::attributes::{Attributes, AttributesPatch};
use crate::model::key::{ExternalId, Name, UnitKey};
use crate::model::level::UnitType;
use crate::model::patch::Patch;
use crate::model::reference::UnitRef;

/// The record of an org unit: an organization, business, department, group, team, or a unit of any other type.
///
/// ```
/// let rnd = clade::CreateOrgUnit::new("R&D", "department").key("rnd");
/// let view = clade::Directory::in_memory()?.apply(rnd)?.view;
/// let rnd = view.org_unit("rnd")?; // dereferences to the record
/// assert_eq!((rnd.name.as_str(), rnd.unit_type.as_str()), ("R&D", "department"));
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct OrgUnit {
    /// The key: unique among units.
    pub key: UnitKey,
    /// Its display name. Several units may have the same.
    pub name: Name,
    /// Its type: a level, or any other word.
    pub unit_type: UnitType,
    /// Its id in another system.
    pub external_id: Option<ExternalId>,
    /// Fields that Clade does not define.
    pub attributes: Attributes,
}

/// The fields of a unit, in a command.
///
/// ```
/// use clade::{Command, CreateOrgUnit, IntoCommand};
///
/// let command = CreateOrgUnit::new("R&D", "department").under("Corp").into_command()?;
/// let Command::CreateUnit(create) = command else { unreachable!("it was built as one") };
/// assert_eq!((create.fields.key, create.fields.parents), (None, Some(vec!["Corp".into()])));
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UnitFields {
    /// Its key; for a new unit, `None` uses the name.
    pub key: Option<UnitKey>,
    /// Its name; for a new unit, `None` uses the key.
    pub name: Option<Name>,
    /// Its type; for a new unit, `None` uses the level below its first parent's.
    pub unit_type: Option<UnitType>,
    /// Its id in another system.
    pub external_id: Patch<ExternalId>,
    /// Fields that Clade does not define.
    pub attributes: AttributesPatch,
    /// All of its parents; `None` keeps them, and an empty list makes it a root.
    pub parents: Option<Vec<UnitRef>>,
}

impl OrgUnit {
    /// A unit with this key, name and type and no other field.
    #[must_use]
    pub fn new(key: UnitKey, name: Name, unit_type: UnitType) -> Self {
        Self { key, name, unit_type, external_id: None, attributes: Attributes::default() }
    }

    /// The record after an update. The parents are not part of it: they are mappings.
    #[must_use]
    pub fn patched(&self, fields: &UnitFields) -> Self {
        // Listed field by field, without `..`: a field that is added to the record must be handled here to compile.
        Self {
            key: fields.key.as_ref().unwrap_or(&self.key).clone(),
            name: fields.name.as_ref().unwrap_or(&self.name).clone(),
            unit_type: fields.unit_type.as_ref().unwrap_or(&self.unit_type).clone(),
            external_id: fields.external_id.applied_to(&self.external_id),
            attributes: self.attributes.patched(&fields.attributes),
        }
    }
}
