//! Units as mutations give them.

use async_graphql::{ID, InputObject, MaybeUndefined};

use crate::model::attributes::AttributesPatch;
use crate::model::command::{
    Command, Create, Delete, LinkUnits, MoveUnit, Patch, UnitFields, UnitSpec, Update,
};
use crate::model::key::{ExternalId, Name, UnitKey};
use crate::model::level::UnitType;
use crate::server::graphql::input::{
    AsCommand, DeleteInput, attributes, given, if_exists, maybe, patch, revision,
};
use crate::server::graphql::types::scalars::{Json, Revision};
use crate::server::response::problem::Result;
use crate::wire::id::unit_ref;

/// A new unit. It needs a key or a name.
#[derive(Debug, InputObject)]
pub(crate) struct CreateOrgUnitInput {
    /// Unique among units; else the name.
    key: Option<String>,
    /// What people call it; else the key.
    name: Option<String>,
    /// A level's name or any other word; else the level beneath its first parent's.
    #[graphql(name = "type")]
    unit_type: Option<String>,
    /// What another system calls it.
    external_id: Option<String>,
    /// Fields that the directory has no name for: an object.
    attributes: Option<Json>,
    /// The units directly above it, which must exist.
    parents: Option<Vec<ID>>,
    /// Merge into the unit with this key where there is one, instead of being refused.
    #[graphql(default = false)]
    upsert: bool,
}

impl AsCommand for CreateOrgUnitInput {
    fn command(self) -> Result<Command> {
        let fields = UnitFields {
            key: given(self.key, "key", UnitKey::parse)?,
            name: given(self.name, "name", Name::parse)?,
            unit_type: given(self.unit_type, "type", UnitType::parse)?,
            external_id: Patch::keep_or_set(given(self.external_id, "externalId", ExternalId::parse)?),
            attributes: attributes(maybe(self.attributes))?,
            parents: self.parents.map(|ids| ids.iter().map(|id| unit_ref(id)).collect()),
        };
        Ok(Command::CreateUnit(Create { fields, if_exists: if_exists(self.upsert) }))
    }
}

/// Changes to a unit. What is not given stays; null clears.
#[derive(Debug, InputObject)]
pub(crate) struct UpdateOrgUnitInput {
    /// A global id, or any way to name a unit.
    id: ID,
    /// Refuse unless the record is still of this revision.
    if_revision: Option<Revision>,
    /// Another key.
    key: Option<String>,
    /// What people call it.
    name: Option<String>,
    /// Another type.
    #[graphql(name = "type")]
    unit_type: Option<String>,
    /// What another system calls it.
    external_id: MaybeUndefined<String>,
    /// Merged into the attributes as RFC 7396 says; null clears them.
    attributes: MaybeUndefined<Json>,
    /// The units directly above it, all of them.
    parents: Option<Vec<ID>>,
}

impl AsCommand for UpdateOrgUnitInput {
    fn command(self) -> Result<Command> {
        let fields = UnitFields {
            key: given(self.key, "key", UnitKey::parse)?,
            name: given(self.name, "name", Name::parse)?,
            unit_type: given(self.unit_type, "type", UnitType::parse)?,
            external_id: patch(self.external_id, "externalId", ExternalId::parse)?,
            attributes: attributes(self.attributes)?,
            parents: self.parents.map(|ids| ids.iter().map(|id| unit_ref(id)).collect()),
        };
        let target = unit_ref(&self.id);
        Ok(Command::UpdateUnit(Update { target, fields, if_revision: revision(self.if_revision) }))
    }
}

pub(crate) fn delete(input: &DeleteInput) -> Command {
    let target = unit_ref(&input.id);
    Command::DeleteUnit(Delete { target, if_revision: revision(input.if_revision) })
}

/// A unit, and the parent it gets.
#[derive(Debug, InputObject)]
pub(crate) struct MoveOrgUnitInput {
    /// A global id, or any way to name a unit.
    pub(crate) id: ID,
    /// The parent it gets.
    pub(crate) to: ID,
    /// The parent it loses; may be left out where it has just one, or none.
    pub(crate) from: Option<ID>,
}

impl AsCommand for MoveOrgUnitInput {
    fn command(self) -> Result<Command> {
        Ok(Command::MoveUnit(MoveUnit {
            unit: unit_ref(&self.id),
            to: unit_ref(&self.to),
            from: self.from.map(|from| unit_ref(&from)),
            if_revision: None,
        }))
    }
}

/// One unit beneath another; either is made where it does not exist.
#[derive(Debug, InputObject)]
pub(crate) struct LinkOrgUnitsInput {
    /// The upper one: a global id, any way to name a unit, or the name of a new one.
    parent: ID,
    /// Its type; only units of it are found.
    parent_type: Option<String>,
    /// The lower one: a global id, any way to name a unit, or the name of a new one.
    child: ID,
    /// Its type; only units of it are found.
    child_type: Option<String>,
    /// Which system says so.
    source: Option<String>,
    /// Leave the mapping where there is one, instead of being refused.
    #[graphql(default = false)]
    upsert: bool,
}

impl AsCommand for LinkOrgUnitsInput {
    fn command(self) -> Result<Command> {
        let parent = UnitSpec {
            reference: unit_ref(&self.parent),
            unit_type: given(self.parent_type, "parentType", UnitType::parse)?,
        };
        let child = UnitSpec {
            reference: unit_ref(&self.child),
            unit_type: given(self.child_type, "childType", UnitType::parse)?,
        };
        Ok(Command::LinkUnits(LinkUnits {
            parent,
            child,
            relationship: None,
            source: Patch::keep_or_set(given(self.source, "source", Name::parse)?),
            attributes: AttributesPatch::Keep,
            if_exists: if_exists(self.upsert),
        }))
    }
}
