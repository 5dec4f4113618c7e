//! A person, and what a command says of one. A command's fields become the record's here and nowhere else.

use crate::model::attributes::{Attributes, AttributesPatch};
use crate::model::key::{Email, ExternalId, Name};
use crate::model::patch::{Patch, Placement};

/// A person.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    /// Unique among people, without case.
    pub email: Email,
    /// Given name.
    pub first_name: Option<Name>,
    /// Family name.
    pub last_name: Option<Name>,
    /// The name to show.
    pub display_name: Option<Name>,
    /// What another system calls this person.
    pub external_id: Option<ExternalId>,
    /// All else.
    pub attributes: Attributes,
}

/// What is said of a person.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PersonFields {
    /// Required of a new person.
    pub email: Option<Email>,
    /// Given name.
    pub first_name: Patch<Name>,
    /// Family name.
    pub last_name: Patch<Name>,
    /// The name to show.
    pub display_name: Patch<Name>,
    /// What another system calls this person.
    pub external_id: Patch<ExternalId>,
    /// All else.
    pub attributes: AttributesPatch,
    /// Where the person belongs.
    pub placement: Placement,
}

impl Person {
    /// With this address and nothing else.
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

    /// The record after a command.
    #[must_use]
    pub fn patched(&self, fields: &PersonFields) -> Self {
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
