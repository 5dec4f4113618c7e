//! A person: the table of its fields, in and out.

use std::sync::LazyLock;

use crate::error::Error;
use crate::model::command::PersonFields;
use crate::model::key::{Email, ExternalId, Name};
use crate::query::{Field, OrderBy};
use crate::wire::column::Columns;
use crate::wire::field::{Need, RecordField, optional, read, text};
use crate::wire::fields::{Fields, Manner};
use crate::wire::level::{LEVELS, placement};
use crate::wire::stamps::{ATTRIBUTES, STAMPS};

/// The fields of its own.
pub(crate) static FIELDS: [RecordField<PersonFields>; 5] = [
    RecordField::new(
        text!("email", "Unique among people, compared without case.", person.email)
            .example("jd@opsera.io")
            .sorted(OrderBy::Field(Field::Email)),
        "EmailText",
        Need::Key,
        |given, name, person: &mut PersonFields| {
            let is_new = given.manner() == Manner::Create;
            person.email = given.required(name, is_new, Email::parse)?;
            Ok(())
        },
    )
    .given_as("Unique among people."),
    optional!("firstName", "Given name.", person.first_name: Name of PersonFields).sorted(Field::FirstName),
    optional!("lastName", "Family name.", person.last_name: Name of PersonFields).sorted(Field::LastName),
    optional!("displayName", "The name to show.", person.display_name: Name of PersonFields)
        .sorted(Field::DisplayName),
    optional!(
        "externalId",
        "What another system calls this person.",
        person.external_id: ExternalId of PersonFields
    )
    .sorted(Field::ExternalId)
    .given_as("What another system calls it. Need not be unique."),
];

/// All that it shows.
pub(crate) static COLUMNS: LazyLock<Columns> = LazyLock::new(|| {
    let own = FIELDS.iter().map(|field| &field.column);
    Columns::of(own.chain(&LEVELS).chain([&ATTRIBUTES]).chain(&STAMPS))
});

/// Reads what is said of a person.
pub(crate) fn person(mut given: Fields) -> Result<PersonFields, Error> {
    given.drop_read_only(&[])?;
    let mut person = read(&FIELDS, &mut given)?;
    person.placement = placement(&mut given)?;
    person.attributes = given.attributes()?;
    Ok(person)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::command::{Patch, Placement};
    use serde_json::{Value, json};

    fn fields(manner: Manner, value: &Value) -> Fields {
        Fields::new(value.as_object().unwrap().clone(), manner)
    }

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    #[test]
    fn levels_are_a_path_and_blank_ones_are_not_there() {
        let body = json!({"email": "a@b", "organization": "Corp", "business": "", "team": null});
        let person = person(fields(Manner::Create, &body)).unwrap();
        assert_eq!(person.placement, Placement::Levels([Some(name("Corp")), None, None, None, None]));
    }

    #[test]
    fn a_patch_tells_absent_levels_from_removed_ones() {
        let patched = person(fields(Manner::Merge, &json!({"group": "G", "team": null}))).unwrap();
        let expected = [Patch::Keep, Patch::Keep, Patch::Keep, Patch::Set(name("G")), Patch::Clear];
        assert_eq!(patched.placement, Placement::PatchLevels(expected));
        let kept = person(fields(Manner::Replace, &json!({"team": null}))).unwrap();
        assert_eq!(kept.placement, Placement::Keep);
    }
}
