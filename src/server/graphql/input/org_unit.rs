//! Inputs of the unit mutations: create, update, delete, move and link.

use async_graphql::{ID, InputObject};

use crate::model::attributes::AttributesPatch;
use crate::model::command::{
    Beneath, Command, Create, DeleteUnit, LinkUnits, MoveUnit, Patch, UnitFields, UnitSpec, Update,
};
use crate::model::key::Name;
use crate::model::level::UnitType;
use crate::server::graphql::input::table::{Input, Member, Table};
use crate::server::graphql::input::{AsCommand, DeleteOrgUnitInput, expected, if_exists, optional};
use crate::server::response::problem::Result;
use crate::wire::id::unit_ref;
use crate::wire::unit::{FIELDS, unit};

/// The field table of a new unit.
pub(crate) struct NewUnit;

/// The field table of a unit's update.
pub(crate) struct UnitChanges;

pub(crate) type CreateOrgUnitInput = Input<NewUnit>;
pub(crate) type UpdateOrgUnitInput = Input<UnitChanges>;

impl Table for NewUnit {
    const NAME: &'static str = "CreateOrgUnitInput";
    const ABOUT: &'static str = "A new unit. Requires a key or a name.";

    fn members() -> Vec<Member> {
        let more = [
            Member::ATTRIBUTES,
            Member::ids("parents", "The parent units, which must exist."),
            Member::upsert("Merge into an existing unit with this key instead of refusing the change."),
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
    const ABOUT: &'static str = "Changes to a unit. Absent fields stay unchanged; null clears.";

    fn members() -> Vec<Member> {
        let target = [
            Member::id("A global id, or a unit's key, external id, path (`Corp/R&D`) or unique name."),
            Member::IF_REVISION,
        ];
        let more = [
            Member::ATTRIBUTES_PATCH,
            Member::ids("parents", "All parent units. Replaces the current ones."),
        ];
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

pub(crate) fn delete(input: &DeleteOrgUnitInput) -> Command {
    let (target, if_revision) = (unit_ref(&input.id), expected(input.if_revision));
    let beneath = input.children.map(Beneath::from).unwrap_or_default();
    Command::DeleteUnit(DeleteUnit { target, if_revision, beneath })
}

/// A move of a unit to another parent.
#[derive(Debug, InputObject)]
pub(crate) struct MoveOrgUnitInput {
    /// A global id, or a unit's key, external id, path (`Corp/R&D`) or unique name.
    pub(crate) id: ID,
    /// The new parent.
    pub(crate) to: ID,
    /// The old parent. Required if the unit has several.
    pub(crate) from: Option<ID>,
}

impl AsCommand for MoveOrgUnitInput {
    fn command(self) -> Result<Command> {
        Ok(Command::MoveUnit(MoveUnit {
            unit: unit_ref(&self.id),
            to: unit_ref(&self.to),
            from: self.from.map(|from| unit_ref(&from)),
            // Not in this input: a conditional move is an `updateOrgUnit` with `parents` and `ifRevision`.
            if_revision: None,
        }))
    }
}

/// A link from parent to child. Creates either unit if it does not exist.
#[derive(Debug, InputObject)]
pub(crate) struct LinkOrgUnitsInput {
    /// The parent: a global id, any way to name a unit, or the name of a new one.
    parent: ID,
    /// Restricts the lookup to units of this type; also the type of a new unit.
    parent_type: Option<String>,
    /// The child: a global id, any way to name a unit, or the name of a new one.
    child: ID,
    /// Restricts the lookup to units of this type; also the type of a new unit.
    child_type: Option<String>,
    /// The source system of the mapping.
    source: Option<String>,
    /// Keep an existing mapping instead of refusing the change.
    #[graphql(default = false)]
    upsert: bool,
}

impl AsCommand for LinkOrgUnitsInput {
    fn command(self) -> Result<Command> {
        let parent = UnitSpec {
            reference: unit_ref(&self.parent),
            unit_type: optional(self.parent_type, "parentType", UnitType::parse)?,
        };
        let child = UnitSpec {
            reference: unit_ref(&self.child),
            unit_type: optional(self.child_type, "childType", UnitType::parse)?,
        };
        Ok(Command::LinkUnits(LinkUnits {
            parent,
            child,
            relationship: None,
            source: Patch::keep_or_set(optional(self.source, "source", Name::parse)?),
            attributes: AttributesPatch::Keep,
            if_exists: if_exists(self.upsert),
        }))
    }
}
