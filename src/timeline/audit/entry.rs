//! Types of the audit trail: the request for a page, and its entries, change sets, changes, and records as they were.

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use crate::graph::View;
use crate::model::entity::{Entity, EntityId, Kind, Revision};
use crate::model::key::Name;
use crate::model::mapping::{Mapping, MappingId};
use crate::model::time::Timestamp;
use crate::model::token::{Actor, Token, TokenId};

/// A request for a page of the audit trail, from the newest entry down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRequest {
    /// Only entries before this revision; `None` starts at the newest.
    pub before: Option<Revision>,
    /// Maximum number of entries.
    pub entries: usize,
    /// Maximum number of changes of each change set.
    pub changes: usize,
    /// Only changes of this record; `None` for all records.
    pub record: Option<RecordName>,
}

/// A record by its kind and key. It may mean several: after a deletion, another record can get the same key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordName {
    /// The entities of this kind with this key, or that had it when they were deleted, ignoring case. For a repository
    /// or service, its name.
    Entity(Kind, String),
    /// A mapping by its id.
    Mapping(MappingId),
    /// A token by its id.
    Token(TokenId),
}

/// A page of the audit trail, the newest entry first.
#[derive(Debug, Clone, PartialEq)]
pub struct Audit {
    /// The entries. A page of large entries may have fewer than requested although more follow.
    pub entries: Vec<AuditEntry>,
    /// The [`AuditRequest::before`] of the next page; `None` on the last page.
    pub next: Option<Revision>,
    /// The last key of every entity that a record of the page refers to by its id.
    pub keys: HashMap<EntityId, String>,
}

/// One commit: the changes of one or several callers.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// The revision that it created.
    pub revision: Revision,
    /// Its `UUIDv7`.
    pub id: Uuid,
    /// The time of the commit.
    pub at: Timestamp,
    /// The change sets, in the order in which they were carried out.
    pub sets: Vec<AuditSet>,
}

/// One change set: the changes of one request.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditSet {
    /// Who made them.
    pub actor: Actor,
    /// The number of all changes of the set.
    pub count: u64,
    /// The first changes, up to [`AuditRequest::changes`]; with [`AuditRequest::record`], those of the record alone.
    pub changes: Vec<AuditChange>,
}

/// One change of one record.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditChange {
    /// What happened.
    pub what: AuditAction,
    /// The record before; `None` if it was created.
    pub before: Option<AuditRecord>,
    /// The record after; `None` if it was deleted, ended or revoked.
    pub after: Option<AuditRecord>,
}

/// What happened to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuditAction {
    /// It was created.
    Created,
    /// It was updated.
    Updated,
    /// It was deleted, ended or revoked.
    Ended,
}

impl AuditAction {
    /// Its name in the API: `created`, `updated` or `ended`.
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
    /// The record after the change, or before it if it was deleted.
    #[must_use]
    pub fn record(&self) -> Option<&AuditRecord> {
        self.after.as_ref().or(self.before.as_ref())
    }
}

impl AuditSet {
    /// The description of the token that made the changes; `None` if it has none, or no token did.
    #[must_use]
    pub fn description<'v>(&self, view: &'v View) -> Option<&'v Name> {
        match &self.actor {
            Actor::Token(id) => view.token(id)?.description.as_ref(),
            Actor::Local | Actor::Jwt(_) => None,
        }
    }
}

impl AuditRecord {
    /// The entities that it refers to by their ids.
    pub(super) fn references(&self) -> Vec<EntityId> {
        match self {
            Self::Entity(entity) => entity.owning_project().into_iter().collect(),
            Self::Mapping(mapping) => vec![mapping.from, mapping.to],
            Self::Token(token) => token.scope.units().to_vec(),
        }
    }
}
