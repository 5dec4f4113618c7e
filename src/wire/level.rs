//! The five level fields: a path when they are written, derived from the hierarchy when they are read.

use serde::Serialize;
use utoipa::ToSchema;

use crate::directory::View;
use crate::error::Error;
use crate::model::command::Placement;
use crate::model::entity::EntityId;
use crate::model::key::Name;
use crate::model::level::Level;
use crate::wire::fields::{Fields, Given, Manner};

/// The five level fields: the name of the nearest unit of that type above, or null.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Levels)]
pub(crate) struct LevelsRecord<'v> {
    /// The highest level.
    #[schema(required = true, example = "Opsera")]
    organization: Option<&'v str>,
    /// Beneath the organization.
    #[schema(required = true, example = "Engineering")]
    business: Option<&'v str>,
    /// Beneath the business.
    #[schema(required = true, example = "Platform")]
    department: Option<&'v str>,
    /// Beneath the department.
    #[schema(required = true, example = "Phase 2")]
    group: Option<&'v str>,
    /// The lowest level.
    #[schema(required = true, example = "AOD")]
    team: Option<&'v str>,
}

impl<'v> LevelsRecord<'v> {
    pub(crate) fn of(view: &'v View, id: EntityId) -> Self {
        let names = view.levels(id).map(|unit| unit_name(view, unit?));
        let [organization, business, department, group, team] = names;
        Self { organization, business, department, group, team }
    }
}

fn unit_name(view: &View, id: EntityId) -> Option<&str> {
    view.entity(id)?.as_org_unit().map(|unit| unit.name.as_str())
}

/// Reads the five level fields.
pub(crate) fn placement(given: &mut Fields) -> Result<Placement, Error> {
    let manner = given.manner();
    let mut levels = Vec::with_capacity(Level::ALL.len());
    for level in Level::ALL {
        let name = level.as_str();
        levels.push(given.text(name, name, Name::parse)?);
    }
    let levels: [Given<Name>; 5] = levels.try_into().expect("there are five levels");
    if levels.iter().all(|level| *level == Given::Absent) {
        return Ok(Placement::Keep);
    }
    if manner == Manner::Merge {
        return Ok(Placement::PatchLevels(levels.map(|level| level.patch(manner))));
    }
    let names = levels.map(Given::value);
    Ok(if names.iter().all(Option::is_none) { Placement::Keep } else { Placement::Levels(names) })
}
