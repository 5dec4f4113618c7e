//! The fields of a unit, for reading and writing, by itself and as a descendant of another unit.

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
use crate::wire::column::{AppearsIn, Cell, Column, Form, joined_texts};
use crate::wire::columns::Columns;
use crate::wire::field::{Need, RecordField, optional, read, text};
use crate::wire::fields::{FieldInput, Fields, UpdateMode, wrong};
use crate::wire::row::Row;
use crate::wire::stamps::{ATTRIBUTES, STAMPS};

/// The fields of a unit that are both read and written.
pub(crate) static FIELDS: [RecordField<UnitFields>; 4] = [
    RecordField::new(
        text!("key", "The unique key of the unit.", unit.key)
        .example("R&D")
        .sorted(OrderBy::Field(Field::Key)),
        "UnitKeyText",
        Need::Kept,
        |body, name, unit: &mut UnitFields| {
            unit.key = body.required(name, false, UnitKey::parse)?;
            Ok(())
        },
    )
    .new_as("The unique key of the unit. Default: the name."),
    RecordField::new(
        text!("name", "The name of the unit. Several units may have the same name.", unit.name)
        .example("R&D")
        .sorted(OrderBy::Field(Field::Name)),
        "NameText",
        Need::Kept,
        |body, name, unit: &mut UnitFields| {
            // The key and the name are each other's default, so one of them is required. This depends on the key being
            // parsed first, by the order of the table.
            let is_new = body.mode() == UpdateMode::Create;
            unit.name = body.required(name, is_new && unit.key.is_none(), Name::parse)?;
            Ok(())
        },
    )
    .given_as("The name of the unit.")
    .new_as("The name of the unit. Default: the key."),
    RecordField::new(
        text!("type", "The type of the unit: a level, or any other word.", unit.unit_type)
        .example("department")
        .sorted(OrderBy::Field(Field::Type)),
        "NameText",
        Need::Kept,
        |body, name, unit: &mut UnitFields| {
            unit.unit_type = body.required(name, false, UnitType::parse)?;
            Ok(())
        },
    )
    .given_as("The type of the unit: organization, business, department, group, team, or any other word.")
    .new_as("The type of the unit: organization, business, department, group, team, or any other word. Default: one level below its parent."),
    optional!(
        "externalId",
        "The id of the unit in another system.",
        unit.external_id: ExternalId of UnitFields
    )
    .sorted(Field::ExternalId),
];

static LEVEL: Column = Column::new(
    "level",
    "The number of the level, from 1 (organization) to 5 (team); null if the type is not a level.",
    Form::Level,
    |row| Some(Cell::Number(row.unit()?.unit_type.level()?.number().into())),
)
.only(AppearsIn::InResponses);

pub(crate) static PARENTS: Column = Column::new(
    "parents",
    "The keys of the parents of the unit, the oldest mapping first.",
    Form::Keys,
    |row| {
        // Parents outside the scope have no key here and are left out.
        let parents = row.view()?.parents(row.id()?).into_iter();
        Some(Cell::List(parents.filter_map(|parent| row.key(parent)).map(Cell::Text).collect()))
    },
)
.in_csv(&PARENTS_IN_CSV)
.only(AppearsIn::InResponses);

static PARENTS_IN_CSV: [Column; 1] = [Column::new("parents", "", Form::Keys, |row| {
    let parents: Vec<&str> =
        row.view()?.parents(row.id()?).into_iter().filter_map(|parent| row.key(parent)).collect();
    joined_texts(&parents)
})];

static TOTALS: Column =
    Column::new("totals", "The totals of the subtree of the unit.", Form::Of("Totals"), |row| {
        Some(Cell::object(row, &TOTALS_OF_UNIT))
    })
    .members(&TOTALS_OF_UNIT)
    .only(AppearsIn::InResponses);

/// The totals of the subtree of a unit, at any depth; each record is counted once.
// Every column computes all five totals again. That is cheap: they are the sizes of sets that the graph maintains.
pub(crate) static TOTALS_OF_UNIT: [Column; 5] = [
    Column::new("units", "The number of units below the unit, without itself.", Form::Count, |row| {
        totals(row).map(|it| Cell::Number(it.units))
    }),
    Column::new("people", "The number of people placed in the unit or below it.", Form::Count, |row| {
        totals(row).map(|it| Cell::Number(it.people))
    }),
    Column::new("projects", "The number of projects placed in the unit or below it.", Form::Count, |row| {
        totals(row).map(|it| Cell::Number(it.projects))
    }),
    Column::new("repositories", "The number of repositories of these projects.", Form::Count, |row| {
        totals(row).map(|it| Cell::Number(it.repositories))
    }),
    Column::new("services", "The number of services of these projects.", Form::Count, |row| {
        totals(row).map(|it| Cell::Number(it.services))
    }),
];

