//! Level filters: `?department=Platform` selects everything below the units of that name and level.

use std::collections::BTreeSet;

use axum::http::StatusCode;

use crate::directory::View;
use crate::error::Error;
use crate::model::entity::EntityId;
use crate::model::key::UnitKey;
use crate::model::level::Level;
use crate::model::reference::UnitRef;
use crate::query::Filter;
use crate::server::request::params::{Param, ParamType, ParsedParams};
use crate::server::response::problem::{Problem, Result};
use crate::server::rest::openapi::parameters::parameters;

macro_rules! level_param {
    ($name:literal) => {
        Param {
            name: $name,
            value_type: ParamType::Texts,
            about: concat!(
                "Only records below this ",
                $name,
                ", at any depth: its name, key, external id or path. May be repeated: below any of them. ",
                "A value that names none is an error (422)."
            ),
        }
    };
}

/// The parameters of the five levels. Values of one level are combined with OR, levels with AND.
pub(super) const LEVELS: &[Param] = &[
    level_param!("organization"),
    level_param!("business"),
    level_param!("department"),
    level_param!("group"),
    level_param!("team"),
];

parameters!(LevelParams = LEVELS);

/// The units that the level parameters name: one list per level that is present.
pub(super) fn units(view: &View, params: &ParsedParams) -> Result<Vec<Vec<EntityId>>> {
    let mut conditions = Vec::new();
    for level in Level::ALL {
        let mut any = Vec::new();
        // Through a set: a parameter repeated a thousand times costs one lookup.
        for value in params.all(level.as_str()).collect::<BTreeSet<_>>() {
            any.extend(units_of_level(view, level, value)?);
        }
        if !any.is_empty() {
            conditions.push(any);
        }
    }
    Ok(conditions)
}

/// The filters of the level parameters and `q`, to be combined with AND.
pub(super) fn conditions(view: &View, params: &ParsedParams) -> Result<Vec<Filter>> {
    let mut all: Vec<_> = units(view, params)?.into_iter().map(Filter::Within).collect();
    all.extend(params.one("q").map(|text| Filter::AnyText(text.to_owned())));
    Ok(all)
}

/// The units of a level with this key, external id, path or name; 422 if there is none.
// A name may match several units, and all of them count: the level field of a record shows only the name, so a client
// that filters by what it read cannot tell two departments "Platform" apart.
fn units_of_level(view: &View, level: Level, text: &str) -> Result<Vec<EntityId>> {
    // A name comes first: the key of a renamed unit is often its old name.
    let of_level =
        |units: Vec<_>| -> Vec<_> { units.into_iter().filter(|id| is_of(view, *id, level)).collect() };
    let named = of_level(view.units_named(text));
    let of_level = if named.is_empty() { of_level(referenced(view, text)) } else { named };
    if of_level.is_empty() {
        return Err(unknown(level, text));
    }
    Ok(of_level)
}

fn referenced(view: &View, text: &str) -> Vec<EntityId> {
    match view.find_unit(&UnitRef::from(text)) {
        Ok(id) => vec![id],
        // The candidates come as keys, and only those in the caller's scope.
        Err(Error::Ambiguous { candidates, .. }) => candidates
            .iter()
            .filter_map(|key| view.find_unit(&UnitRef::Key(UnitKey::parse(key).ok()?)).ok())
            .collect(),
        Err(_) => Vec::new(),
    }
}

fn is_of(view: &View, id: EntityId, level: Level) -> bool {
    let unit = view.entity(id).and_then(|entity| entity.as_org_unit());
    unit.is_some_and(|unit| unit.unit_type.level() == Some(level))
}

fn unknown(level: Level, text: &str) -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "unknown-unit",
        format!(
            "no {level} {text:?} exists; GET /api/v2/data/filters lists the existing ones",
            level = level.as_str()
        ),
    )
    .with("field", level.as_str())
}
