//! The planner: it validates a command, and turns it into the changes to be committed, or an error.
//!
//! Invariant: planning is pure. It reads one view and the context, and changes nothing. Commands of one change set are
//! planned one after the other, each against a draft that has the changes of those before it.

mod asset;
mod mapping;
mod person;
mod placement;
mod project;
mod scope;
mod token;
mod unit;

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use crate::error::Error;
use crate::graph::View;
use crate::model::change::Change;
use crate::model::command::{Command, Effect, Outcome, Subject};
use crate::model::entity::{Body, Entity, EntityId, Kind, Revision, Stamps};
use crate::model::key::UnitKey;
use crate::model::mapping::{Mapping, MappingId};
use crate::model::text::fold;
use crate::model::time::Timestamp;
use crate::model::token::{Author, Scope};
use crate::model::version::ExpectedRevision;

/// Time, revision and id generator for planning.
pub(super) struct PlanContext<'m> {
    /// The time for stamps of records.
    pub(super) now: Timestamp,
    /// The revision of the batch that the changes will be part of.
    pub(super) revision: Revision,
    /// The stamps of records created in this batch.
    // Shared by all of them: an import of a hundred thousand records keeps one allocation of stamps.
    pub(super) fresh: Arc<Stamps>,
    /// Generates `UUIDv7`s, each greater than the one before.
    // Relied on: mappings are sorted by id to list them in the order of their creation.
    pub(super) new_uuid: &'m dyn Fn() -> Uuid,
}

impl<'m> PlanContext<'m> {
    pub(super) fn new(now: Timestamp, revision: Revision, new_uuid: &'m dyn Fn() -> Uuid) -> Self {
        Self { now, revision, fresh: Arc::new(Stamps::new(now, revision)), new_uuid }
    }
}

/// The result of planning a command.
pub(super) struct Planned {
    /// The changes; empty if the command changes nothing.
    pub(super) changes: Vec<Change>,
    /// The outcome reported to the caller.
    pub(super) outcome: Outcome,
}

/// Plans `command` within the scope of `author`: records outside it are not found, and must not be changed.
pub(super) fn plan(
    everything: &View,
    author: &Author,
    command: &Command,
    context: &PlanContext<'_>,
) -> Result<Planned, Error> {
    let scope = &author.scope;
    let view = &everything.scoped_to(scope);
    let next_entity = everything.next_entity().0;
    let mut plan = Plan {
        view,
        everything,
        scope,
        makes_units: author.makes_units,
        context,
        next_entity,
        new_levels: HashMap::new(),
        changes: Vec::new(),
        failed_condition: None,
    };
    let mut outcome = match command {
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
        Command::EndMapping(end) => plan.end_mapping_between(end),
        Command::LinkUnits(link) => plan.link_units(link),
        Command::MoveUnit(wanted) => plan.move_unit(wanted),
        Command::CreateToken(token) => plan.create_token(token),
        Command::UpdateToken(update) => plan.update_token(update),
        Command::RotateToken(rotate) => plan.rotate_token(rotate),
        Command::RevokeToken(id) => plan.revoke_token(id),
    }?;
    plan.check_scope()?;
    if let Some(failed) = plan.failed_condition {
        return Err(failed);
    }
    // The record itself may be as it was, while the path to its unit was not.
    if outcome.effect == Effect::Unchanged && !plan.changes.is_empty() {
        outcome.effect = Effect::Updated;
    }
    Ok(Planned { changes: plan.changes, outcome })
}

/// The state of planning one command: the views, and the changes so far, which the views do not include.
struct Plan<'p> {
    /// The records in the caller's scope. All references are resolved here.
    view: &'p View,
    /// All records.
    // Only for uniqueness of keys and for hidden parents. Resolving a reference here would reveal that a record exists.
    everything: &'p View,
    scope: &'p Scope,
    /// Whether names and paths of units that do not exist create them.
    makes_units: bool,
    context: &'p PlanContext<'p>,
    next_entity: u32,
    /// The level of each unit that the command creates below another, counted from 1.
    new_levels: HashMap<EntityId, usize>,
    changes: Vec<Change>,
    /// The error if the record is not at the expected revision.
    failed_condition: Option<Error>,
}

impl<'p> Plan<'p> {
    fn new_entity(&mut self, body: Body) -> EntityId {
        let id = EntityId(self.next_entity);
        self.next_entity += 1;
        let stamps = Arc::clone(&self.context.fresh);
        self.changes.push(Change::PutEntity(Arc::new(Entity { id, stamps, body })));
        id
    }

    /// Replaces the body of `before`, if that changes it.
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

    /// Replaces the body of `before`, if that or its related records changed.
    fn change_record(&mut self, before: &Entity, body: Body, related_changed: bool) -> Outcome {
        // A changed placement or asset updates the record's revision too, so that `if_revision` and ETags detect it.
        let effect = if related_changed || before.body != body { Effect::Updated } else { Effect::Unchanged };
        if effect == Effect::Updated {
            self.put_changed(before, body);
        }
        Outcome::new(Subject::Entity(before.id), effect)
    }

    /// Deletes an entity, after its mappings and assets.
    fn end_entity(&mut self, entity: &Entity) -> Outcome {
        // Newest first, because petgraph finds an edge by walking the edges of its node from the newest on. Oldest
        // first would be quadratic.
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
        Outcome::new(Subject::Entity(entity.id), Effect::Deleted)
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

    /// Notes whether the record is at the expected revision, for the end of the planning.
    // RFC 9110, section 13.2.1: a condition decides only over a request that would succeed without it.
    fn expect_revision(&mut self, stamps: &Stamps, expected: Option<ExpectedRevision>) {
        let Some(ExpectedRevision { revision: expected, lineage }) = expected else { return };
        let current = stamps.revision;
        if lineage.is_some_and(|lineage| lineage != self.everything.lineage()) {
            self.failed_condition = Some(Error::OtherLineage { expected });
        } else if expected != current {
            self.failed_condition = Some(Error::PreconditionFailed { expected, current });
        }
    }

    fn entity(&self, id: EntityId, kind: Kind) -> Result<&'p Entity, Error> {
        self.view
            .entity(id)
            .map(|entity| &**entity)
            .filter(|entity| entity.kind() == kind)
            .ok_or_else(|| unknown_id(id, kind))
    }

    /// Whether no unit but `own` has this key, in the whole directory or among the changes of this plan.
    fn is_free(&self, key: &UnitKey, own: Option<EntityId>) -> bool {
        let folded = fold(key.as_str());
        let is_new_here = self.changes.iter().any(|change| match change {
            Change::PutEntity(entity) => {
                entity.as_org_unit().is_some_and(|unit| fold(unit.key.as_str()) == folded)
            }
            _ => false,
        });
        !is_new_here && self.everything.unit_by_key(key.as_str()).is_none_or(|unit| Some(unit) == own)
    }
}

/// The error for an id that names no record of its kind.
fn unknown_id(id: EntityId, kind: Kind) -> Error {
    Error::not_found(kind.as_str(), format!("#{}", id.0))
}

fn created(id: EntityId) -> Outcome {
    Outcome::new(Subject::Entity(id), Effect::Created)
}
