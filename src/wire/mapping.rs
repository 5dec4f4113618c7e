//! The fields of a mapping, for reading and writing, in both editions of the published API.
//!
//! Edition A has `attribute1` and `attribute2`, edition B `parent` and `child`. A response has both, so a request may
//! have both as well if they agree.

use std::sync::LazyLock;

use serde_json::Value;

use crate::error::Error;
use crate::model::command::{Command, Create, EndRef, IfExists, LinkUnits, MappingFields, UnitSpec};
use crate::model::key::Name;
use crate::model::level::UnitType;
use crate::model::mapping::{MappingId, MappingType, Relationship};
use crate::model::reference::UnitRef;
use crate::wire::column::{AppearsIn, Cell, Column, Form};
use crate::wire::columns::Columns;
use crate::wire::field::{self, Need, RecordField, optional, read};
use crate::wire::fields::{FieldInput, Fields, UpdateMode, wrong};
use crate::wire::stamps::{ATTRIBUTES, STAMPS};
use crate::wire::unit::{path, unit_ref};

/// The fields that are both read and written.
pub(crate) static FIELDS: [RecordField<MappingFields>; 5] = [
    RecordField::new(
        Column::new(
            "attribute1",
            "The key of the parent or project; for `people-org`, the email of the person.",
            Form::Text,
            |row| row.key(row.as_mapping()?.from).map(Cell::Text),
        ),
        "End",
        Need::Key,
        |body, name, mapping: &mut MappingFields| {
            mapping.from = end_ref(body, name)?;
            Ok(())
        },
    )
    .given_as("The parent or project; for people-org, the person.")
    .new_as("The parent or project; for people-org, the person. The two ends of project-people may be swapped."),
    RecordField::new(
        Column::new(
            "attribute2",
            "The key of the child or person; for placements (`project-org`, `people-org`), the key of the unit.",
            Form::Text,
            |row| row.key(row.as_mapping()?.to).map(Cell::Text),
        ),
        "End",
        Need::Key,
        |body, name, mapping: &mut MappingFields| {
            mapping.to = end_ref(body, name)?;
            Ok(())
        },
    )
    .given_as("The child or person; for placements (project-org, people-org), the unit."),
    RecordField::new(
        Column::new(
            "mappingType",
            "The type of the mapping: `parent-child`, `project-people`, `project-org` or `people-org`.",
            Form::Text,
            |row| Some(Cell::Text(row.as_mapping()?.mapping_type.as_str())),
        ),
        "MappingTypeWord",
        Need::OnlyNew,
        |body, name, mapping: &mut MappingFields| {
            mapping.mapping_type = body.text(name, name, MappingType::parse)?.value();
            Ok(())
        },
    )
    .given_as("The type of the mapping. Default: derived from the kinds of the two ends."),
    RecordField::new(
        Column::new(
            "relationship",
            "The cardinality: `many-to-many`, `many-to-one`, `one-to-one`, `one-to-many` or `org-hierarchy`.",
            Form::Text,
            |row| Some(Cell::Text(row.as_mapping()?.relationship.as_str())),
        ),
        "RelationshipWord",
        Need::Optional,
        |body, name, mapping: &mut MappingFields| {
            mapping.relationship = body.text(name, name, Relationship::parse)?.value();
            Ok(())
        },
    )
    .given_as("The cardinality of the mapping.")
    .new_as("The cardinality of the mapping. Default: that of its type."),
    optional!("source", "The system that the mapping comes from.", as_mapping.source: Name of MappingFields),
];

// Not exported: an import creates mappings anew, with ids of their own.
static ID: Column = Column::new("id", "The id of the mapping, a `UUIDv7`.", Form::Text, |row| {
    Some(Cell::Formatted(row.as_mapping()?.id.to_string()))
})
.example("019ab3c5-2f7e-7c11-9d1c-0a4be3a1f3aa")
.only(AppearsIn::InLog);

/// The ends in the form of edition B, for `parent-child` mappings only.
static ENDS: [Column; 4] = [
    Column::new("parent", "The key of the parent of a `parent-child` mapping.", Form::TextIfAny, |row| {
        Some(Cell::Text(row.ends()?[0].key.as_str()))
    })
    .only(AppearsIn::InResponses),
    Column::new(
        "parentType",
        "The unit type of the parent of a `parent-child` mapping.",
        Form::TextIfAny,
        |row| Some(Cell::Text(row.ends()?[0].unit_type.as_str())),
    )
    .only(AppearsIn::InResponses),
    Column::new("child", "The key of the child of a `parent-child` mapping.", Form::TextIfAny, |row| {
        Some(Cell::Text(row.ends()?[1].key.as_str()))
    })
    .only(AppearsIn::InResponses),
    Column::new(
        "childType",
        "The unit type of the child of a `parent-child` mapping.",
        Form::TextIfAny,
        |row| Some(Cell::Text(row.ends()?[1].unit_type.as_str())),
    )
    .only(AppearsIn::InResponses),
];

