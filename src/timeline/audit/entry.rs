//! What the audit trail is asked for, and what it answers: entries, change sets, and records as they were.

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use crate::graph::View;
use crate::model::entity::{Entity, EntityId, Kind, Revision};
use crate::model::key::Name;
use crate::model::mapping::{Mapping, MappingId};
use crate::model::time::Timestamp;
use crate::model::token::{Actor, Token, TokenId};

/// What to look at, from the newest entry down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRequest {
    /// Only entries before this revision; all when none.
    pub before: Option<Revision>,
    /// At most so many entries.
    pub entries: usize,
    /// Of each change set, at most so many changes.
    pub changes: usize,
    /// Only changes of this record.
    pub record: Option<RecordName>,
}

/// A record by its kind and key. Several that followed each other may have had the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordName {
    /// The entities of this kind whose key is this, or was when they ended, without case; of a repository or service,
    /// its name.
    Entity(Kind, String),
    /// A mapping.
    Mapping(MappingId),
    /// A token.
    Token(TokenId),
}

/// What was done, the newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Audit {
    /// The entries. There may be fewer than were asked for, even while there are more, where they are large.
    pub entries: Vec<AuditEntry>,
    /// Where to go on: entries before this one may follow. None where there are none.
    pub next: Option<Revision>,
    /// The key of every entity that a record here names by its number; the last one that it had.
    pub keys: HashMap<EntityId, String>,
}

/// What was committed together.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// The revision that it made.
    pub revision: Revision,
    /// A `UUIDv7` of its own.
    pub id: Uuid,
    /// When.
    pub at: Timestamp,
    /// What each caller changed, in order.
    pub sets: Vec<AuditSet>,
}

/// What one caller changed at once.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditSet {
    /// Who.
    pub actor: Actor,
    /// How many changes there were in all.
    pub count: u64,
    /// The first of them.
    pub changes: Vec<AuditChange>,
}

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditChange {
    /// What happened.
    pub what: AuditAction,
    /// What the record was; none of one that was created.
    pub before: Option<AuditRecord>,
    /// What it became; none of one that ended.
    pub after: Option<AuditRecord>,
}

/// What happened to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuditAction {
    /// It came to be.
    Created,
    /// It changed.
    Updated,
    /// It was deleted, ended or revoked.
    Ended,
}

impl AuditAction {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Ended => "ended",
        }
    }
}

/// A record as it was at some time.
#[derive(Debug, Clone, PartialEq)]
pub enum AuditRecord {
    /// An entity.
    Entity(Arc<Entity>),
    /// A mapping.
    Mapping(Arc<Mapping>),
    /// A token.
    Token(Arc<Token>),
}

impl AuditChange {
    /// The record: as it became, or was where it ended.
    #[must_use]
    pub fn record(&self) -> Option<&AuditRecord> {
        self.after.as_ref().or(self.before.as_ref())
    }
}

impl AuditSet {
    /// What the token was made for that the changes were made with, where it is known.
    #[must_use]
    pub fn description<'v>(&self, view: &'v View) -> Option<&'v Name> {
        match &self.actor {
            Actor::Token(id) => view.token(id)?.description.as_ref(),
            Actor::Local | Actor::Jwt(_) => None,
        }
    }
}

impl AuditRecord {
    /// The entities that it names.
    pub(super) fn names(&self) -> Vec<EntityId> {
        match self {
            Self::Entity(entity) => entity.owning_project().into_iter().collect(),
            Self::Mapping(mapping) => vec![mapping.from, mapping.to],
            Self::Token(token) => token.scope.units().to_vec(),
        }
    }
}
