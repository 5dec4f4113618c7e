//! Mappings as mutations give them.

use async_graphql::{ID, InputObject, MaybeUndefined};

use crate::error::Error;
use crate::model::command::{Command, Create, Delete, EndRef, MappingFields, Patch, Update};
use crate::model::key::Name;
use crate::model::mapping::MappingId;
use crate::server::graphql::input::{
    AsCommand, DeleteInput, attributes, given, if_exists, maybe, patch, revision,
};
use crate::server::graphql::types::mapping::{MappingType, Relationship};
use crate::server::graphql::types::scalars::{Json, Revision};
use crate::server::response::problem::Result;
use crate::wire::id::GlobalId;

/// A new mapping between two known records.
#[derive(Debug, InputObject)]
pub(crate) struct CreateMappingInput {
    /// What it connects; told from the two ends when not given.
    mapping_type: Option<MappingType>,
    /// How; else the type's own.
    relationship: Option<Relationship>,
    /// The parent, the project, or of a placement what is placed: a global id, or its key.
    from: ID,
    /// The child, the person, or of a placement the unit: a global id, or its key.
    to: ID,
    /// The source system of the mapping.
    source: Option<String>,
    /// Custom attributes, a JSON object.
    attributes: Option<Json>,
    /// Change the mapping where there is one, instead of being refused.
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
            source: Patch::keep_or_set(given(self.source, "source", Name::parse)?),
            attributes: attributes(maybe(self.attributes))?,
        };
        Ok(Command::CreateMapping(Create { fields, if_exists: if_exists(self.upsert) }))
    }
}

/// Changes to a mapping. What is not given stays; null clears.
#[derive(Debug, InputObject)]
pub(crate) struct UpdateMappingInput {
    /// A global id, or the mapping's UUID.
    id: ID,
    /// Refuse the change unless the record is still at this revision.
    if_revision: Option<Revision>,
    /// How, as the caller says it.
    relationship: Option<Relationship>,
    /// Another first end.
    from: Option<ID>,
    /// Another second end.
    to: Option<ID>,
    /// The source system of the mapping.
    source: MaybeUndefined<String>,
    /// Merged into the attributes as a JSON Merge Patch (RFC 7396). Null removes all of them.
    attributes: MaybeUndefined<Json>,
}

impl AsCommand for UpdateMappingInput {
    fn command(self) -> Result<Command> {
        let fields = MappingFields {
            mapping_type: None,
            relationship: self.relationship.map(Into::into),
            from: self.from.map(|id| end(&id)),
            to: self.to.map(|id| end(&id)),
            source: patch(self.source, "source", Name::parse)?,
            attributes: attributes(self.attributes)?,
        };
        let target = mapping_ref(&self.id)?;
        Ok(Command::UpdateMapping(Update { target, fields, if_revision: revision(self.if_revision) }))
    }
}

pub(crate) fn delete(input: &DeleteInput) -> Result<Command> {
    let target = mapping_ref(&input.id)?;
    Ok(Command::DeleteMapping(Delete { target, if_revision: revision(input.if_revision) }))
}

fn end(id: &ID) -> EndRef {
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
    let not_found = |_| Error::NotFound { kind: "mapping", reference: id.to_string() };
    Ok(MappingId::parse(id).map_err(not_found)?)
}