/// All fields of a mapping in responses.
pub(crate) static COLUMNS: LazyLock<Columns> = LazyLock::new(|| {
    let [from, to, mapping_type, relationship, source] = &FIELDS;
    let own = [&ID, &from.column, &to.column, &mapping_type.column, &relationship.column];
    Columns::of(own.into_iter().chain(&ENDS).chain([&source.column, &ATTRIBUTES]).chain(&STAMPS))
});

/// The fields of a request body of edition B.
pub(crate) static LINK_INPUT: [field::InputSchema; 5] = [
    field::InputSchema::new("parent", "UnitReference", Need::Key, "The parent."),
    field::InputSchema::new(
        "parentType",
        "MaybeText",
        Need::Optional,
        "The unit type of the parent: a level, root (organization), or any other word.",
    ),
    field::InputSchema::new("child", "UnitReference", Need::Key, "The child."),
    field::InputSchema::new("childType", "MaybeText", Need::Optional, "The unit type of the child."),
    field::InputSchema::new("source", "MaybeText", Need::Optional, "The system that the mapping comes from."),
];

/// Parses the body of a POST: edition A connects two existing records, edition B creates missing units.
pub(crate) fn created(mut body: Fields, if_exists: IfExists) -> Result<Command, Error> {
    body.drop_read_only(&["id"])?;
    if is_link(&mut body)? {
        return linked(body, if_exists);
    }
    let fields = fields(body)?;
    Ok(Command::CreateMapping(Create { fields, if_exists }))
}

/// Parses the body of POST `/org-hierarchy`, which is of edition B.
pub(crate) fn linked(mut body: Fields, if_exists: IfExists) -> Result<Command, Error> {
    body.drop_read_only(&["id"])?;
    if !is_link(&mut body)? {
        let field = if body.has("parent") { "child" } else { "parent" };
        return Err(Error::Missing { field });
    }
    let parent = end(&mut body, "parent", "parentType")?;
    let child = end(&mut body, "child", "childType")?;
    let mapping_type = body.text("mappingType", "mappingType", MappingType::parse)?.value();
    if let Some(other) = mapping_type.filter(|other| *other != MappingType::ParentChild) {
        return Err(Error::invalid(
            "mappingType",
            other.as_str(),
            "must be parent-child in a body with parent and child",
        ));
    }
    let relationship = body.text("relationship", "relationship", Relationship::parse)?.value();
    let source = body.optional("source", Name::parse)?;
    let attributes = body.attributes()?;
    Ok(Command::LinkUnits(LinkUnits { parent, child, relationship, source, attributes, if_exists }))
}

/// Parses the body of a PUT or PATCH.
pub(crate) fn changed(mut body: Fields, id: MappingId) -> Result<MappingFields, Error> {
    // The types belong to the units, which are changed at `/units`.
    body.drop_read_only(&["parentType", "childType"])?;
    if let FieldInput::Value(other) = body.text("id", "id", MappingId::parse)?
        && other != id
    {
        return Err(Error::invalid(
            "id",
            &other.to_string(),
            "must equal the id in the path; the id of a mapping cannot be changed",
        ));
    }
    for (ours, theirs) in [("parent", "attribute1"), ("child", "attribute2")] {
        agree(&mut body, ours, theirs)?;
        if let FieldInput::Value(value) = body.any(ours) {
            body.put(theirs, value);
        }
    }
    fields(body)
}

/// Whether the body is of edition B. Fields of edition A that say the same are removed.
fn is_link(body: &mut Fields) -> Result<bool, Error> {
    // Nulls are removed first: clients that always send all fields of both editions leave those of the other one null.
    for name in ["parent", "child", "parentType", "childType"] {
        body.drop_null(name);
    }
    if !body.has("parent") && !body.has("child") {
        return match ["parentType", "childType"].into_iter().find(|name| body.has(name)) {
            Some(_) => Err(Error::Missing { field: "parent" }),
            None => Ok(false),
        };
    }
    for (field, needed) in [("parent", body.has("parent")), ("child", body.has("child"))] {
        if !needed {
            return Err(Error::Missing { field });
        }
    }
    agree(body, "parent", "attribute1")?;
    agree(body, "child", "attribute2")?;
    Ok(true)
}

