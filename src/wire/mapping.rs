//! A mapping: the table of its fields, in and out, in both editions of the published API.
//!
//! Edition A says `attribute1` and `attribute2`, edition B `parent` and `child`. An answer carries both, so
//! both are taken together where they agree.

use std::sync::LazyLock;

use serde_json::Value;

use crate::error::Error;
use crate::model::command::{Command, Create, EndRef, IfExists, LinkUnits, MappingFields, UnitSpec};
use crate::model::key::Name;
use crate::model::level::UnitType;
use crate::model::mapping::{MappingId, MappingType, Relationship};
use crate::model::reference::UnitRef;
use crate::wire::cell::Cell;
use crate::wire::column::{Column, Columns, Form, ShownIn};
use crate::wire::field::{self, Need, RecordField, optional, read};
use crate::wire::fields::{FieldInput, Fields, Manner, wrong};
use crate::wire::stamps::{ATTRIBUTES, STAMPS};
use crate::wire::unit::{path, unit_ref};

/// The fields of its own that a body gives too.
pub(crate) static FIELDS: [RecordField<MappingFields>; 5] = [
    RecordField::new(
        Column::new(
            "attribute1",
            "The parent, the project, or for `people-org` the person: its key.",
            Form::Text,
            |row| row.key(row.as_mapping()?.from).map(Cell::Text),
        ),
        "End",
        Need::Key,
        |given, name, mapping: &mut MappingFields| {
            mapping.from = end_ref(given, name)?;
            Ok(())
        },
    )
    .given_as("The parent, the project, or for people-org the person.")
    .new_as("The parent, the project, or for people-org the person. For project-people in either order."),
    RecordField::new(
        Column::new(
            "attribute2",
            "The child, the person, or for placements the unit: its key.",
            Form::Text,
            |row| row.key(row.as_mapping()?.to).map(Cell::Text),
        ),
        "End",
        Need::Key,
        |given, name, mapping: &mut MappingFields| {
            mapping.to = end_ref(given, name)?;
            Ok(())
        },
    )
    .given_as("The child, the person, or for placements the unit."),
    RecordField::new(
        Column::new(
            "mappingType",
            "What it connects: `parent-child`, `project-people`, `project-org` or `people-org`.",
            Form::Text,
            |row| Some(Cell::Text(row.as_mapping()?.mapping_type.as_str())),
        ),
        "MappingTypeWord",
        Need::OnlyNew,
        |given, name, mapping: &mut MappingFields| {
            mapping.mapping_type = given.text(name, name, MappingType::parse)?.value();
            Ok(())
        },
    )
    .given_as("Told from the two ends when not given."),
    RecordField::new(
        Column::new(
            "relationship",
            "How: `many-to-many`, `many-to-one`, `one-to-one`, `one-to-many` or `org-hierarchy`.",
            Form::Text,
            |row| Some(Cell::Text(row.as_mapping()?.relationship.as_str())),
        ),
        "RelationshipWord",
        Need::Optional,
        |given, name, mapping: &mut MappingFields| {
            mapping.relationship = given.text(name, name, Relationship::parse)?.value();
            Ok(())
        },
    )
    .given_as("How.")
    .new_as("The type's own when not given."),
    optional!("source", "Which system says so.", as_mapping.source: Name of MappingFields),
];

static ID: Column = Column::new("id", "Its id, a `UUIDv7`.", Form::Text, |row| {
    Some(Cell::Made(row.as_mapping()?.id.to_string()))
})
.example("019ab3c5-2f7e-7c11-9d1c-0a4be3a1f3aa")
.only(ShownIn::InLog);

/// The same ends as edition B has them.
static ENDS: [Column; 4] = [
    Column::new("parent", "The parent, of a `parent-child` mapping.", Form::TextIfAny, |row| {
        Some(Cell::Text(row.ends()?[0].key.as_str()))
    })
    .only(ShownIn::InAnswers),
    Column::new(
        "parentType",
        "The type of the parent, of a `parent-child` mapping.",
        Form::TextIfAny,
        |row| Some(Cell::Text(row.ends()?[0].unit_type.as_str())),
    )
    .only(ShownIn::InAnswers),
    Column::new("child", "The child, of a `parent-child` mapping.", Form::TextIfAny, |row| {
        Some(Cell::Text(row.ends()?[1].key.as_str()))
    })
    .only(ShownIn::InAnswers),
    Column::new("childType", "The type of the child, of a `parent-child` mapping.", Form::TextIfAny, |row| {
        Some(Cell::Text(row.ends()?[1].unit_type.as_str()))
    })
    .only(ShownIn::InAnswers),
];

/// All that it shows.
pub(crate) static COLUMNS: LazyLock<Columns> = LazyLock::new(|| {
    let [from, to, mapping_type, relationship, source] = &FIELDS;
    let own = [&ID, &from.column, &to.column, &mapping_type.column, &relationship.column];
    Columns::of(own.into_iter().chain(&ENDS).chain([&source.column, &ATTRIBUTES]).chain(&STAMPS))
});

/// What a body of edition B gives.
pub(crate) static GIVEN_LINK: [field::InputSchema; 5] = [
    field::InputSchema::new("parent", "UnitReference", Need::Key, "The upper one."),
    field::InputSchema::new(
        "parentType",
        "MaybeText",
        Need::Optional,
        "Its type: a level, root, or any other word.",
    ),
    field::InputSchema::new("child", "UnitReference", Need::Key, "The lower one."),
    field::InputSchema::new("childType", "MaybeText", Need::Optional, "Its type."),
    field::InputSchema::new("source", "MaybeText", Need::Optional, "Which system says so."),
];

