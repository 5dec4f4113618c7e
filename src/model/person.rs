//! People: the record, and the fields of a command.
//!
//! Invariant: [`Person::patched`] is the only place that turns the fields of a command into a record.

use crate::model::attributes::{Attributes, AttributesPatch};
use crate::model::key::{Email, ExternalId, Name};
use crate::model::patch::{Patch, Placement};

/// The record of a person.
///
/// ```
/// let ada = clade::CreatePerson::new("ada@corp.example").display_name("Ada");
/// let view = clade::Directory::in_memory()?.apply(ada)?.view;
/// let ada = view.person("ada@corp.example")?; // dereferences to the record
/// assert_eq!(ada.display_name.as_ref().map(|name| name.as_str()), Some("Ada"));
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    /// The key: unique among people, without regard to case.
    pub email: Email,
    /// Given name.
    pub first_name: Option<Name>,
    /// Family name.
    pub last_name: Option<Name>,
    /// Display name.
    pub display_name: Option<Name>,
    /// The person's id in another system.
    pub external_id: Option<ExternalId>,
    /// Fields that Clade does not define.
    pub attributes: Attributes,
}

/// The fields of a person, in a command.
///
/// ```
/// use clade::{Command, CreatePerson, IntoCommand, model::command::Patch};
///
/// let command = CreatePerson::new("ada@corp.example").first_name("Ada").into_command()?;
/// let Command::CreatePerson(create) = command else { unreachable!("it was built as one") };
/// assert_eq!((create.fields.first_name != Patch::Keep, create.fields.last_name), (true, Patch::Keep));
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PersonFields {
    /// The email; required for a new person.
    pub email: Option<Email>,
    /// Given name.
    pub first_name: Patch<Name>,
    /// Family name.
    pub last_name: Patch<Name>,
    /// Display name.
    pub display_name: Patch<Name>,
    /// The person's id in another system.
    pub external_id: Patch<ExternalId>,
    /// Fields that Clade does not define.
    pub attributes: AttributesPatch,
    /// The units that the person is placed in.
    pub placement: Placement,
}

impl Person {
    /// A person with this email and no other field.
    #[must_use]
    pub fn new(email: Email) -> Self {
        Self {
            email,
            first_name: None,
            last_name: None,
            display_name: None,
            external_id: None,
            attributes: Attributes::default(),
        }
    }

    /// The record after an update. The placement is not part of it: placements are mappings.
    #[must_use]
    pub fn patched(&self, fields: &PersonFields) -> Self {
        // Listed field by field, without `..`: a field that is added to the record must be handled here to compile.
        Self {
            email: fields.email.as_ref().unwrap_or(&self.email).clone(),
            first_name: fields.first_name.applied_to(&self.first_name),
            last_name: fields.last_name.applied_to(&self.last_name),
            display_name: fields.display_name.applied_to(&self.display_name),
            external_id: fields.external_id.applied_to(&self.external_id),
            attributes: self.attributes.patched(&fields.attributes),
        }
    }
}