/// The position of a descendant in the walk from its ancestor.
pub(crate) static WALK: [Column; 2] = [
    Column::new("depth", "The number of levels below the ancestor: 1 for a child.", Form::Depth, |row| {
        Some(Cell::Number(row.walk?.0 as u64))
    }),
    Column::new(
        "parentKey",
        "The key of the parent through which the unit was reached.",
        Form::MaybeText,
        |row| row.key(row.walk?.1).map(Cell::Text),
    ),
];

/// All fields of a unit in responses.
pub(crate) static COLUMNS: LazyLock<Columns> = LazyLock::new(|| Columns::of(all()));

/// All fields of a unit as a descendant of another.
pub(crate) static DESCENDANT: LazyLock<Columns> = LazyLock::new(|| Columns::of(WALK.iter().chain(all())));

fn all() -> impl Iterator<Item = &'static Column> {
    let [key, name, unit_type, external_id] = &FIELDS;
    let own = [&key.column, &name.column, &unit_type.column, &LEVEL, &external_id.column];
    own.into_iter().chain([&PARENTS, &TOTALS, &ATTRIBUTES]).chain(&STAMPS)
}

fn totals(row: &Row<'_>) -> Option<Totals> {
    Some(row.view()?.totals(row.id()?))
}

/// The key of a unit; `None` if it is not visible.
pub(crate) fn unit_key(view: &View, id: EntityId) -> Option<&str> {
    view.entity(id).map(|entity| entity.label())
}

/// Parses the body of a unit.
pub(crate) fn unit(mut body: Fields) -> Result<UnitFields, Error> {
    body.drop_read_only(&["level", "totals", "depth", "parentKey"])?;
    let mut unit = read(&FIELDS, &mut body)?;
    unit.parents = parents(&mut body)?;
    // Last, because it takes all fields that are left.
    unit.attributes = body.attributes()?;
    Ok(unit)
}

fn parents(body: &mut Fields) -> Result<Option<Vec<UnitRef>>, Error> {
    let many = match body.any("parents") {
        FieldInput::Value(Value::Array(items)) => {
            Some(items.into_iter().map(|item| unit_ref("parents", item)).collect::<Result<Vec<_>, _>>()?)
        }
        FieldInput::Value(other) => return Err(wrong("parents", &other, "an array of units")),
        FieldInput::Null | FieldInput::Absent => None,
    };
    let parent = body.any("parent");
    // The text of the value for an error, taken before the value is consumed below.
    let parent_text = match &parent {
        FieldInput::Value(Value::String(text)) => text.clone(),
        FieldInput::Value(other) => other.to_string(),
        FieldInput::Null | FieldInput::Absent => "null".to_owned(),
    };
    let one = match parent {
        FieldInput::Value(value) => Some(vec![unit_ref("parent", value)?]),
        // In a change, a null parent makes the unit a root. In an import it is just an empty field: an upsert must not
        // remove the unit from the hierarchy.
        FieldInput::Null if body.mode() != UpdateMode::Create => Some(Vec::new()),
        FieldInput::Null | FieldInput::Absent => None,
    };
    match (one, many) {
        (Some(_), Some(_)) => Err(Error::invalid(
            "parent",
            &parent_text,
            "cannot be combined with parents; send one of the two",
        )),
        (one, many) => Ok(one.or(many)),
    }
}

/// Parses a reference to a unit: a text, or a path as an array of names, from an ancestor downwards.
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

/// Parses a path: an array of names, from an ancestor downwards.
// An array as well as a text with slashes, because a name may contain a slash.
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

    fn fields(mode: UpdateMode, value: &Value) -> Fields {
        Fields::new(value.as_object().unwrap().clone(), mode)
    }

    #[test]
    fn a_unit_has_either_parent_or_parents() {
        let many =
            unit(fields(UpdateMode::Create, &json!({"name": "U", "parents": ["A", ["B", "C/D"]]}))).unwrap();
        let expected = vec![UnitRef::from("A"), UnitRef::Path(vec!["B".into(), "C/D".into()])];
        assert_eq!(many.parents, Some(expected));
        let both = json!({"name": "U", "parent": "A", "parents": ["B"]});
        assert!(unit(fields(UpdateMode::Create, &both)).is_err());
        let none = unit(fields(UpdateMode::Create, &json!({"name": "U", "parent": null}))).unwrap();
        assert_eq!(none.parents, None);
    }
}
