//! Units as mutations give them.

use async_graphql::{ID, InputObject};

use crate::model::attributes::AttributesPatch;
use crate::model::command::{
    Command, Create, Delete, LinkUnits, MoveUnit, Patch, UnitFields, UnitSpec, Update,
};
use crate::model::key::Name;
use crate::model::level::UnitType;
use crate::server::graphql::input::table::{Input, Member, Table};
use crate::server::graphql::input::{AsCommand, DeleteInput, given, if_exists, revision};
use crate::server::response::problem::Result;
use crate::wire::id::unit_ref;
use crate::wire::unit::{FIELDS, unit};

/// The table of a new unit.
pub(crate) struct NewUnit;

/// The table of changes to a unit.
pub(crate) struct UnitChanges;

pub(crate) type CreateOrgUnitInput = Input<NewUnit>;
pub(crate) type UpdateOrgUnitInput = Input<UnitChanges>;

impl Table for NewUnit {
    const NAME: &'static str = "CreateOrgUnitInput";
    const ABOUT: &'static str = "A new unit. It needs a key or a name.";

    fn members() -> Vec<Member> {
        let more = [
            Member::ATTRIBUTES,
            Member::ids("parents", "The units directly above it, which must exist."),
            Member::upsert("Merge into the unit with this key where there is one, instead of being refused."),
        ];
        Member::of_new(&FIELDS).chain(more).collect()
    }
}

impl AsCommand for CreateOrgUnitInput {
    fn command(mut self) -> Result<Command> {
        let (if_exists, parents) = (self.if_exists(), self.units("parents"));
        let fields = UnitFields { parents, ..unit(self.new_record())? };
        Ok(Command::CreateUnit(Create { fields, if_exists }))
    }
}

impl Table for UnitChanges {
    const NAME: &'static str = "UpdateOrgUnitInput";
    const ABOUT: &'static str = "Changes to a unit. What is not given stays; null clears.";

    fn members() -> Vec<Member> {
        let target = [
            Member::id("A global id, or a unit's key, external id, path (`Corp/R&D`) or unique name."),
            Member::IF_REVISION,
        ];
        let more =
            [Member::ATTRIBUTES_PATCH, Member::ids("parents", "The units directly above it, all of them.")];
        target.into_iter().chain(Member::of_changes(&FIELDS)).chain(more).collect()
    }
}

impl AsCommand for UpdateOrgUnitInput {
    fn command(mut self) -> Result<Command> {
        let (id, if_revision, parents) = (self.id(), self.if_revision(), self.units("parents"));
        let fields = UnitFields { parents, ..unit(self.changes())? };
        Ok(Command::UpdateUnit(Update { target: unit_ref(&id), fields, if_revision }))
    }
}

pub(crate) fn delete(input: &DeleteInput) -> Command {
    let target = unit_ref(&input.id);
    Command::DeleteUnit(Delete { target, if_revision: revision(input.if_revision) })
}

/// A unit, and the parent it gets.
#[derive(Debug, InputObject)]
pub(crate) struct MoveOrgUnitInput {
    /// A global id, or a unit's key, external id, path (`Corp/R&D`) or unique name.
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
    /// The source system of the mapping.
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
