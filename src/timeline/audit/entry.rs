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
///
/// ```
/// use clade::directory::AuditRequest;
///
/// let directory = clade::Directory::in_memory()?;
/// directory.apply(clade::CreatePerson::new("ada@corp.example"))?;
/// directory.apply(clade::CreatePerson::new("eve@corp.example"))?;
/// let newest = AuditRequest { before: None, entries: 1, changes: 100, record: None };
/// assert_eq!(directory.audit(&newest)?.entries[0].revision.0, 2);
/// # Ok::<(), clade::Error>(())
/// ```
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
///
/// ```
/// use clade::directory::{AuditRequest, RecordName};
///
/// let directory = clade::Directory::in_memory()?;
/// directory.apply(clade::CreatePerson::new("ada@corp.example"))?;
/// directory.apply(clade::CreatePerson::new("eve@corp.example"))?;
/// let record = Some(RecordName::Entity(clade::Kind::Person, "Ada@corp.example".to_owned()));
/// let audit = directory.audit(&AuditRequest { before: None, entries: 10, changes: 100, record })?;
/// assert_eq!((audit.entries.len(), audit.entries[0].revision.0), (1, 1));
/// # Ok::<(), clade::Error>(())
/// ```
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
///
/// ```
/// use clade::directory::AuditRequest;
///
/// let directory = clade::Directory::in_memory()?;
/// directory.apply(clade::CreatePerson::new("ada@corp.example"))?;
/// directory.apply(clade::CreatePerson::new("eve@corp.example"))?;
/// let request = AuditRequest { before: None, entries: 1, changes: 100, record: None };
/// let newest = directory.audit(&request)?;
/// let older = directory.audit(&AuditRequest { before: newest.next, ..request })?;
/// assert_eq!((newest.entries[0].revision.0, older.entries[0].revision.0, older.next), (2, 1, None));
/// # Ok::<(), clade::Error>(())
/// ```
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
///
/// ```
/// use clade::directory::AuditRequest;
///
/// let directory = clade::Directory::in_memory()?;
/// let applied = directory.apply(clade::CreatePerson::new("ada@corp.example"))?;
/// let request = AuditRequest { before: None, entries: 10, changes: 100, record: None };
/// let entry = directory.audit(&request)?.entries.remove(0);
/// assert_eq!((entry.revision, entry.sets.len()), (applied.view.revision(), 1));
/// # Ok::<(), clade::Error>(())
/// ```
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
///
/// ```
/// use clade::directory::AuditRequest;
///
/// let directory = clade::Directory::in_memory()?;
/// directory.apply(["ada@corp.example", "eve@corp.example"].map(clade::CreatePerson::new))?;
/// let request = AuditRequest { before: None, entries: 10, changes: 1, record: None };
/// let set = directory.audit(&request)?.entries.remove(0).sets.remove(0);
/// assert_eq!((set.actor.to_string().as_str(), set.count, set.changes.len()), ("local", 2, 1));
/// # Ok::<(), clade::Error>(())
/// ```
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
///
/// ```
/// use clade::directory::AuditRequest;
///
/// let directory = clade::Directory::in_memory()?;
/// directory.apply(clade::CreatePerson::new("ada@corp.example"))?;
/// directory.apply(clade::DeletePerson::new("ada@corp.example"))?;
/// let request = AuditRequest { before: None, entries: 10, changes: 100, record: None };
/// let deletion = directory.audit(&request)?.entries.remove(0).sets.remove(0).changes.remove(0);
/// assert!(deletion.before.is_some() && deletion.after.is_none());
/// assert_eq!(deletion.record(), deletion.before.as_ref());
/// # Ok::<(), clade::Error>(())
/// ```
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
///
/// ```
/// use clade::directory::{AuditAction, AuditRequest};
///
/// let directory = clade::Directory::in_memory()?;
/// directory.apply(clade::CreatePerson::new("ada@corp.example"))?;
/// directory.apply(clade::UpdatePerson::new("ada@corp.example").first_name("Ada"))?;
/// let request = AuditRequest { before: None, entries: 10, changes: 100, record: None };
/// let audit = directory.audit(&request)?; // newest first
/// let actions: Vec<_> = audit.entries.iter().map(|entry| entry.sets[0].changes[0].what).collect();
/// assert_eq!(actions, [AuditAction::Updated, AuditAction::Created]);
/// # Ok::<(), clade::Error>(())
/// ```
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
///
/// ```
/// use clade::directory::{AuditRecord, AuditRequest};
///
/// let directory = clade::Directory::in_memory()?;
/// directory.apply(clade::CreatePerson::new("ada@corp.example"))?;
/// let request = AuditRequest { before: None, entries: 10, changes: 100, record: None };
/// let change = directory.audit(&request)?.entries.remove(0).sets.remove(0).changes.remove(0);
/// let Some(AuditRecord::Entity(person)) = change.after else { unreachable!("a person was created") };
/// assert_eq!(person.label(), "ada@corp.example");
/// # Ok::<(), clade::Error>(())
/// ```
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
