//! Inputs of the mapping mutations.

use async_graphql::{ID, InputObject, MaybeUndefined};

use crate::error::Error;
use crate::model::command::{Command, Create, Delete, EndRef, MappingFields, Patch, Update};
use crate::model::key::Name;
use crate::model::mapping::MappingId;
use crate::server::graphql::input::{
    AsCommand, DeleteInput, attributes, expected, if_exists, maybe, optional, patch,
};
use crate::server::graphql::types::mapping::{MappingType, Relationship};
use crate::server::graphql::types::scalars::{IfRevision, Json};
use crate::server::response::problem::Result;
use crate::wire::id::GlobalId;

/// A new mapping between two existing records.
#[derive(Debug, InputObject)]
pub(crate) struct CreateMappingInput {
    /// Type of the mapping. Default: inferred from the kinds of the two ends.
    mapping_type: Option<MappingType>,
    /// Cardinality. Default: depends on the type.
    relationship: Option<Relationship>,
    /// First end: the parent unit, the project, or the record to place. A global id or a key.
    from: ID,
    /// Second end: the child unit, the member, or the unit of a placement. A global id or a key.
    to: ID,
    /// The source system of the mapping.
    source: Option<String>,
    /// Custom attributes, a JSON object.
    attributes: Option<Json>,
    /// Update an existing mapping instead of refusing the change.
    #[graphql(default = false)]
    upsert: bool,
}

impl AsCommand for CreateMappingInput {
    fn command(self) -> Result<Command> {
        let fields = MappingFields {
            mapping_type: self.mapping_type.map(Into::into),
            relationship: self.relationship.map(Into::into),
            from: Some(end(&self.from)),
            to: Some(end(&self.to)),
            source: Patch::keep_or_set(optional(self.source, "source", Name::parse)?),
            attributes: attributes(maybe(self.attributes))?,
        };
        Ok(Command::CreateMapping(Create { fields, if_exists: if_exists(self.upsert) }))
    }
}

/// Changes to a mapping. Absent fields stay unchanged; null clears.
#[derive(Debug, InputObject)]
pub(crate) struct UpdateMappingInput {
    /// A global id, or the mapping's UUID.
    id: ID,
    /// Refuse the change unless the record is still at this `revision`, or has this `version`.
    if_revision: Option<IfRevision>,
    /// New cardinality.
    relationship: Option<Relationship>,
    /// New first end.
    from: Option<ID>,
    /// New second end.
    to: Option<ID>,
    /// The source system of the mapping.
    source: MaybeUndefined<String>,
    /// Merged into the attributes as a JSON Merge Patch (RFC 7396). Null removes all of them.
    attributes: MaybeUndefined<Json>,
}

impl AsCommand for UpdateMappingInput {
    fn command(self) -> Result<Command> {
        let fields = MappingFields {
            // The type follows from the kinds of the two ends and cannot be changed by itself.
            mapping_type: None,
            relationship: self.relationship.map(Into::into),
            from: self.from.map(|id| end(&id)),
            to: self.to.map(|id| end(&id)),
            source: patch(self.source, "source", Name::parse)?,
            attributes: attributes(self.attributes)?,
        };
        let target = mapping_ref(&self.id)?;
        Ok(Command::UpdateMapping(Update { target, fields, if_revision: expected(self.if_revision) }))
    }
}

pub(crate) fn delete(input: &DeleteInput) -> Result<Command> {
    let target = mapping_ref(&input.id)?;
    Ok(Command::DeleteMapping(Delete { target, if_revision: expected(input.if_revision) }))
}

fn end(id: &ID) -> EndRef {
    // Only decoded here. The record is looked up when the command is planned, since an earlier change of the same set
    // may create it.
    match GlobalId::read(id) {
        Some(GlobalId::OrgUnit(key)) => EndRef::Unit(key),
        Some(GlobalId::Person(email)) => EndRef::Person(email),
        Some(GlobalId::Project(id)) => EndRef::Project(id),
        _ => EndRef::Text(id.to_string()),
    }
}

fn mapping_ref(id: &ID) -> Result<MappingId> {
    if let Some(GlobalId::Mapping(mapping)) = GlobalId::read(id) {
        return Ok(mapping);
    }
    // A malformed id is "not found" rather than "invalid": it may be the global id of a record of another kind.
    let not_found = |_| Error::not_found("mapping", id.to_string());
    Ok(MappingId::parse(id).map_err(not_found)?)
}
