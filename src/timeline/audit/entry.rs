//! Types of the audit trail: the request for a page, and its entries, change sets, changes, and records as they were.

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use crate::graph::View;
use crate::model::entity::{Entity, EntityId, Kind, Revision};
use crate::model::key::Name;
use crate::model::mapping::{Mapping, MappingId};
use crate::model::reference::UnitRef;
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
/// let newest = AuditRequest { entries: 1, ..AuditRequest::default() };
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
    /// Only commits at this moment or later.
    pub since: Option<Timestamp>,
    /// Only commits before this moment.
    pub until: Option<Timestamp>,
    /// Only change sets of one of these actors; empty for all.
    pub by: Vec<Actor>,
    /// Only changes of this unit, of everything below it (also of what was deleted there), and of mappings that have
    /// one of these at an end, or had it before the change.
    pub within: Option<UnitRef>,
    /// Only changes of this record, and of the mappings that have it at an end, or had it before the change; `None` for
    /// all records. Refused if there never was such a record.
    pub record: Option<RecordName>,
}

impl Default for AuditRequest {
    /// The newest 20 entries, with at most 100 changes of each change set.
    fn default() -> Self {
        Self {
            before: None,
            entries: 20,
            changes: 100,
            since: None,
            until: None,
            by: Vec::new(),
            within: None,
            record: None,
        }
    }
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
/// let audit = directory.audit(&AuditRequest { record, ..AuditRequest::default() })?;
/// assert_eq!((audit.entries.len(), audit.entries[0].revision.0), (1, 1));
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordName {
    /// The record with this key, of any kind; if there is none, the unit that the text refers to, or the mapping or token
    /// with this id. Refused if records of several kinds have the key.
    Key(String),
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
/// let request = AuditRequest { entries: 1, ..AuditRequest::default() };
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
    /// The last name of those of them that are units or projects.
    pub names: HashMap<EntityId, String>,
}

/// One commit: the changes of one or several callers.
///
/// ```
/// use clade::directory::AuditRequest;
///
/// let directory = clade::Directory::in_memory()?;
/// let applied = directory.apply(clade::CreatePerson::new("ada@corp.example"))?;
/// let request = AuditRequest::default();
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
/// let request = AuditRequest { changes: 1, ..AuditRequest::default() };
/// let set = directory.audit(&request)?.entries.remove(0).sets.remove(0);
/// assert_eq!((set.actor.to_string().as_str(), set.count, set.changes.len()), ("local", 2, 1));
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct AuditSet {
    /// Who made them.
    pub actor: Actor,
    /// The number of changes of the set that match the request.
    pub count: u64,
    /// How many of them did what to records of which kind, in the order of [`AuditKind`].
    pub summary: Vec<AuditCount>,
    /// The first of them, up to [`AuditRequest::changes`].
    pub changes: Vec<AuditChange>,
}

/// The number of changes that did the same to records of one kind.
///
/// ```
/// use clade::directory::{AuditAction, AuditKind, AuditRequest};
///
/// let directory = clade::Directory::in_memory()?;
/// directory.apply(["ada@corp.example", "eve@corp.example"].map(clade::CreatePerson::new))?;
/// let set = directory.audit(&AuditRequest::default())?.entries.remove(0).sets.remove(0);
/// let created = &set.summary[0];
/// assert_eq!((created.kind, created.what, created.count), (AuditKind::Person, AuditAction::Created, 2));
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditCount {
    /// The kind of the records.
    pub kind: AuditKind,
    /// What happened to them.
    pub what: AuditAction,
    /// The number of changes.
    pub count: u64,
}

/// The kinds of records in the audit trail.
///
/// ```
/// use clade::directory::AuditKind;
///
/// assert_eq!(AuditKind::from(clade::Kind::Person), AuditKind::Person);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AuditKind {
    /// Units.
    OrgUnit,
    /// People.
    Person,
    /// Projects.
    Project,
    /// Repositories.
    Repository,
    /// Services.
    Service,
    /// Mappings.
    Mapping,
    /// Tokens.
    Token,
}

impl AuditKind {
    /// Its name in the API: `orgUnit`, `person`, `project`, `repository`, `service`, `mapping` or `token`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OrgUnit => "orgUnit",
            Self::Person => "person",
            Self::Project => "project",
            Self::Repository => "repository",
            Self::Service => "service",
            Self::Mapping => "mapping",
            Self::Token => "token",
        }
    }
}

impl From<Kind> for AuditKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::OrgUnit => Self::OrgUnit,
            Kind::Person => Self::Person,
            Kind::Project => Self::Project,
            Kind::Repository => Self::Repository,
            Kind::Service => Self::Service,
        }
    }
}

/// One change of one record.
///
/// ```
/// use clade::directory::AuditRequest;
///
/// let directory = clade::Directory::in_memory()?;
/// directory.apply(clade::CreatePerson::new("ada@corp.example"))?;
/// directory.apply(clade::DeletePerson::new("ada@corp.example"))?;
/// let request = AuditRequest::default();
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
    /// The move that this change of a mapping is a part of.
    pub moved: Option<AuditMove>,
}

/// A move of a unit, person or project: one change set took it out of one unit and placed it in another.
///
/// ```
/// use clade::directory::{AuditRequest, RecordName};
///
/// let directory = clade::Directory::in_memory()?;
/// directory.apply(clade::CreateProject::new("cart", "Cart").under("Corp/Retail/Checkout"))?;
/// let view = directory.apply(clade::MoveOrgUnit::new("Checkout", "Corp"))?.view;
/// let record = Some(RecordName::Key("checkout".to_owned()));
/// let audit = directory.audit(&AuditRequest { record, ..AuditRequest::default() })?;
/// let moved = audit.entries[0].sets[0].changes[0].moved.expect("the unit was moved");
/// let unit = |key| view.org_unit(key).map(|unit| unit.id());
/// assert_eq!((moved.from, moved.to), (unit("Retail")?, unit("Corp")?));
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditMove {
    /// What was moved.
    pub child: EntityId,
    /// The unit in which it was.
    pub from: EntityId,
    /// The unit in which it is.
    pub to: EntityId,
}

/// What happened to a record.
///
/// ```
/// use clade::directory::{AuditAction, AuditRequest};
///
/// let directory = clade::Directory::in_memory()?;
/// directory.apply(clade::CreatePerson::new("ada@corp.example"))?;
/// directory.apply(clade::UpdatePerson::new("ada@corp.example").first_name("Ada"))?;
/// let request = AuditRequest::default();
/// let audit = directory.audit(&request)?; // newest first
/// let actions: Vec<_> = audit.entries.iter().map(|entry| entry.sets[0].changes[0].what).collect();
/// assert_eq!(actions, [AuditAction::Updated, AuditAction::Created]);
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
/// let request = AuditRequest::default();
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
    pub(super) fn new(what: AuditAction, before: Option<AuditRecord>, after: Option<AuditRecord>) -> Self {
        Self { what, before, after, moved: None }
    }

    /// The record after the change, or before it if it was deleted.
    #[must_use]
    pub fn record(&self) -> Option<&AuditRecord> {
        self.after.as_ref().or(self.before.as_ref())
    }
}

impl AuditRecord {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> AuditKind {
        match self {
            Self::Entity(entity) => entity.kind().into(),
            Self::Mapping(_) => AuditKind::Mapping,
            Self::Token(_) => AuditKind::Token,
        }
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
