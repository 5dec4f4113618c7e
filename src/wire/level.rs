//! The five level fields (organization, business, department, group, team) of people and projects.
//!
//! In a request they are a path to the unit of placement; in a response they are derived from the hierarchy.

use serde_json::Value;

use crate::error::Error;
use crate::model::command::{LevelNames, Placement};
use crate::model::key::Name;
use crate::model::level::Level;
use crate::model::reference::UnitRef;
use crate::wire::column::{AppearsIn, Cell, Column, Form, joined_texts};
use crate::wire::field::{self, Need};
use crate::wire::fields::{FieldInput, Fields, UpdateMode, wrong};
use crate::wire::unit::unit_ref;

/// The level fields of a response: the name of the nearest ancestor of each level, or null.
// In responses only: an export has the placements as mappings, and levels in it would create them a second time.
pub(crate) static LEVELS: [Column; 5] = [
    Column::new("organization", "The name of the organization, the highest level.", Form::MaybeText, |row| {
        row.level(0).map(Cell::Text)
    })
    .example("Opsera")
    .only(AppearsIn::InResponses),
    Column::new("business", "The name of the business, below the organization.", Form::MaybeText, |row| {
        row.level(1).map(Cell::Text)
    })
    .example("Engineering")
    .only(AppearsIn::InResponses),
    Column::new("department", "The name of the department, below the business.", Form::MaybeText, |row| {
        row.level(2).map(Cell::Text)
    })
    .example("Platform")
    .only(AppearsIn::InResponses),
    Column::new("group", "The name of the group, below the department.", Form::MaybeText, |row| {
        row.level(3).map(Cell::Text)
    })
    .example("Phase 2")
    .only(AppearsIn::InResponses),
    Column::new("team", "The name of the team, the lowest level.", Form::MaybeText, |row| {
        row.level(4).map(Cell::Text)
    })
    .example("AOD")
    .only(AppearsIn::InResponses),
];

/// The units of a person or project in CSV, where a list of records has no mappings beside it.
pub(crate) static UNITS: Column = Column::new(
    "units",
    "The keys of all units that the record is placed in, the oldest mapping first.",
    Form::Keys,
    |row| {
        let units = row.view()?.parents(row.id()?).into_iter();
        Some(Cell::List(units.filter_map(|unit| row.key(unit)).map(Cell::Text).collect()))
    },
)
.in_csv(&UNITS_IN_CSV)
.only(AppearsIn::InResponses);

static UNITS_IN_CSV: [Column; 1] = [Column::new("units", "", Form::Keys, |row| {
    let units: Vec<&str> =
        row.view()?.parents(row.id()?).into_iter().filter_map(|unit| row.key(unit)).collect();
    joined_texts(&units)
})];

/// The level fields of request bodies.
pub(crate) static LEVEL_INPUTS: [field::InputSchema; 5] = [
    field::InputSchema::new(
        "organization",
        "MaybeText",
        Need::Optional,
        "The name of the organization. The five levels are a path of unit names: each unit is looked up below the \
         previous one, and created if it does not exist. The record is placed in the last one.",
    ),
    field::InputSchema::new(
        "business",
        "MaybeText",
        Need::Optional,
        "The name of the business, below the organization.",
    ),
    field::InputSchema::new(
        "department",
        "MaybeText",
        Need::Optional,
        "The name of the department, below the business.",
    ),
    field::InputSchema::new(
        "group",
        "MaybeText",
        Need::Optional,
        "The name of the group, below the department.",
    ),
    field::InputSchema::new("team", "MaybeText", Need::Optional, "The name of the team, below the group."),
];

/// The units of a placement in request bodies.
pub(crate) static UNITS_ABOUT: &str = "All units that the record is placed in, which must exist; the list replaces the \
                                       stored one. Level fields beside it must name these units or units above them.";

/// Parses `units` and the five level fields into a placement.
pub(crate) fn placement(body: &mut Fields) -> Result<Placement, Error> {
    let mode = body.mode();
    let units = units(body)?;
    let paths = paths(body)?;
    let mut levels = Vec::with_capacity(Level::ALL.len());
    for level in Level::ALL {
        let name = level.as_str();
        levels.push(body.text(name, name, Name::parse)?);
    }
    let levels: [FieldInput<Name>; 5] = levels.try_into().expect("there are five levels");
    if let Some(paths) = paths {
        if units.is_some() || levels.iter().any(|level| matches!(level, FieldInput::Value(_))) {
            let reason = "cannot be combined with units or level fields; send one of them";
            return Err(Error::invalid("placements", "", reason));
        }
        return Ok(Placement::LevelPaths(paths));
    }
    if let Some(units) = units {
        let names = levels.map(FieldInput::value);
        return Ok(if names.iter().all(Option::is_none) {
            Placement::Units(units)
        } else {
            Placement::UnitsWithLevels(units, names)
        });
    }
    if levels.iter().all(|level| *level == FieldInput::Absent) {
        return Ok(Placement::Keep);
    }
    if mode == UpdateMode::Merge {
        // A patch of single levels is resolved later, when the current placement is known.
        return Ok(Placement::PatchLevels(levels.map(|level| level.patch(mode))));
    }
    // Five nulls leave the placement alone also in a PUT: a response of a record without levels, sent back unchanged,
    // must not remove placements in units that are no level.
    let names = levels.map(FieldInput::value);
    Ok(if names.iter().all(Option::is_none) { Placement::Keep } else { Placement::Levels(names) })
}

/// Takes the field `units`. `None` leaves the placement to the level fields.
fn units(body: &mut Fields) -> Result<Option<Vec<UnitRef>>, Error> {
    Ok(match body.any("units") {
        FieldInput::Value(Value::Array(items)) => {
            Some(items.into_iter().map(|item| unit_ref("units", item)).collect::<Result<_, _>>()?)
        }
        FieldInput::Value(other) => return Err(wrong("units", &other, "an array of units")),
        // As for `parent`: a change may empty the list by null, and in an import null is just an empty field.
        FieldInput::Null if body.mode() != UpdateMode::Create => Some(Vec::new()),
        FieldInput::Null | FieldInput::Absent => None,
    })
}

/// Takes the field `placements`: paths of level fields, as objects. `None` leaves the placement to the other fields.
fn paths(body: &mut Fields) -> Result<Option<Vec<LevelNames>>, Error> {
    let mode = body.mode();
    let items = match body.any("placements") {
        FieldInput::Value(Value::Array(items)) => items,
        FieldInput::Value(other) => {
            return Err(wrong("placements", &other, "an array of objects with level fields"));
        }
        FieldInput::Null | FieldInput::Absent => return Ok(None),
    };
    let path = |item| {
        let Value::Object(levels) = item else {
            return Err(wrong("placements", &item, "an array of objects with level fields"));
        };
        let mut levels = Fields::new(levels, mode);
        let mut names = LevelNames::default();
        for (level, name) in Level::ALL.into_iter().zip(&mut names) {
            *name = levels.text(level.as_str(), "placements", Name::parse)?.value();
        }
        match levels.into_rest().keys().next() {
            Some(other) => Err(Error::invalid("placements", other, "is not a level field")),
            None if names.iter().all(Option::is_none) => {
                Err(Error::invalid("placements", "{}", "must each name a unit"))
            }
            None => Ok(names),
        }
    };
    items.into_iter().map(path).collect::<Result<_, _>>().map(Some)
}
