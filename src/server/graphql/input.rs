//! Input types of mutations and their conversion to commands: the counterpart of REST's request bodies.
//!
//! Invariant: absent keeps a field, null clears it, a value sets it.

mod levels;
pub(crate) mod mapping;
pub(crate) mod org_unit;
pub(crate) mod person;
pub(crate) mod project;
mod table;
pub(crate) mod token;

use async_graphql::{Enum, ID, InputObject, MaybeUndefined, OneofObject};
use serde_json::Value;

use crate::error::Error;
use crate::model::attributes::{AttributesPatch, check_exact_members};
use crate::model::command::{Command, IfExists, Patch};
use crate::model::version::ExpectedRevision;
use crate::server::graphql::types::scalars::{IfRevision, Json};
use crate::server::response::problem::Result;

/// An input that is one change.
pub(crate) trait AsCommand {
    /// Converts the input to a command.
    ///
    /// # Errors
    /// A field is malformed or missing.
    fn command(self) -> Result<Command>;
}

/// The record to delete.
#[derive(Debug, InputObject)]
pub(crate) struct DeleteInput {
    /// The global id, or the key: a person's email, a project id, a mapping's UUID, or a unit's key, external id, path
    /// or unique name.
    pub(crate) id: ID,
    /// Refuse the change unless the record is still at this `revision`, or has this `version`.
    pub(crate) if_revision: Option<IfRevision>,
}

/// What becomes of the child units, people and projects of a unit that is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::model::command::Beneath")]
pub(crate) enum Children {
    /// The change is refused if there are any.
    Refuse,
    /// They are placed under the unit's parents; if it has none, units become roots, and people and projects are in no unit.
    Lift,
    /// Child units that no other unit holds are deleted as well, at any depth. People and projects lose their place in
    /// what is deleted, and stay.
    End,
}

/// The unit to delete.
#[derive(Debug, InputObject)]
pub(crate) struct DeleteOrgUnitInput {
    /// A global id, or a unit's key, external id, path (`Corp/R&D`) or unique name.
    pub(crate) id: ID,
    /// Refuse the change unless the record is still at this `revision`, or has this `version`.
    pub(crate) if_revision: Option<IfRevision>,
    /// What becomes of its child units, people and projects. Default: REFUSE.
    pub(crate) children: Option<Children>,
}

/// One change. Exactly one field must be present.
#[derive(Debug, OneofObject)]
pub(crate) enum ChangeInput {
    /// Create a unit.
    CreateOrgUnit(org_unit::CreateOrgUnitInput),
    /// Update a unit.
    UpdateOrgUnit(org_unit::UpdateOrgUnitInput),
    /// Delete a unit and its mappings. Records below it are kept.
    DeleteOrgUnit(DeleteOrgUnitInput),
    /// Move a unit with its subtree to another parent.
    MoveOrgUnit(org_unit::MoveOrgUnitInput),
    /// Make one unit a child of another. Creates either if it does not exist.
    LinkOrgUnits(org_unit::LinkOrgUnitsInput),
    /// Create a person.
    CreatePerson(person::CreatePersonInput),
    /// Update a person.
    UpdatePerson(person::UpdatePersonInput),
    /// Delete a person and the person's mappings.
    DeletePerson(DeleteInput),
    /// Create a project.
    CreateProject(project::CreateProjectInput),
    /// Update a project.
    UpdateProject(project::UpdateProjectInput),
    /// Delete a project, its repositories, services and mappings.
    DeleteProject(DeleteInput),
    /// Create a mapping between two existing records.
    CreateMapping(mapping::CreateMappingInput),
    /// Update a mapping.
    UpdateMapping(mapping::UpdateMappingInput),
    /// Delete a mapping.
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

fn expected(input: Option<IfRevision>) -> Option<ExpectedRevision> {
    input.map(|version| version.0)
}

/// Parses an optional text. An error names `field`.
// Used where null and absent mean the same, as in a new record.
fn optional<T>(
    text: Option<String>,
    field: &'static str,
    parse: impl Fn(&str) -> Result<T, Error>,
) -> Result<Option<T>> {
    let parsed = text.map(|text| parse(&text).map_err(|refusal| refusal.about(field)));
    Ok(parsed.transpose()?)
}

/// Parses an optional text of an update, in which null clears the field. An error names `field`.
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

fn attributes(input: MaybeUndefined<Json>) -> Result<AttributesPatch> {
    match input {
        MaybeUndefined::Undefined => Ok(AttributesPatch::Keep),
        // A merge cannot empty an object, so null replaces it by an empty one.
        MaybeUndefined::Null => Ok(AttributesPatch::Replace(serde_json::Map::new())),
        MaybeUndefined::Value(Json(Value::Object(map))) => {
            // Integers beyond 64 bits are parsed as floats and would be stored rounded. They are refused instead.
            check_exact_members("attributes", &map)?;
            Ok(AttributesPatch::Merge(map))
        }
        MaybeUndefined::Value(Json(other)) => {
            Err(Error::invalid("attributes", &other.to_string(), "must be an object").into())
        }
    }
}

fn maybe<T>(input: Option<T>) -> MaybeUndefined<T> {
    // In a new record null is the same as absent: there is no old value to clear.
    input.map_or(MaybeUndefined::Undefined, MaybeUndefined::Value)
}
