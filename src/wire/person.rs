//! The fields of a person, for reading and writing.

use std::sync::LazyLock;

use crate::error::Error;
use crate::model::command::PersonFields;
use crate::model::key::{Email, ExternalId, Name};
use crate::query::{Field, OrderBy};
use crate::wire::columns::Columns;
use crate::wire::field::{Need, RecordField, optional, read, text};
use crate::wire::fields::{Fields, UpdateMode};
use crate::wire::level::{LEVELS, UNITS, placement};
use crate::wire::stamps::{ATTRIBUTES, STAMPS};

/// The fields of a person that are both read and written.
pub(crate) static FIELDS: [RecordField<PersonFields>; 5] = [
    RecordField::new(
        text!("email", "The email address: the unique key of a person, compared without case.", person.email)
            .example("jd@opsera.io")
            .sorted(OrderBy::Field(Field::Email)),
        "EmailText",
        Need::Key,
        |body, name, person: &mut PersonFields| {
            // Required for a new person only. In a PUT or PATCH the path names the person, and a different email in
            // the body changes the key.
            let is_new = body.mode() == UpdateMode::Create;
            person.email = body.required(name, is_new, Email::parse)?;
            Ok(())
        },
    )
    .given_as("The email address, unique among people."),
    optional!("firstName", "The given name.", person.first_name: Name of PersonFields)
        .sorted(Field::FirstName),
    optional!("lastName", "The family name.", person.last_name: Name of PersonFields).sorted(Field::LastName),
    optional!("displayName", "The name to display.", person.display_name: Name of PersonFields)
        .sorted(Field::DisplayName),
    optional!(
        "externalId",
        "The id of the person in another system.",
        person.external_id: ExternalId of PersonFields
    )
    .sorted(Field::ExternalId)
    .given_as("The id of the person in another system. Need not be unique."),
];

/// All fields of a person in responses.
pub(crate) static COLUMNS: LazyLock<Columns> = LazyLock::new(|| {
    let own = FIELDS.iter().map(|field| &field.column);
    Columns::with_csv(own.chain(&LEVELS).chain([&ATTRIBUTES]).chain(&STAMPS), &[&UNITS])
});

/// Parses the body of a person.
pub(crate) fn person(mut body: Fields) -> Result<PersonFields, Error> {
    body.drop_read_only(&[])?;
    let mut person = read(&FIELDS, &mut body)?;
    person.placement = placement(&mut body)?;
    // Last, because it takes all fields that are left.
    person.attributes = body.attributes()?;
    Ok(person)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::command::{Patch, Placement};
    use serde_json::{Value, json};

    fn fields(mode: UpdateMode, value: &Value) -> Fields {
        Fields::new(value.as_object().unwrap().clone(), mode)
    }

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    #[test]
    fn levels_are_a_path_and_blank_ones_are_absent() {
        let body = json!({"email": "a@b", "organization": "Corp", "business": "", "team": null});
        let person = person(fields(UpdateMode::Create, &body)).unwrap();
        assert_eq!(person.placement, Placement::Levels([Some(name("Corp")), None, None, None, None]));
    }

    #[test]
    fn a_patch_distinguishes_absent_and_removed_levels() {
        let patched = person(fields(UpdateMode::Merge, &json!({"group": "G", "team": null}))).unwrap();
        let expected = [Patch::Keep, Patch::Keep, Patch::Keep, Patch::Set(name("G")), Patch::Clear];
        assert_eq!(patched.placement, Placement::PatchLevels(expected));
        let kept = person(fields(UpdateMode::Replace, &json!({"team": null}))).unwrap();
        assert_eq!(kept.placement, Placement::Keep);
    }
}