/// Reads the body of a POST: edition A maps two known records, edition B makes the units it names.
pub(crate) fn created(mut given: Fields, if_exists: IfExists) -> Result<Command, Error> {
    given.drop_read_only(&["id"])?;
    if reads_as_link(&mut given)? {
        return linked(given, if_exists);
    }
    let fields = fields(given)?;
    Ok(Command::CreateMapping(Create { fields, if_exists }))
}

/// Reads the body of POST `/org-hierarchy`.
pub(crate) fn linked(mut given: Fields, if_exists: IfExists) -> Result<Command, Error> {
    given.drop_read_only(&["id"])?;
    if !reads_as_link(&mut given)? {
        let field = if given.has("parent") { "child" } else { "parent" };
        return Err(Error::Missing { field });
    }
    let parent = end(&mut given, "parent", "parentType")?;
    let child = end(&mut given, "child", "childType")?;
    let mapping_type = given.text("mappingType", "mappingType", MappingType::parse)?.value();
    if let Some(other) = mapping_type.filter(|given| *given != MappingType::ParentChild) {
        return Err(Error::invalid(
            "mappingType",
            other.as_str(),
            "must be parent-child between parent and child",
        ));
    }
    let relationship = given.text("relationship", "relationship", Relationship::parse)?.value();
    let source = given.optional("source", Name::parse)?;
    let attributes = given.attributes()?;
    Ok(Command::LinkUnits(LinkUnits { parent, child, relationship, source, attributes, if_exists }))
}

/// Reads the body of a PUT or PATCH. The types of the units are theirs, and are changed at `/units`.
pub(crate) fn changed(mut given: Fields, id: MappingId) -> Result<MappingFields, Error> {
    given.drop_read_only(&["parentType", "childType"])?;
    if let FieldInput::Value(other) = given.text("id", "id", MappingId::parse)?
        && other != id
    {
        return Err(Error::invalid(
            "id",
            &other.to_string(),
            "must be that of the path; a mapping keeps its id",
        ));
    }
    for (ours, theirs) in [("parent", "attribute1"), ("child", "attribute2")] {
        agree(&mut given, ours, theirs)?;
        if let FieldInput::Value(value) = given.any(ours) {
            given.put(theirs, value);
        }
    }
    fields(given)
}

/// Whether this is edition B; where edition A says the same beside it, that is left out.
fn reads_as_link(given: &mut Fields) -> Result<bool, Error> {
    for name in ["parent", "child", "parentType", "childType"] {
        given.drop_null(name);
    }
    if !given.has("parent") && !given.has("child") {
        return match ["parentType", "childType"].into_iter().find(|name| given.has(name)) {
            Some(_) => Err(Error::Missing { field: "parent" }),
            None => Ok(false),
        };
    }
    for (field, needed) in [("parent", given.has("parent")), ("child", given.has("child"))] {
        if !needed {
            return Err(Error::Missing { field });
        }
    }
    agree(given, "parent", "attribute1")?;
    agree(given, "child", "attribute2")?;
    Ok(true)
}

/// Takes out edition A's field where edition B's says the same.
fn agree(given: &mut Fields, ours: &'static str, theirs: &'static str) -> Result<(), Error> {
    if !given.has(ours) || !given.has(theirs) {
        return Ok(());
    }
    let FieldInput::Value(value) = given.any(theirs) else { return Ok(()) };
    if given.is(ours, &value) {
        return Ok(());
    }
    let both = format!("and {ours} name different records; give {theirs} and its like, or parent and child");
    Err(Error::invalid(theirs, value.as_str().unwrap_or_default(), both))
}

fn fields(mut given: Fields) -> Result<MappingFields, Error> {
    let mut mapping = read(&FIELDS, &mut given)?;
    mapping.attributes = given.attributes()?;
    Ok(mapping)
}

fn end_ref(given: &mut Fields, field: &'static str) -> Result<Option<EndRef>, Error> {
    let must_be_given = given.manner() != Manner::Merge;
    match given.any(field) {
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

fn end(given: &mut Fields, field: &'static str, type_field: &'static str) -> Result<UnitSpec, Error> {
    let FieldInput::Value(value) = given.any(field) else { return Err(Error::Missing { field }) };
    let reference: UnitRef = unit_ref(field, value)?;
    let unit_type = given.text(type_field, type_field, UnitType::parse)?.value();
    Ok(UnitSpec { reference, unit_type })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: &Value) -> Result<Command, Error> {
        created(Fields::new(value.as_object().unwrap().clone(), Manner::Create), IfExists::Refuse)
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
    fn an_answer_with_both_editions_is_read_as_one() {
        let answer = json!({"id": "x", "attribute1": "A", "attribute2": "B", "mappingType": "parent-child",
            "relationship": "org-hierarchy", "parent": "A", "parentType": "business", "child": "B",
            "childType": "team", "source": null, "attributes": {}, "validTo": null});
        assert!(matches!(read(&answer).unwrap(), Command::LinkUnits(_)));
    }

    #[test]
    fn what_does_not_fit_is_refused_by_name() {
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
