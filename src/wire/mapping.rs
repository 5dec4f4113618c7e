//! A mapping, in and out, in both editions of the published API.
//!
//! Edition A says `attribute1` and `attribute2`, edition B `parent` and `child`. An answer carries both, so
//! both are taken together where they agree.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::directory::View;
use crate::error::Error;
use crate::model::attributes::Attributes;
use crate::model::command::{Command, Create, EndRef, IfExists, LinkUnits, MappingFields, UnitSpec};
use crate::model::entity::Entity;
use crate::model::key::Name;
use crate::model::level::UnitType;
use crate::model::mapping::{Mapping, MappingId, MappingType, Relationship};
use crate::model::reference::UnitRef;
use crate::wire::fields::{Fields, Given, Manner, wrong};
use crate::wire::stamps::{StampsRecord, object, text};
use crate::wire::unit::{path, unit_ref};

/// A mapping between two records.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Mapping)]
pub(crate) struct MappingRecord<'v> {
    /// Its id, a `UUIDv7`.
    #[schema(example = "019ab3c5-2f7e-7c11-9d1c-0a4be3a1f3aa")]
    id: String,
    /// The parent, the project, or for `people-org` the person: its key.
    attribute1: &'v str,
    /// The child, the person, or for placements the unit: its key.
    attribute2: &'v str,
    /// What it connects: `parent-child`, `project-people`, `project-org` or `people-org`.
    mapping_type: &'static str,
    /// How: `many-to-many`, `many-to-one`, `one-to-one`, `one-to-many` or `org-hierarchy`.
    relationship: &'static str,
    /// The parent, of a `parent-child` mapping.
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<&'v str>,
    /// The type of the parent, of a `parent-child` mapping.
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_type: Option<&'v str>,
    /// The child, of a `parent-child` mapping.
    #[serde(skip_serializing_if = "Option::is_none")]
    child: Option<&'v str>,
    /// The type of the child, of a `parent-child` mapping.
    #[serde(skip_serializing_if = "Option::is_none")]
    child_type: Option<&'v str>,
    /// Which system says so.
    #[schema(required = true)]
    source: Option<&'v str>,
    /// All fields that have no name of their own.
    #[serde(serialize_with = "object")]
    #[schema(value_type = Object)]
    attributes: &'v Attributes,
    #[serde(flatten)]
    stamps: StampsRecord,
}

impl<'v> MappingRecord<'v> {
    pub(crate) fn of(view: &'v View, mapping: &'v Mapping) -> Option<Self> {
        let (from, to) = (view.entity(mapping.from)?, view.entity(mapping.to)?);
        let between_units = mapping.mapping_type == MappingType::ParentChild;
        let key = |entity: &'v Arc<Entity>| between_units.then(|| entity.label());
        let kind = |entity: &'v Arc<Entity>| entity.as_org_unit().filter(|_| between_units);
        Some(Self {
            id: mapping.id.to_string(),
            attribute1: from.label(),
            attribute2: to.label(),
            mapping_type: mapping.mapping_type.as_str(),
            relationship: mapping.relationship.as_str(),
            parent: key(from),
            parent_type: kind(from).map(|unit| unit.unit_type.as_str()),
            child: key(to),
            child_type: kind(to).map(|unit| unit.unit_type.as_str()),
            source: text(mapping.source.as_deref()),
            attributes: &mapping.attributes,
            stamps: StampsRecord::of(&mapping.stamps),
        })
    }
}

/// Reads the body of a POST: edition A maps two known records, edition B makes the units it names.
pub(crate) fn created(mut given: Fields, if_exists: IfExists) -> Result<Command, Error> {
    given.drop_read_only(&["id"])?;
    if reads_as_link(&mut given)? {
        return linked(given, if_exists);
    }
    let fields = fields(given, true)?;
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
    if let Given::Value(other) = given.text("id", "id", MappingId::parse)?
        && other != id
    {
        return Err(Error::invalid(
            "id",
            &other.to_string(),
            "must be that of the path; a mapping keeps its id",
        ));
    }
    let must_be_given = given.manner() == Manner::Replace;
    for (ours, theirs) in [("parent", "attribute1"), ("child", "attribute2")] {
        agree(&mut given, ours, theirs)?;
        if let Given::Value(value) = given.any(ours) {
            given.put(theirs, value);
        }
    }
    fields(given, must_be_given)
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
    let Given::Value(value) = given.any(theirs) else { return Ok(()) };
    if given.is(ours, &value) {
        return Ok(());
    }
    let both = format!("and {ours} name different records; give {theirs} and its like, or parent and child");
    Err(Error::invalid(theirs, value.as_str().unwrap_or_default(), both))
}

fn fields(mut given: Fields, must_be_given: bool) -> Result<MappingFields, Error> {
    let from = end_ref(&mut given, "attribute1", must_be_given)?;
    let to = end_ref(&mut given, "attribute2", must_be_given)?;
    Ok(MappingFields {
        from,
        to,
        mapping_type: given.text("mappingType", "mappingType", MappingType::parse)?.value(),
        relationship: given.text("relationship", "relationship", Relationship::parse)?.value(),
        source: given.optional("source", Name::parse)?,
        attributes: given.attributes()?,
    })
}

fn end_ref(given: &mut Fields, field: &'static str, must_be_given: bool) -> Result<Option<EndRef>, Error> {
    match given.any(field) {
        Given::Value(Value::String(text)) if text.trim().is_empty() => {
            Err(Error::invalid(field, &text, "must not be empty"))
        }
        Given::Value(Value::String(text)) => Ok(Some(EndRef::Text(text.trim().to_owned()))),
        Given::Value(Value::Array(names)) => path(field, names).map(|names| Some(EndRef::Path(names))),
        Given::Value(other) => Err(wrong(field, &other, "a string, or an array of names")),
        Given::Null | Given::Absent if must_be_given => Err(Error::Missing { field }),
        Given::Null => Err(Error::invalid(field, "null", "cannot be removed")),
        Given::Absent => Ok(None),
    }
}

fn end(given: &mut Fields, field: &'static str, type_field: &'static str) -> Result<UnitSpec, Error> {
    let Given::Value(value) = given.any(field) else { return Err(Error::Missing { field }) };
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
