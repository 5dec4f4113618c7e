//! The five level fields: a path when they are written, derived from the hierarchy when they are read.

use crate::error::Error;
use crate::model::command::Placement;
use crate::model::key::Name;
use crate::model::level::Level;
use crate::wire::cell::Cell;
use crate::wire::column::{Column, Form, ShownIn};
use crate::wire::field::{self, Need};
use crate::wire::fields::{FieldInput, Fields, Manner};

/// The five level fields: the name of the nearest unit of that type above, or null.
pub(crate) static LEVELS: [Column; 5] = [
    Column::new("organization", "The highest level.", Form::MaybeText, |row| row.levels()[0].map(Cell::Text))
        .example("Opsera")
        .only(ShownIn::InAnswers),
    Column::new("business", "Beneath the organization.", Form::MaybeText, |row| {
        row.levels()[1].map(Cell::Text)
    })
    .example("Engineering")
    .only(ShownIn::InAnswers),
    Column::new("department", "Beneath the business.", Form::MaybeText, |row| {
        row.levels()[2].map(Cell::Text)
    })
    .example("Platform")
    .only(ShownIn::InAnswers),
    Column::new("group", "Beneath the department.", Form::MaybeText, |row| row.levels()[3].map(Cell::Text))
        .example("Phase 2")
        .only(ShownIn::InAnswers),
    Column::new("team", "The lowest level.", Form::MaybeText, |row| row.levels()[4].map(Cell::Text))
        .example("AOD")
        .only(ShownIn::InAnswers),
];

/// What bodies give in them.
pub(crate) static GIVEN_LEVELS: [field::InputSchema; 5] = [
    field::InputSchema::new(
        "organization",
        "MaybeText",
        Need::Optional,
        "The five levels are a path: each is found, or made, beneath the one before it.",
    ),
    field::InputSchema::new("business", "MaybeText", Need::Optional, "Beneath the organization."),
    field::InputSchema::new("department", "MaybeText", Need::Optional, "Beneath the business."),
    field::InputSchema::new("group", "MaybeText", Need::Optional, "Beneath the department."),
    field::InputSchema::new("team", "MaybeText", Need::Optional, "Beneath the group."),
];

/// Reads the five level fields.
pub(crate) fn placement(given: &mut Fields) -> Result<Placement, Error> {
    let manner = given.manner();
    let mut levels = Vec::with_capacity(Level::ALL.len());
    for level in Level::ALL {
        let name = level.as_str();
        levels.push(given.text(name, name, Name::parse)?);
    }
    let levels: [FieldInput<Name>; 5] = levels.try_into().expect("there are five levels");
    if levels.iter().all(|level| *level == FieldInput::Absent) {
        return Ok(Placement::Keep);
    }
    if manner == Manner::Merge {
        return Ok(Placement::PatchLevels(levels.map(|level| level.patch(manner))));
    }
    let names = levels.map(FieldInput::value);
    Ok(if names.iter().all(Option::is_none) { Placement::Keep } else { Placement::Levels(names) })
}
