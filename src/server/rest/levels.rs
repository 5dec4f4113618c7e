//! Filtering by level: `?department=Platform` is everything beneath the units of that name and type.

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
            shape: ParamType::Texts,
            about: concat!(
                "Only what is beneath this ",
                $name,
                ": its name, key, external id or path. Given several times: any of them."
            ),
        }
    };
}

/// The parameters of the five levels: any of the values of one, all of those that are given.
pub(super) const LEVELS: &[Param] = &[
    level_param!("organization"),
    level_param!("business"),
    level_param!("department"),
    level_param!("group"),
    level_param!("team"),
];

parameters!(LevelParams = LEVELS);

/// The units that each given level names.
pub(super) fn units(view: &View, known: &ParsedParams) -> Result<Vec<Vec<EntityId>>> {
    let mut conditions = Vec::new();
    for level in Level::ALL {
        let mut any = Vec::new();
        for value in known.all(level.as_str()).collect::<BTreeSet<_>>() {
            any.extend(units_called(view, level, value)?);
        }
        if !any.is_empty() {
            conditions.push(any);
        }
    }
    Ok(conditions)
}

/// The conditions that the level parameters and `q` make, all of which must hold.
pub(super) fn conditions(view: &View, known: &ParsedParams) -> Result<Vec<Filter>> {
    let mut all: Vec<_> = units(view, known)?.into_iter().map(Filter::Within).collect();
    all.extend(known.one("q").map(|text| Filter::AnyText(text.to_owned())));
    Ok(all)
}

/// The units of a level that a text names: by key, external id or path, and all of that name. A department
/// called "Platform" in each of two businesses is two, and a record of either says just "Platform".
fn units_called(view: &View, level: Level, text: &str) -> Result<Vec<EntityId>> {
    let found: BTreeSet<_> = referred_to(view, text).into_iter().chain(view.units_named(text)).collect();
    let of_level: Vec<_> = found.into_iter().filter(|id| is_of(view, *id, level)).collect();
    if of_level.is_empty() {
        return Err(unknown(level, text));
    }
    Ok(of_level)
}

fn referred_to(view: &View, text: &str) -> Vec<EntityId> {
    match view.find_unit(&UnitRef::from(text)) {
        Ok(id) => vec![id],
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
            "there is no {level} {text:?}; GET /api/v2/data/filters lists those there are",
            level = level.as_str()
        ),
    )
    .with("field", level.as_str())
}
