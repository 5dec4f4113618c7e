//! Inputs of the person mutations.

use async_graphql::ID;

use crate::error::Error;
use crate::model::command::{Command, Create, Delete, PersonRef, Update};
use crate::model::key::Email;
use crate::server::graphql::input::levels::{of_changes, of_new};
use crate::server::graphql::input::table::{Input, Member, Table};
use crate::server::graphql::input::{AsCommand, DeleteInput, expected};
use crate::server::response::problem::Result;
use crate::wire::id::GlobalId;
use crate::wire::person::{FIELDS, person};

/// The field table of a new person.
pub(crate) struct NewPerson;

/// The field table of a person's update.
pub(crate) struct PersonChanges;

pub(crate) type CreatePersonInput = Input<NewPerson>;
pub(crate) type UpdatePersonInput = Input<PersonChanges>;

impl Table for NewPerson {
    const NAME: &'static str = "CreatePersonInput";
    const ABOUT: &'static str = "A new person.";

    fn members() -> Vec<Member> {
        let upsert = Member::upsert("Merge into an existing person instead of refusing the change.");
        Member::of_new(&FIELDS).chain([Member::ATTRIBUTES]).chain(of_new()).chain([upsert]).collect()
    }
}

impl AsCommand for CreatePersonInput {
    fn command(mut self) -> Result<Command> {
        // GraphQL's own members first: the table shared with REST takes every member that is left for an attribute.
        let (if_exists, units) = (self.if_exists(), self.placement());
        let mut fields = person(self.new_record())?;
        fields.placement = units.unwrap_or(fields.placement);
        Ok(Command::CreatePerson(Create { fields, if_exists }))
    }
}

impl Table for PersonChanges {
    const NAME: &'static str = "UpdatePersonInput";
    const ABOUT: &'static str = "Changes to a person. Absent fields stay unchanged; null clears.";

    fn members() -> Vec<Member> {
        let target = [Member::id("The global id or the email."), Member::IF_REVISION];
        let fields = target.into_iter().chain(Member::of_changes(&FIELDS));
        fields.chain([Member::ATTRIBUTES_PATCH]).chain(of_changes()).collect()
    }
}

impl AsCommand for UpdatePersonInput {
    fn command(mut self) -> Result<Command> {
        let (id, if_revision, units) = (self.id(), self.if_revision(), self.placement());
        let mut fields = person(self.changes())?;
        fields.placement = units.unwrap_or(fields.placement);
        Ok(Command::UpdatePerson(Update { target: person_ref(&id)?, fields, if_revision }))
    }
}

pub(crate) fn delete(input: &DeleteInput) -> Result<Command> {
    let target = person_ref(&input.id)?;
    Ok(Command::DeletePerson(Delete { target, if_revision: expected(input.if_revision) }))
}

fn person_ref(id: &ID) -> Result<PersonRef> {
    if let Some(GlobalId::Person(email)) = GlobalId::read(id) {
        return Ok(PersonRef::Email(email));
    }
    // Text that is no email names nobody, which is "not found" and not an invalid field.
    let not_found = |_| Error::not_found("person", id.to_string());
    Ok(PersonRef::Email(Email::parse(id).map_err(not_found)?))
}
