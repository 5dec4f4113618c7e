//! `Log`: who changed what, for admins.

use async_graphql::{Context, Enum, SimpleObject};

use crate::directory::{Audit, AuditChange, AuditRecord, AuditRequest, AuditSet, View};
use crate::model::entity::{Kind, Revision as RevisionNumber};
use crate::model::key::Name;
use crate::server::auth::caller::StoreAdmin;
use crate::server::graphql::execution::budget::Budget;
use crate::server::graphql::execution::schedule::blocking;
use crate::server::graphql::types::connection::invalid;
use crate::server::graphql::types::context::view;
use crate::server::graphql::types::metered::Metered;
use crate::server::graphql::types::scalars::{DateTime, Json, Revision};
use crate::server::limits::{LOG_CHANGES_DEFAULT, LOG_CHANGES_MAX, LOG_ENTRIES_DEFAULT, LOG_ENTRIES_MAX};
use crate::server::response::problem::Result;
use crate::wire::change::{fields, key, record_name};

/// What was changed, the newest first.
#[derive(SimpleObject)]
pub(crate) struct Log {
    /// The entries. Where they are large, there may be fewer than were asked for.
    entries: Vec<LogEntry>,
    /// The `before` of the next page; null where there is none.
    next: Option<Revision>,
}

/// What was committed together.
#[derive(SimpleObject)]
pub(crate) struct LogEntry {
    /// The revision that it made.
    revision: Revision,
    /// A `UUIDv7` of its own.
    id: String,
    /// When.
    at: DateTime,
    /// What each caller changed, in order.
    change_sets: Vec<ChangeSet>,
}

/// What one caller changed at once.
#[derive(SimpleObject)]
pub(crate) struct ChangeSet {
    /// Who: `local` for the process that holds the store, `token:` and the id of a token, or `jwt:` and whom an identity provider
    /// vouches for.
    actor: Metered<String>,
    /// What that token is for, where it is known.
    description: Option<Metered<String>>,
    /// How many changes there are in all.
    count: u64,
    /// The first of them.
    changes: Vec<Change>,
}

/// What happened to one record.
#[derive(SimpleObject)]
pub(crate) struct Change {
    /// What kind of record.
    kind: RecordKind,
    /// Its key; of a repository or service, its name.
    key: Metered<String>,
    /// What happened to it.
    what: What,
    /// What is stored of it, before, with the fields that REST has; null where it was created. A record that is named
    /// here is named by the key that it has now, or had last.
    before: Option<Json>,
    /// What is stored of it, after; null where it ended.
    after: Option<Json>,
}

/// The kinds of record that the log and the doctor tell of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum RecordKind {
    /// A unit.
    OrgUnit,
    /// A person.
    Person,
    /// A project.
    Project,
    /// A repository.
    Repository,
    /// A service.
    Service,
    /// A mapping.
    Mapping,
    /// A token.
    Token,
}

/// What happened to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::directory::AuditAction", name = "ChangeType")]
pub(crate) enum What {
    /// It came to be.
    Created,
    /// It changed.
    Updated,
    /// It was deleted, ended or revoked.
    Ended,
}

impl RecordKind {
    fn of(record: &AuditRecord) -> Self {
        match record {
            AuditRecord::Entity(entity) => entity.kind().into(),
            AuditRecord::Mapping(_) => Self::Mapping,
            AuditRecord::Token(_) => Self::Token,
        }
    }
}

impl From<Kind> for RecordKind {
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

/// Answers `log`.
pub(crate) async fn log(
    context: &Context<'_>,
    admin: &StoreAdmin,
    before: Option<Revision>,
    first: Option<i64>,
    changes: Option<i64>,
    record: Option<String>,
) -> Result<Log> {
    let asked = AuditRequest {
        before: before.map(|before| before.0),
        entries: size("first", first, LOG_ENTRIES_MAX)?.unwrap_or(LOG_ENTRIES_DEFAULT),
        changes: size("changes", changes, LOG_CHANGES_MAX)?.unwrap_or(LOG_CHANGES_DEFAULT),
        record: record.as_deref().map(record_name).transpose()?,
    };
    // One request reads one revision, also where more has been written since it began.
    let view = view(context)?;
    let newest = view.revision().next();
    let before = asked.before.map_or(newest, |before: RevisionNumber| before.min(newest));
    let asked = AuditRequest { before: Some(before), ..asked };
    let turn = &Budget::of(context)?.turn;
    turn.take_slot_in_order().await?;
    let read = blocking(|| admin.directory().audit(&asked))?;
    Ok(Log::of(&read, view))
}

fn size(name: &str, given: Option<i64>, most: usize) -> Result<Option<usize>> {
    let Some(given) = given else { return Ok(None) };
    match usize::try_from(given) {
        Ok(size) if (1..=most).contains(&size) => Ok(Some(size)),
        _ => Err(invalid(format!("{name} is {given}; it must be from 1 to {most}"))
            .with("field", name)
            .with("limit", most)),
    }
}

impl Log {
    fn of(audit: &Audit, view: &View) -> Self {
        let entries = audit.entries.iter().map(|entry| LogEntry {
            revision: Revision(entry.revision),
            id: entry.id.to_string(),
            at: DateTime(entry.at),
            change_sets: entry.sets.iter().map(|set| ChangeSet::of(audit, view, set)).collect(),
        });
        Self { entries: entries.collect(), next: audit.next.map(Revision) }
    }
}

impl ChangeSet {
    fn of(audit: &Audit, view: &View, set: &AuditSet) -> Self {
        Self {
            actor: Metered(set.actor.to_string()),
            description: set.description(view).map(Name::to_string).map(Metered),
            count: set.count,
            changes: set.changes.iter().filter_map(|change| Change::of(audit, change)).collect(),
        }
    }
}

impl Change {
    fn of(audit: &Audit, change: &AuditChange) -> Option<Self> {
        let record = change.record()?;
        let shown = |record: &AuditRecord| Json(fields(audit, record));
        Some(Self {
            kind: RecordKind::of(record),
            key: Metered(key(record)),
            what: change.what.into(),
            before: change.before.as_ref().map(shown),
            after: change.after.as_ref().map(shown),
        })
    }
}
