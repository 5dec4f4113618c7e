//! People as mutations give them.

use async_graphql::{ID, InputObject, MaybeUndefined};

use crate::error::Error;
use crate::model::command::{Command, Create, Delete, Patch, PersonFields, PersonRef, Update};
use crate::model::key::{Email, ExternalId, Name};
use crate::server::graphql::input::{
    AsCommand, DeleteInput, attributes, given, if_exists, maybe, patch, placement, placement_patch, revision,
};
use crate::server::graphql::types::scalars::{Json, Revision};
use crate::server::response::problem::Result;
use crate::wire::id::Key;

/// A new person.
#[derive(Debug, InputObject)]
pub(crate) struct CreatePersonInput {
    /// Unique among people, without case.
    email: String,
    /// Given name.
    first_name: Option<String>,
    /// Family name.
    last_name: Option<String>,
    /// The name to show.
    display_name: Option<String>,
    /// What another system calls this person.
    external_id: Option<String>,
    /// Fields that the directory has no name for: an object.
    attributes: Option<Json>,
    /// The organization to be placed in, by name; made where it does not exist.
    organization: Option<String>,
    /// The business to be placed in, beneath the level above that is given.
    business: Option<String>,
    /// The department to be placed in, beneath the level above that is given.
    department: Option<String>,
    /// The group to be placed in, beneath the level above that is given.
    group: Option<String>,
    /// The team to be placed in, beneath the level above that is given.
    team: Option<String>,
    /// The units to be placed in, which must exist; instead of the five levels.
    units: Option<Vec<ID>>,
    /// Merge into the person where there is one, instead of being refused.
    #[graphql(default = false)]
    upsert: bool,
}

impl AsCommand for CreatePersonInput {
    fn command(self) -> Result<Command> {
        let levels = [self.organization, self.business, self.department, self.group, self.team];
        let fields = PersonFields {
            email: Some(Email::parse(&self.email)?),
            first_name: Patch::keep_or_set(given(self.first_name, "firstName", Name::parse)?),
            last_name: Patch::keep_or_set(given(self.last_name, "lastName", Name::parse)?),
            display_name: Patch::keep_or_set(given(self.display_name, "displayName", Name::parse)?),
            external_id: Patch::keep_or_set(given(self.external_id, "externalId", ExternalId::parse)?),
            attributes: attributes(maybe(self.attributes))?,
            placement: placement(self.units, levels)?,
        };
        Ok(Command::CreatePerson(Create { fields, if_exists: if_exists(self.upsert) }))
    }
}

/// Changes to a person. What is not given stays; null clears.
#[derive(Debug, InputObject)]
pub(crate) struct UpdatePersonInput {
    /// A global id, or the email.
    id: ID,
    /// Refuse unless the record is still of this revision.
    if_revision: Option<Revision>,
    /// Another address.
    email: Option<String>,
    /// Given name.
    first_name: MaybeUndefined<String>,
    /// Family name.
    last_name: MaybeUndefined<String>,
    /// The name to show.
    display_name: MaybeUndefined<String>,
    /// What another system calls this person.
    external_id: MaybeUndefined<String>,
    /// Merged into the attributes as RFC 7396 says; null clears them.
    attributes: MaybeUndefined<Json>,
    /// Another organization, by name; the levels that are not given stay.
    organization: MaybeUndefined<String>,
    /// Another business, by name; the levels that are not given stay.
    business: MaybeUndefined<String>,
    /// Another department, by name; the levels that are not given stay.
    department: MaybeUndefined<String>,
    /// Another group, by name; the levels that are not given stay.
    group: MaybeUndefined<String>,
    /// Another team, by name; the levels that are not given stay.
    team: MaybeUndefined<String>,
    /// Just these units, which must exist; instead of the five levels.
    units: Option<Vec<ID>>,
}

impl AsCommand for UpdatePersonInput {
    fn command(self) -> Result<Command> {
        let levels = [self.organization, self.business, self.department, self.group, self.team];
        let fields = PersonFields {
            email: given(self.email, "email", Email::parse)?,
            first_name: patch(self.first_name, "firstName", Name::parse)?,
            last_name: patch(self.last_name, "lastName", Name::parse)?,
            display_name: patch(self.display_name, "displayName", Name::parse)?,
            external_id: patch(self.external_id, "externalId", ExternalId::parse)?,
            attributes: attributes(self.attributes)?,
            placement: placement_patch(self.units, levels)?,
        };
        let target = person_ref(&self.id)?;
        Ok(Command::UpdatePerson(Update { target, fields, if_revision: revision(self.if_revision) }))
    }
}

pub(crate) fn delete(input: &DeleteInput) -> Result<Command> {
    let target = person_ref(&input.id)?;
    Ok(Command::DeletePerson(Delete { target, if_revision: revision(input.if_revision) }))
}

fn person_ref(id: &ID) -> Result<PersonRef> {
    if let Some(Key::Person(email)) = Key::read(id) {
        return Ok(PersonRef::Email(email));
    }
    let not_found = |_| Error::NotFound { kind: "person", reference: id.to_string() };
    Ok(PersonRef::Email(Email::parse(id).map_err(not_found)?))
}
