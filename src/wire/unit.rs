//! A unit: the table of its fields, in and out, by itself and as a descendant of another.

use std::sync::LazyLock;

use serde_json::Value;

use crate::directory::{Totals, View};
use crate::error::Error;
use crate::model::command::UnitFields;
use crate::model::entity::EntityId;
use crate::model::key::{ExternalId, Name, UnitKey};
use crate::model::level::UnitType;
use crate::model::reference::UnitRef;
use crate::query::{Field, OrderBy};
use crate::wire::cell::Cell;
use crate::wire::column::{Column, Columns, Form, ShownIn, object};
use crate::wire::field::{Need, RecordField, optional, read, text};
use crate::wire::fields::{FieldInput, Fields, Manner, wrong};
use crate::wire::row::Row;
use crate::wire::stamps::{ATTRIBUTES, STAMPS};

/// The fields of its own.
pub(crate) static FIELDS: [RecordField<UnitFields>; 4] = [
    RecordField::new(
        text!("key", "Unique among units.", unit.key)
        .example("R&D")
        .sorted(OrderBy::Field(Field::Key)),
        "UnitKeyText",
        Need::Kept,
        |given, name, unit: &mut UnitFields| {
            unit.key = given.required(name, false, UnitKey::parse)?;
            Ok(())
        },
    )
    .new_as("Unique among units; the name where it is not given."),
    RecordField::new(
        text!("name", "What people call it. Several units may share a name.", unit.name)
        .example("R&D")
        .sorted(OrderBy::Field(Field::Name)),
        "NameText",
        Need::Kept,
        |given, name, unit: &mut UnitFields| {
            let is_new = given.manner() == Manner::Create;
            unit.name = given.required(name, is_new && unit.key.is_none(), Name::parse)?;
            Ok(())
        },
    )
    .given_as("What people call it.")
    .new_as("What people call it; the key where it is not given."),
    RecordField::new(
        text!("type", "A level, or any other word.", unit.unit_type)
        .example("department")
        .sorted(OrderBy::Field(Field::Type)),
        "NameText",
        Need::Kept,
        |given, name, unit: &mut UnitFields| {
            unit.unit_type = given.required(name, false, UnitType::parse)?;
            Ok(())
        },
    )
    .given_as("organization, business, department, group, team, or any other word.")
    .new_as("organization, business, department, group, team, or any other word. One level beneath its parent when not given."),
    optional!(
        "externalId",
        "What another system calls it.",
        unit.external_id: ExternalId of UnitFields
    )
    .sorted(Field::ExternalId),
];

static LEVEL: Column = Column::new(
    "level",
    "1 for an organization to 5 for a team; null for a type that is no level.",
    Form::Level,
    |row| Some(Cell::Number(row.unit()?.unit_type.level()?.number().into())),
)
.only(ShownIn::InAnswers);

static PARENTS: Column = Column::new(
    "parents",
    "The keys of the units directly above it, the earliest mapping first.",
    Form::Keys,
    |row| {
        let parents = row.view()?.parents(row.id()?).into_iter();
        Some(Cell::List(parents.filter_map(|parent| row.key(parent)).map(Cell::Text).collect()))
    },
)
.only(ShownIn::InAnswers);

static TOTALS: Column = Column::new("totals", "What is beneath it, rolled up.", Form::Of("Totals"), |row| {
    Some(object(row, &TOTALS_OF_UNIT))
})
.members(&TOTALS_OF_UNIT)
.only(ShownIn::InAnswers);

/// What is beneath a unit, at any depth, each counted once.
pub(crate) static TOTALS_OF_UNIT: [Column; 5] = [
    Column::new("units", "Units strictly beneath it.", Form::Count, |row| {
        totals(row).map(|it| Cell::Number(it.units))
    }),
    Column::new("people", "People placed in it or beneath it.", Form::Count, |row| {
        totals(row).map(|it| Cell::Number(it.people))
    }),
    Column::new("projects", "Projects placed in it or beneath it.", Form::Count, |row| {
        totals(row).map(|it| Cell::Number(it.projects))
    }),
    Column::new("repositories", "Repositories of those projects.", Form::Count, |row| {
        totals(row).map(|it| Cell::Number(it.repositories))
    }),
    Column::new("services", "Services of those projects.", Form::Count, |row| {
        totals(row).map(|it| Cell::Number(it.services))
    }),
];

/// Where a walk from the top met it.
pub(crate) static WALK: [Column; 2] = [
    Column::new("depth", "How far beneath: 1 for a child.", Form::Depth, |row| {
        Some(Cell::Number(row.walk?.0 as u64))
    }),
    Column::new("parentKey", "The key of the unit directly above it on this walk.", Form::MaybeText, |row| {
        row.key(row.walk?.1).map(Cell::Text)
    }),
];

/// All that it shows.
pub(crate) static COLUMNS: LazyLock<Columns> = LazyLock::new(|| Columns::of(all()));

/// All that it shows as a descendant of another.
pub(crate) static DESCENDANT: LazyLock<Columns> = LazyLock::new(|| Columns::of(WALK.iter().chain(all())));

fn all() -> impl Iterator<Item = &'static Column> {
    let [key, name, unit_type, external_id] = &FIELDS;
    let own = [&key.column, &name.column, &unit_type.column, &LEVEL, &external_id.column];
    own.into_iter().chain([&PARENTS, &TOTALS, &ATTRIBUTES]).chain(&STAMPS)
}

fn totals(row: &Row<'_>) -> Option<Totals> {
    Some(row.view()?.totals(row.id()?))
}

/// The key of a unit in sight.
pub(crate) fn unit_key(view: &View, id: EntityId) -> Option<&str> {
    view.entity(id).map(|entity| entity.label())
}

/// Reads what is said of a unit.
pub(crate) fn unit(mut given: Fields) -> Result<UnitFields, Error> {
    given.drop_read_only(&["level", "totals", "depth", "parentKey"])?;
    let mut unit = read(&FIELDS, &mut given)?;
    unit.parents = parents(&mut given)?;
    unit.attributes = given.attributes()?;
    Ok(unit)
}

fn parents(given: &mut Fields) -> Result<Option<Vec<UnitRef>>, Error> {
    let many = match given.any("parents") {
        FieldInput::Value(Value::Array(items)) => {
            Some(items.into_iter().map(|item| unit_ref("parents", item)).collect::<Result<Vec<_>, _>>()?)
        }
        FieldInput::Value(other) => return Err(wrong("parents", &other, "an array of units")),
        FieldInput::Null | FieldInput::Absent => None,
    };
    let parent = given.any("parent");
    let shown = match &parent {
        FieldInput::Value(Value::String(text)) => text.clone(),
        FieldInput::Value(other) => other.to_string(),
        FieldInput::Null | FieldInput::Absent => "null".to_owned(),
    };
    let one = match parent {
        FieldInput::Value(value) => Some(vec![unit_ref("parent", value)?]),
        FieldInput::Null if given.manner() != Manner::Create => Some(Vec::new()),
        FieldInput::Null | FieldInput::Absent => None,
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
