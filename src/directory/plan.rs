//! A command into the facts that it comes to, or why it is refused.
//!
//! Pure: it reads one view and the context, and changes nothing. Commands of one change set are planned one
//! after the other, each against a draft that has the changes of those before it.

mod asset;
mod mapping;
mod person;
mod placement;
mod project;
mod scope;
mod token;
mod unit;

use std::sync::Arc;

use uuid::Uuid;

use crate::error::Error;
use crate::graph::View;
use crate::model::change::Change;
use crate::model::command::{Command, Effect, Outcome, Subject};
use crate::model::entity::{Body, Entity, EntityId, Kind, Revision, Stamps};
use crate::model::key::UnitKey;
use crate::model::mapping::{Mapping, MappingId};
use crate::model::time::Timestamp;
use crate::model::token::Scope;

/// When a command is planned, and where new ids come from.
pub(super) struct PlanContext<'m> {
    /// The time that records are stamped with.
    pub(super) now: Timestamp,
    /// The revision that the change will be part of.
    pub(super) revision: Revision,
    /// The stamps of every record made in it.
    pub(super) fresh: Arc<Stamps>,
    /// Gives a new `UUIDv7`, each greater than the one before.
    pub(super) new_uuid: &'m dyn Fn() -> Uuid,
}

impl<'m> PlanContext<'m> {
    pub(super) fn new(now: Timestamp, revision: Revision, new_uuid: &'m dyn Fn() -> Uuid) -> Self {
        Self { now, revision, fresh: Arc::new(Stamps::new(now, revision)), new_uuid }
    }
}

/// What a command comes to.
pub(super) struct Planned {
    /// The facts; none when everything was so already.
    pub(super) changes: Vec<Change>,
    /// What to tell the caller.
    pub(super) outcome: Outcome,
}

/// Plans `command` against a directory, as far as `scope` reaches: what is beyond is not there, and stays as it is.
pub(super) fn plan(
    everything: &View,
    scope: &Scope,
    command: &Command,
    context: &PlanContext<'_>,
) -> Result<Planned, Error> {
    let view = &everything.scoped_to(scope);
    let next_entity = everything.next_entity().0;
    let mut plan = Plan { view, everything, scope, context, next_entity, changes: Vec::new() };
    let outcome = match command {
        Command::CreateUnit(create) => plan.create_unit(create),
        Command::UpdateUnit(update) => plan.update_unit(update),
        Command::DeleteUnit(delete) => plan.delete_unit(delete),
        Command::CreatePerson(create) => plan.create_person(create),
        Command::UpdatePerson(update) => plan.update_person(update),
        Command::DeletePerson(delete) => plan.delete_person(delete),
        Command::CreateProject(create) => plan.create_project(create),
        Command::UpdateProject(update) => plan.update_project(update),
        Command::DeleteProject(delete) => plan.delete_project(delete),
        Command::CreateMapping(create) => plan.create_mapping(create),
        Command::UpdateMapping(update) => plan.update_mapping(update),
        Command::DeleteMapping(delete) => plan.delete_mapping(delete),
        Command::LinkUnits(link) => plan.link_units(link),
        Command::MoveUnit(wanted) => plan.move_unit(wanted),
        Command::CreateToken(token) => plan.create_token(token),
        Command::UpdateToken(update) => plan.update_token(update),
        Command::RotateToken(rotate) => plan.rotate_token(rotate),
        Command::RevokeToken(id) => plan.revoke_token(id),
    }?;
    plan.stays_in_reach()?;
    Ok(Planned { changes: plan.changes, outcome })
}

/// A plan in the making: the view it is made against, and the facts so far, which that view does not show.
struct Plan<'p> {
    /// What whoever asks can see: all that names are looked up in.
    view: &'p View,
    /// Keys are taken once, in sight or not.
    everything: &'p View,
    scope: &'p Scope,
    context: &'p PlanContext<'p>,
    next_entity: u32,
    changes: Vec<Change>,
}

impl<'p> Plan<'p> {
    fn new_entity(&mut self, body: Body) -> EntityId {
        let id = EntityId(self.next_entity);
        self.next_entity += 1;
        let stamps = Arc::clone(&self.context.fresh);
        self.changes.push(Change::PutEntity(Arc::new(Entity { id, stamps, body })));
        id
    }

    /// `before` becomes `body`. Nothing happens where it is so already.
    fn change_entity(&mut self, before: &Entity, body: Body) -> Effect {
        if before.body == body {
            return Effect::Unchanged;
        }
        self.put_changed(before, body);
        Effect::Updated
    }

    fn put_changed(&mut self, before: &Entity, body: Body) {
        let stamps = before.stamps.changed(self.context.now, self.context.revision).into();
        self.changes.push(Change::PutEntity(Arc::new(Entity { id: before.id, stamps, body })));
    }

    /// `before` becomes `body`; `beside` says whether anything else of the record changed.
    fn change_record(&mut self, before: &Entity, body: Body, beside: bool) -> Outcome {
        let effect = if beside || before.body != body { Effect::Updated } else { Effect::Unchanged };
        if effect == Effect::Updated {
            self.put_changed(before, body);
        }
        Outcome { subject: Subject::Entity(before.id), effect }
    }

    /// Ends an entity after everything that cannot be without it.
    fn end_entity(&mut self, entity: &Entity) -> Outcome {
        // The newest first: petgraph finds an edge by walking its node's edges from the newest on.
        for mapping in self.view.mappings_of(entity.id).into_iter().rev() {
            self.end_mapping(mapping);
        }
        for kind in [Kind::Repository, Kind::Service] {
            for asset in self.view.assets(entity.id, kind) {
                if let Some(asset) = self.view.entity(asset) {
                    self.push_end(asset);
                }
            }
        }
        self.push_end(entity);
        Outcome { subject: Subject::Entity(entity.id), effect: Effect::Deleted }
    }

    fn push_end(&mut self, entity: &Entity) {
        let stamps = entity.stamps.ended(self.context.now, self.context.revision);
        self.changes.push(Change::EndEntity { id: entity.id, stamps });
    }

    fn end_mapping(&mut self, mapping: &Mapping) {
        let stamps = mapping.stamps.ended(self.context.now, self.context.revision);
        self.changes.push(Change::EndMapping { id: mapping.id, stamps });
    }

    fn new_mapping_id(&self) -> MappingId {
        MappingId((self.context.new_uuid)())
    }

    fn entity(&self, id: EntityId, kind: Kind) -> Result<&'p Entity, Error> {
        self.view
            .entity(id)
            .map(|entity| &**entity)
            .filter(|entity| entity.kind() == kind)
            .ok_or_else(|| Error::NotFound { kind: kind.as_str(), reference: format!("#{}", id.0) })
    }

    /// Whether no unit has this key: none in the view, and none that this plan makes.
    fn is_free(&self, key: &UnitKey) -> bool {
        let made_here = self.changes.iter().any(|change| match change {
            Change::PutEntity(entity) => entity.as_org_unit().is_some_and(|unit| unit.key == *key),
            _ => false,
        });
        !made_here && self.everything.find_unit(&key.clone().into()).is_err()
    }
}

fn must_be_of(stamps: &Stamps, expected: Option<Revision>) -> Result<(), Error> {
    match expected {
        Some(expected) if expected != stamps.revision => {
            Err(Error::PreconditionFailed { expected, current: stamps.revision })
        }
        _ => Ok(()),
    }
}

fn created(id: EntityId) -> Outcome {
    Outcome { subject: Subject::Entity(id), effect: Effect::Created }
}
