//! A unit, in and out, by itself and as a descendant of another.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::directory::{Totals, View};
use crate::error::Error;
use crate::model::attributes::Attributes;
use crate::model::command::UnitFields;
use crate::model::entity::EntityId;
use crate::model::key::{ExternalId, Name, UnitKey};
use crate::model::level::UnitType;
use crate::model::reference::UnitRef;
use crate::query::tree::Descendant;
use crate::wire::fields::{Fields, Given, Manner, wrong};
use crate::wire::stamps::{StampsRecord, level_number, object, text};

/// A unit of the hierarchy.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrgUnit)]
pub(crate) struct UnitRecord<'v> {
    /// Unique among units.
    #[schema(example = "R&D")]
    key: &'v str,
    /// What people call it. Several units may share a name.
    #[schema(example = "R&D")]
    name: &'v str,
    /// A level, or any other word.
    #[schema(example = "department")]
    r#type: &'v str,
    /// 1 for an organization to 5 for a team; null for a type that is no level.
    #[schema(required = true, minimum = 1, maximum = 5)]
    level: Option<u8>,
    /// What another system calls it.
    #[schema(required = true)]
    external_id: Option<&'v str>,
    /// The keys of the units directly above it, the earliest mapping first.
    parents: Vec<&'v str>,
    /// What is beneath it, rolled up.
    totals: TotalsRecord,
    /// All fields that have no name of their own.
    #[serde(serialize_with = "object")]
    #[schema(value_type = Object)]
    attributes: &'v Attributes,
    #[serde(flatten)]
    stamps: StampsRecord,
}

/// What is beneath a unit, at any depth, each counted once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Totals)]
pub(crate) struct TotalsRecord {
    /// Units strictly beneath it.
    units: u64,
    /// People placed in it or beneath it.
    people: u64,
    /// Projects placed in it or beneath it.
    projects: u64,
    /// Repositories of those projects.
    repositories: u64,
    /// Services of those projects.
    services: u64,
}

/// A unit beneath another, where a walk from the top meets it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Descendant)]
pub(crate) struct DescendantRecord<'v> {
    /// How far beneath: 1 for a child.
    #[schema(minimum = 1)]
    depth: usize,
    /// The key of the unit directly above it on this walk.
    #[schema(required = true)]
    parent_key: Option<&'v str>,
    #[serde(flatten)]
    unit: UnitRecord<'v>,
}

impl<'v> DescendantRecord<'v> {
    pub(crate) fn of(view: &'v View, item: &Descendant) -> Option<Self> {
        let unit = UnitRecord::of(view, item.id)?;
        Some(Self { depth: item.depth, parent_key: unit_key(view, item.parent), unit })
    }
}

impl<'v> UnitRecord<'v> {
    pub(crate) fn of(view: &'v View, id: EntityId) -> Option<Self> {
        let entity = view.entity(id)?;
        let unit = entity.as_org_unit()?;
        Some(Self {
            key: unit.key.as_str(),
            name: unit.name.as_str(),
            r#type: unit.unit_type.as_str(),
            level: level_number(unit.unit_type.level()),
            external_id: text(unit.external_id.as_ref()),
            parents: view.parents(id).into_iter().filter_map(|parent| unit_key(view, parent)).collect(),
            totals: TotalsRecord::of(view.totals(id)),
            attributes: &unit.attributes,
            stamps: StampsRecord::of(&entity.stamps),
        })
    }
}

/// The key of a unit in sight.
pub(crate) fn unit_key(view: &View, id: EntityId) -> Option<&str> {
    view.entity(id).map(|entity| entity.label())
}

impl TotalsRecord {
    fn of(totals: Totals) -> Self {
        let Totals { units, people, projects, repositories, services } = totals;
        Self { units, people, projects, repositories, services }
    }
}

/// Reads what is said of a unit.
pub(crate) fn unit(mut given: Fields) -> Result<UnitFields, Error> {
    given.drop_read_only(&["level", "totals", "depth", "parentKey"])?;
    let key = given.required("key", false, UnitKey::parse)?;
    let is_new = given.manner() == Manner::Create;
    let fields = UnitFields {
        name: given.required("name", is_new && key.is_none(), Name::parse)?,
        key,
        unit_type: given.required("type", false, UnitType::parse)?,
        external_id: given.optional("externalId", ExternalId::parse)?,
        parents: parents(&mut given)?,
        attributes: given.attributes()?,
    };
    Ok(fields)
}

fn parents(given: &mut Fields) -> Result<Option<Vec<UnitRef>>, Error> {
    let many = match given.any("parents") {
        Given::Value(Value::Array(items)) => {
            Some(items.into_iter().map(|item| unit_ref("parents", item)).collect::<Result<Vec<_>, _>>()?)
        }
        Given::Value(other) => return Err(wrong("parents", &other, "an array of units")),
        Given::Null | Given::Absent => None,
    };
    let parent = given.any("parent");
    let shown = match &parent {
        Given::Value(Value::String(text)) => text.clone(),
        Given::Value(other) => other.to_string(),
        Given::Null | Given::Absent => "null".to_owned(),
    };
    let one = match parent {
        Given::Value(value) => Some(vec![unit_ref("parent", value)?]),
        Given::Null if given.manner() != Manner::Create => Some(Vec::new()),
        Given::Null | Given::Absent => None,
    };
    match (one, many) {
        (Some(_), Some(_)) => {
            Err(Error::invalid("parent", &shown, "is given beside parents; give one of the two"))
        }
        (one, many) => Ok(one.or(many)),
    }
}

/// A unit as a body names it: a text, or names from an ancestor downwards.
pub(crate) fn unit_ref(field: &'static str, value: Value) -> Result<UnitRef, Error> {
    match value {
        Value::String(text) if text.trim().is_empty() => {
            Err(Error::invalid(field, &text, "must not be empty"))
        }
        Value::String(text) => Ok(UnitRef::Text(text.trim().to_owned())),
        Value::Array(names) => path(field, names).map(UnitRef::Path),
        other => Err(wrong(field, &other, "a string, or an array of names")),
    }
}

/// Names from an ancestor downwards.
pub(crate) fn path(field: &'static str, names: Vec<Value>) -> Result<Vec<String>, Error> {
    if names.is_empty() {
        return Err(Error::invalid(field, "[]", "must name a unit"));
    }
    let name = |value| match value {
        Value::String(name) => Name::parse(&name).map(|name| name.to_string()).map_err(|no| no.about(field)),
        other => Err(wrong(field, &other, "a string, or an array of names")),
    };
    names.into_iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(manner: Manner, value: &Value) -> Fields {
        Fields::new(value.as_object().unwrap().clone(), manner)
    }

    #[test]
    fn a_unit_is_given_one_parent_or_many() {
        let many =
            unit(fields(Manner::Create, &json!({"name": "U", "parents": ["A", ["B", "C/D"]]}))).unwrap();
        let expected = vec![UnitRef::from("A"), UnitRef::Path(vec!["B".into(), "C/D".into()])];
        assert_eq!(many.parents, Some(expected));
        let both = json!({"name": "U", "parent": "A", "parents": ["B"]});
        assert!(unit(fields(Manner::Create, &both)).is_err());
        let none = unit(fields(Manner::Create, &json!({"name": "U", "parent": null}))).unwrap();
        assert_eq!(none.parents, None);
    }
}