/// Removes the field `theirs` of edition A if the field `ours` of edition B has the same value.
fn agree(body: &mut Fields, ours: &'static str, theirs: &'static str) -> Result<(), Error> {
    if !body.has(ours) || !body.has(theirs) {
        return Ok(());
    }
    let FieldInput::Value(value) = body.any(theirs) else { return Ok(()) };
    if body.is(ours, &value) {
        return Ok(());
    }
    let both = format!(
        "and {ours} name different records; send either attribute1 and attribute2, or parent and child"
    );
    Err(Error::invalid(theirs, value.as_str().unwrap_or_default(), both))
}

fn fields(mut body: Fields) -> Result<MappingFields, Error> {
    let mut mapping = read(&FIELDS, &mut body)?;
    mapping.attributes = body.attributes()?;
    Ok(mapping)
}

/// Takes a reference to an end. `None` in a patch that leaves it as it is.
pub(crate) fn end_ref(body: &mut Fields, field: &'static str) -> Result<Option<EndRef>, Error> {
    let must_be_given = body.mode() != UpdateMode::Merge;
    match body.any(field) {
        FieldInput::Value(Value::String(text)) if text.trim().is_empty() => {
            Err(Error::invalid(field, &text, "must not be empty"))
        }
        FieldInput::Value(Value::String(text)) => Ok(Some(EndRef::Text(text.trim().to_owned()))),
        FieldInput::Value(Value::Array(names)) => path(field, names).map(|names| Some(EndRef::Path(names))),
        FieldInput::Value(other) => Err(wrong(field, &other, "a string, or an array of names")),
        FieldInput::Null | FieldInput::Absent if must_be_given => Err(Error::Missing { field }),
        FieldInput::Null => Err(Error::invalid(field, "null", "cannot be removed")),
        FieldInput::Absent => Ok(None),
    }
}

fn end(body: &mut Fields, field: &'static str, type_field: &'static str) -> Result<UnitSpec, Error> {
    let FieldInput::Value(value) = body.any(field) else { return Err(Error::Missing { field }) };
    let reference: UnitRef = unit_ref(field, value)?;
    let unit_type = body.text(type_field, type_field, UnitType::parse)?.value();
    Ok(UnitSpec { reference, unit_type })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: &Value) -> Result<Command, Error> {
        created(Fields::new(value.as_object().unwrap().clone(), UpdateMode::Create), IfExists::Refuse)
    }

    #[test]
    fn both_editions_are_read() {
        let a =
            read(&json!({"attribute1": "p1", "attribute2": "a@b", "mappingType": "project-member"})).unwrap();
        let Command::CreateMapping(Create { fields, .. }) = a else { panic!() };
        assert_eq!(fields.mapping_type, Some(MappingType::ProjectPeople));
        let b = read(
            &json!({"parent": "Opsera", "parentType": "root", "child": ["Opsera", "R&D"], "childType": "Department"}),
        );
        let Command::LinkUnits(link) = b.unwrap() else { panic!() };
        assert_eq!(link.parent.unit_type, Some(UnitType::parse("organization").unwrap()));
        assert_eq!(link.child.reference, UnitRef::Path(vec!["Opsera".into(), "R&D".into()]));
    }

    #[test]
    fn a_response_with_both_editions_is_parsed_as_edition_b() {
        let answer = json!({"id": "x", "attribute1": "A", "attribute2": "B", "mappingType": "parent-child",
            "relationship": "org-hierarchy", "parent": "A", "parentType": "business", "child": "B",
            "childType": "team", "source": null, "attributes": {}, "validTo": null});
        assert!(matches!(read(&answer).unwrap(), Command::LinkUnits(_)));
    }

    #[test]
    fn invalid_fields_are_refused_by_name() {
        for (body, code, field) in [
            (json!({}), "missing-field", "attribute1"),
            (json!({"attribute1": "a"}), "missing-field", "attribute2"),
            (json!({"parent": "a"}), "missing-field", "child"),
            (json!({"childType": "team"}), "missing-field", "parent"),
            (
                json!({"parent": "a", "child": "b", "attribute1": "c", "attribute2": "b"}),
                "invalid",
                "attribute1",
            ),
            (json!({"parent": "a", "child": "b", "mappingType": "people-org"}), "invalid", "mappingType"),
            (json!({"attribute1": 7, "attribute2": "b"}), "invalid", "attribute1"),
            (json!({"attribute1": "a", "attribute2": "b", "relationship": "x"}), "invalid", "relationship"),
        ] {
            let refusal = read(&body).unwrap_err();
            assert_eq!((refusal.code(), refusal.field()), (code, Some(field)), "{body}");
        }
    }
}
