//! `Log`: the change log (audit trail), readable by admins whose token is unlimited.

use async_graphql::{Context, Enum, SimpleObject};

use crate::directory::{Audit, AuditChange, AuditCount, AuditKind, AuditRequest, AuditSet, View};
use crate::model::entity::{Kind, Revision as RevisionNumber};
use crate::model::key::Name;
use crate::query::with_similar;
use crate::server::auth::caller::StoreAdmin;
use crate::server::graphql::execution::budget::Budget;
use crate::server::graphql::execution::schedule::blocking;
use crate::server::graphql::types::connection::invalid;
use crate::server::graphql::types::context::view;
use crate::server::graphql::types::metered::Metered;
use crate::server::graphql::types::scalars::{DateTime, Json, Revision};
use crate::server::limits::{LOG_CHANGES_DEFAULT, LOG_CHANGES_MAX, LOG_ENTRIES_DEFAULT, LOG_ENTRIES_MAX};
use crate::server::response::problem::Result;
use crate::wire::change::{fields, key};
use crate::wire::log_message::message;
use crate::wire::log_request::LogConditions;

/// A page of the change log, the newest entry first.
#[derive(SimpleObject)]
pub(crate) struct Log {
    /// The entries. May be fewer than `first` if entries are large.
    entries: Vec<LogEntry>,
    /// The `before` argument of the next page. Null on the last page.
    next: Option<Revision>,
}

/// One commit. It may contain change sets of several callers.
#[derive(SimpleObject)]
pub(crate) struct LogEntry {
    /// The revision that it committed.
    revision: Revision,
    /// The entry's id, a `UUIDv7`.
    id: String,
    /// When it was committed.
    at: DateTime,
    /// The change sets, in order of application.
    change_sets: Vec<ChangeSet>,
}

/// Changes that one caller made atomically.
#[derive(SimpleObject)]
pub(crate) struct ChangeSet {
    /// The caller: `local` (the process that owns the store), `token:<id>`, or `jwt:<subject>`.
    actor: Metered<String>,
    /// The token's description. Null if the token has none or is unknown.
    description: Option<Metered<String>>,
    /// Number of changes that match the arguments.
    count: u64,
    /// How many of them did what to records of which kind.
    summary: Vec<LogCount>,
    /// The first of them, as many as the `changes` argument allows.
    changes: Vec<Change>,
    /// Number of those that are left out of `changes`.
    omitted: u64,
}

/// The number of changes that did the same to records of one kind.
#[derive(SimpleObject)]
pub(crate) struct LogCount {
    /// The kind of the records.
    kind: RecordKind,
    /// The type of the changes.
    what: What,
    /// Number of changes.
    count: u64,
}

/// Arguments of `log` that restrict it.
pub(crate) struct LogArguments {
    pub(crate) since: Option<DateTime>,
    pub(crate) until: Option<DateTime>,
    pub(crate) by: Option<String>,
    pub(crate) within: Option<String>,
    pub(crate) record: Option<String>,
}

/// A change of one record.
#[derive(SimpleObject)]
pub(crate) struct Change {
    /// The kind of the record.
    kind: RecordKind,
    /// The record's key. For a repository or service, its name.
    key: Metered<String>,
    /// The type of the change.
    what: What,
    /// The change in one sentence. That of a mapping says which record was added to, removed from or moved between which.
    message: Metered<String>,
    /// The stored fields before the change, with REST's names. Null if the record was created. References to other
    /// records show their current or last key.
    before: Option<Json>,
    /// The stored fields after the change. Null if the record was deleted.
    after: Option<Json>,
}

/// Kinds of records in the change log and in data-quality findings.
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

/// Type of a change in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::directory::AuditAction", name = "ChangeType")]
pub(crate) enum What {
    /// The record was created.
    Created,
    /// The record was updated.
    Updated,
    /// The record was deleted, or the token revoked.
    Ended,
}

impl From<AuditKind> for RecordKind {
    fn from(kind: AuditKind) -> Self {
        match kind {
            AuditKind::OrgUnit => Self::OrgUnit,
            AuditKind::Person => Self::Person,
            AuditKind::Project => Self::Project,
            AuditKind::Repository => Self::Repository,
            AuditKind::Service => Self::Service,
            AuditKind::Mapping => Self::Mapping,
            AuditKind::Token => Self::Token,
        }
    }
}

impl From<Kind> for RecordKind {
    fn from(kind: Kind) -> Self {
        AuditKind::from(kind).into()
    }
}

/// Resolves the field `log`. `admin` proves that the caller may read all records.
pub(crate) async fn log(
    context: &Context<'_>,
    admin: &StoreAdmin,
    before: Option<Revision>,
    first: Option<i64>,
    changes: Option<i64>,
    arguments: LogArguments,
) -> Result<Log> {
    let request = AuditRequest {
        before: before.map(|before| before.0),
        entries: size("first", first, LOG_ENTRIES_MAX)?.unwrap_or(LOG_ENTRIES_DEFAULT),
        changes: size("changes", changes, LOG_CHANGES_MAX)?.unwrap_or(LOG_CHANGES_DEFAULT),
        since: arguments.since.map(|moment| moment.0),
        until: arguments.until.map(|moment| moment.0),
        ..AuditRequest::default()
    };
    let conditions = LogConditions {
        by: arguments.by.as_deref(),
        within: arguments.within.as_deref(),
        record: arguments.record.as_deref(),
        ..LogConditions::default()
    };
    // The log is read from disk and not from the view: without this bound it would show commits that are newer than
    // the revision of the request's other fields.
    let view = view(context)?;
    let newest = view.revision().next();
    let before = request.before.map_or(newest, |before: RevisionNumber| before.min(newest));
    let request = conditions.applied_to(AuditRequest { before: Some(before), ..request }, view)?;
    // Always heavy work: how much of the disk is read depends on the sizes of the entries, which nothing estimates.
    let turn = &Budget::of(context)?.turn;
    turn.take_slot_in_order().await?;
    let read =
        blocking(|| admin.directory().audit(&request)).map_err(|refusal| with_similar(view, refusal))?;
    Ok(Log::of(&read, view))
}

fn size(name: &str, value: Option<i64>, max: usize) -> Result<Option<usize>> {
    let Some(value) = value else { return Ok(None) };
    match usize::try_from(value) {
        // Unlike `page_size`, 0 is refused: a page without entries has no `next` to go on from.
        Ok(size) if (1..=max).contains(&size) => Ok(Some(size)),
        _ => Err(invalid(format!("{name} is {value}; it must be from 1 to {max}"))
            .with("field", name)
            .with("limit", max)),
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
            summary: set.summary.iter().map(LogCount::of).collect(),
            omitted: set.count.saturating_sub(set.changes.len() as u64),
            changes: set.changes.iter().filter_map(|change| Change::of(audit, change)).collect(),
        }
    }
}

impl LogCount {
    fn of(counted: &AuditCount) -> Self {
        Self { kind: counted.kind.into(), what: counted.what.into(), count: counted.count }
    }
}

impl Change {
    fn of(audit: &Audit, change: &AuditChange) -> Option<Self> {
        let record = change.record()?;
        let key = key(record);
        let before = change.before.as_ref().map(|record| fields(audit, record));
        let after = change.after.as_ref().map(|record| fields(audit, record));
        Some(Self {
            kind: record.kind().into(),
            what: change.what.into(),
            message: Metered(message(audit, change, &key, before.as_ref(), after.as_ref())),
            key: Metered(key),
            before: before.map(Json),
            after: after.map(Json),
        })
    }
}
