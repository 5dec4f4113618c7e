//! What mutations take, and how it becomes a command: the twin of REST's bodies.

mod levels;
pub(crate) mod mapping;
pub(crate) mod org_unit;
pub(crate) mod person;
pub(crate) mod project;
mod table;
pub(crate) mod token;

use async_graphql::{ID, InputObject, MaybeUndefined, OneofObject};
use serde_json::Value;

use crate::error::Error;
use crate::model::attributes::{AttributesPatch, all_kept_exactly};
use crate::model::command::{Command, IfExists, Patch};
use crate::model::entity::Revision as RevisionNumber;
use crate::server::graphql::types::scalars::{Json, Revision};
use crate::server::response::problem::Result;

/// An input that asks for one change.
pub(crate) trait AsCommand {
    /// The command.
    fn command(self) -> Result<Command>;
}

/// The record to end.
#[derive(Debug, InputObject)]
pub(crate) struct DeleteInput {
    /// Its global id, or its key: a unit in any way, a person's email, a project's id, a mapping's UUID.
    pub(crate) id: ID,
    /// Refuse the change unless the record is still at this revision.
    pub(crate) if_revision: Option<Revision>,
}

/// Exactly one change.
#[derive(Debug, OneofObject)]
pub(crate) enum ChangeInput {
    /// Make a unit.
    CreateOrgUnit(org_unit::CreateOrgUnitInput),
    /// Change a unit.
    UpdateOrgUnit(org_unit::UpdateOrgUnitInput),
    /// End a unit and the mappings that name it; what was beneath it stays.
    DeleteOrgUnit(DeleteInput),
    /// Put a unit beneath another parent.
    MoveOrgUnit(org_unit::MoveOrgUnitInput),
    /// Put one unit beneath another, and make either where it does not exist.
    LinkOrgUnits(org_unit::LinkOrgUnitsInput),
    /// Make a person.
    CreatePerson(person::CreatePersonInput),
    /// Change a person.
    UpdatePerson(person::UpdatePersonInput),
    /// End a person and the mappings that name them.
    DeletePerson(DeleteInput),
    /// Make a project.
    CreateProject(project::CreateProjectInput),
    /// Change a project.
    UpdateProject(project::UpdateProjectInput),
    /// End a project, its repositories and services, and the mappings that name it.
    DeleteProject(DeleteInput),
    /// Map two known records onto each other.
    CreateMapping(mapping::CreateMappingInput),
    /// Change a mapping.
    UpdateMapping(mapping::UpdateMappingInput),
    /// End a mapping.
    DeleteMapping(DeleteInput),
}

impl AsCommand for ChangeInput {
    fn command(self) -> Result<Command> {
        match self {
            Self::CreateOrgUnit(input) => input.command(),
            Self::UpdateOrgUnit(input) => input.command(),
            Self::DeleteOrgUnit(input) => Ok(org_unit::delete(&input)),
            Self::MoveOrgUnit(input) => input.command(),
            Self::LinkOrgUnits(input) => input.command(),
            Self::CreatePerson(input) => input.command(),
            Self::UpdatePerson(input) => input.command(),
            Self::DeletePerson(input) => person::delete(&input),
            Self::CreateProject(input) => input.command(),
            Self::UpdateProject(input) => input.command(),
            Self::DeleteProject(input) => project::delete(&input),
            Self::CreateMapping(input) => input.command(),
            Self::UpdateMapping(input) => input.command(),
            Self::DeleteMapping(input) => mapping::delete(&input),
        }
    }
}

fn if_exists(upsert: bool) -> IfExists {
    if upsert { IfExists::Merge } else { IfExists::Refuse }
}

fn revision(given: Option<Revision>) -> Option<RevisionNumber> {
    given.map(|revision| revision.0)
}

/// A text that may be given, read; what is refused is blamed on `field`.
fn given<T>(
    text: Option<String>,
    field: &'static str,
    parse: impl Fn(&str) -> Result<T, Error>,
) -> Result<Option<T>> {
    let parsed = text.map(|text| parse(&text).map_err(|refusal| refusal.about(field)));
    Ok(parsed.transpose()?)
}

/// As [`given`]; null clears.
fn patch<T>(
    text: MaybeUndefined<String>,
    field: &'static str,
    parse: impl Fn(&str) -> Result<T, Error>,
) -> Result<Patch<T>> {
    Ok(match text {
        MaybeUndefined::Undefined => Patch::Keep,
        MaybeUndefined::Null => Patch::Clear,
        MaybeUndefined::Value(text) => Patch::Set(parse(&text).map_err(|refusal| refusal.about(field))?),
    })
}

fn attributes(given: MaybeUndefined<Json>) -> Result<AttributesPatch> {
    match given {
        MaybeUndefined::Undefined => Ok(AttributesPatch::Keep),
        MaybeUndefined::Null => Ok(AttributesPatch::Replace(serde_json::Map::new())),
        MaybeUndefined::Value(Json(Value::Object(map))) => {
            all_kept_exactly("attributes", &map)?;
            Ok(AttributesPatch::Merge(map))
        }
        MaybeUndefined::Value(Json(other)) => {
            Err(Error::invalid("attributes", &other.to_string(), "must be an object").into())
        }
    }
}

fn maybe<T>(given: Option<T>) -> MaybeUndefined<T> {
    given.map_or(MaybeUndefined::Undefined, MaybeUndefined::Value)
}
