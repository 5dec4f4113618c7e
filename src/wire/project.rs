//! The fields of a project and its owner, for reading and writing.

use std::sync::LazyLock;

use crate::error::Error;
use crate::model::command::{OwnerFields, Patch, ProjectFields};
use crate::model::key::{Email, ExternalId, Name, ProjectId};
use crate::query::{Field, OrderBy};
use crate::wire::asset::{ASSETS, assets};
use crate::wire::column::{Cell, Column, Form};
use crate::wire::columns::Columns;
use crate::wire::field::{self, Need, RecordField, maybe_text, optional, read, text};
use crate::wire::fields::{FieldInput, Fields, UpdateMode};
use crate::wire::level::{LEVELS, UNITS, placement};
use crate::wire::stamps::{ATTRIBUTES, STAMPS};

/// The fields of a project that are both read and written.
pub(crate) static FIELDS: [RecordField<ProjectFields>; 4] = [
    RecordField::new(
        text!("projectId", "The unique key of the project.", project.project_id)
            .example("2322345")
            .sorted(OrderBy::Field(Field::ProjectId)),
        "ProjectIdText",
        Need::Key,
        |body, name, project: &mut ProjectFields| {
            let is_new = body.mode() == UpdateMode::Create;
            project.project_id = body.required(name, is_new, ProjectId::parse)?;
            Ok(())
        },
    ),
    RecordField::new(
        text!("projectName", "The name of the project.", project.name)
            .example("Phase 2")
            .sorted(OrderBy::Field(Field::Name)),
        "NameText",
        Need::Always,
        |body, name, project: &mut ProjectFields| {
            // Unlike the id it is required in a PUT as well: the path does not contain it.
            let is_whole = body.mode() != UpdateMode::Merge;
            project.name = body.required(name, is_whole, Name::parse)?;
            Ok(())
        },
    ),
    RecordField::new(
        Column::new(
            "projectOwner",
            "The owner of the project, or null.",
            Form::MaybeOf("ProjectOwner"),
            |row| row.project()?.owner.as_ref().map(|_| Cell::object(row, &OWNER)),
        )
        .members(&OWNER)
        .sorted(OrderBy::Field(Field::OwnerEmail)),
        "OwnerInput",
        Need::Optional,
        |body, _, project: &mut ProjectFields| {
            project.owner = owner(body)?;
            Ok(())
        },
    ),
    optional!(
        "externalId",
        "The id of the project in another system.",
        project.external_id: ExternalId of ProjectFields
    )
    .sorted(Field::ExternalId)
    .given_as("The id of the project in another system. Need not be unique."),
];

/// The fields of the owner of a project.
pub(crate) static OWNER: [Column; 3] = [
    maybe_text!("firstName", "The given name of the owner.", project.owner?.first_name),
    maybe_text!("lastName", "The family name of the owner.", project.owner?.last_name),
    maybe_text!(
        "email",
        "The email of the owner. It refers to the person with this address, if there is one.",
        project.owner?.email
    ),
];

/// The fields of the owner in request bodies.
pub(crate) static OWNER_INPUT: [field::InputSchema; 3] = [
    field::InputSchema::new("firstName", "MaybeText", Need::Optional, OWNER[0].about),
    field::InputSchema::new("lastName", "MaybeText", Need::Optional, OWNER[1].about),
    field::InputSchema::new("email", "EmailText", Need::Optional, OWNER[2].about),
];

/// All fields of a project in responses.
pub(crate) static COLUMNS: LazyLock<Columns> = LazyLock::new(|| {
    let own = FIELDS.iter().map(|field| &field.column);
    Columns::with_csv(own.chain(&LEVELS).chain([&ASSETS, &ATTRIBUTES]).chain(&STAMPS), &[&UNITS])
});

/// Parses the body of a project.
pub(crate) fn project(mut body: Fields) -> Result<ProjectFields, Error> {
    body.drop_read_only(&[])?;
    let mut project = read(&FIELDS, &mut body)?;
    project.placement = placement(&mut body)?;
    (project.repositories, project.services) = assets(&mut body)?;
    // Last, because it takes all fields that are left.
    project.attributes = body.attributes()?;
    Ok(project)
}

fn owner(body: &mut Fields) -> Result<Patch<OwnerFields>, Error> {
    let mode = body.mode();
    let mut owner = match body.object("projectOwner")? {
        FieldInput::Value(owner) => owner,
        FieldInput::Null => return Ok(FieldInput::Null.patch(mode)),
        FieldInput::Absent => return Ok(FieldInput::Absent.patch(mode)),
    };
    let fields = OwnerFields {
        first_name: owner.text("firstName", "projectOwner.firstName", Name::parse)?.patch(mode),
        last_name: owner.text("lastName", "projectOwner.lastName", Name::parse)?.patch(mode),
        email: owner.text("email", "projectOwner.email", Email::parse)?.patch(mode),
    };
    // Further members of the owner are stored as the attribute `projectOwner`.
    body.keep("projectOwner", owner.into_rest());
    Ok(Patch::Set(fields))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn fields(mode: UpdateMode, value: &Value) -> Fields {
        Fields::new(value.as_object().unwrap().clone(), mode)
    }

    #[test]
    fn errors_name_the_missing_or_invalid_field() {
        for (mode, body, code, field) in [
            (UpdateMode::Create, json!({}), "missing-field", "projectId"),
            (UpdateMode::Create, json!({"projectId": "p"}), "missing-field", "projectName"),
            (UpdateMode::Replace, json!({}), "missing-field", "projectName"),
            (UpdateMode::Merge, json!({"projectName": null}), "invalid", "projectName"),
            (UpdateMode::Create, json!({"projectId": 7}), "invalid", "projectId"),
            (UpdateMode::Merge, json!({"projectOwner": {"email": "x"}}), "invalid", "projectOwner.email"),
        ] {
            let refusal = project(fields(mode, &body)).unwrap_err();
            assert_eq!((refusal.code(), refusal.field()), (code, Some(field)), "{body}");
        }
    }
}
