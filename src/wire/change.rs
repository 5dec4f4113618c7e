//! The audit log as JSON, for REST, GraphQL and the command line: entries, change sets, and changed records.

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::directory::{Audit, AuditChange, AuditCount, AuditEntry, AuditKind, AuditRecord, AuditSet, View};
use crate::model::entity::Kind;
use crate::model::key::Name;
use crate::model::token::{Scope, Token};
use crate::wire::log_message::message;
use crate::wire::row::Row;
use crate::wire::{asset, column, mapping, person, project, unit};

/// A page of the audit log, newest entry first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Log)]
pub struct LogRecord {
    /// The entries. A page may have fewer than the limit if they are large.
    data: Vec<LogEntryRecord>,
    /// The parameter `before` of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next: Option<u64>,
}

/// A log entry: the changes that were committed together.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LogEntry)]
pub(crate) struct LogEntryRecord {
    /// The revision of the directory that the commit created.
    #[schema(example = 7)]
    revision: u64,
    /// The id of the entry, a `UUIDv7`.
    id: String,
    /// The time of the commit (RFC 3339, UTC).
    #[schema(format = DateTime)]
    at: String,
    /// The change sets of the commit, one per request, in order.
    // The writer commits concurrent requests together, so an entry can have change sets of several callers.
    change_sets: Vec<ChangeSetRecord>,
}

/// A change set: the changes of one request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChangeSet)]
pub(crate) struct ChangeSetRecord {
    /// The caller: `local` for the process that has the store open, `token:` and the id of an API token, or `jwt:` and
    /// the subject of a JWT.
    #[schema(example = "token:4fKq81Zd")]
    actor: String,
    /// The description of the API token, if it has one.
    #[schema(required = true)]
    description: Option<String>,
    /// The number of changes in the change set that match the request.
    count: u64,
    /// How many of them did what to records of which kind.
    summary: Vec<LogCountRecord>,
    /// The first of these changes.
    changes: Vec<ChangeRecord>,
    /// The number of these changes that are left out, because there are more than the parameter `changes` allows.
    omitted: u64,
}

/// The number of changes that did the same to records of one kind.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LogCount)]
pub(crate) struct LogCountRecord {
    /// The kind of the records, as in a change.
    #[schema(example = "person")]
    kind: &'static str,
    /// The kind of change: `created`, `updated` or `ended`.
    #[schema(example = "created")]
    what: &'static str,
    /// The number of changes.
    #[schema(example = 12)]
    count: u64,
}

/// A change of one record.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Change)]
pub(crate) struct ChangeRecord {
    /// `orgUnit`, `person`, `project`, `repository`, `service`, `mapping` or `token`.
    #[schema(example = "person")]
    kind: &'static str,
    /// The key of the record; for a repository or service, its name.
    #[schema(example = "jd@opsera.io")]
    key: String,
    /// The kind of change: `created`, `updated` or `ended`.
    #[schema(example = "updated")]
    what: &'static str,
    /// The change in one sentence. That of a mapping says which record was added to, removed from or moved between which.
    #[schema(example = "Checkout moved from Retail to Corp")]
    message: String,
    /// The record before the change; null if it was created. References to other records are their current keys, or
    /// their last ones if they have ended.
    #[schema(required = true, value_type = Option<Object>)]
    before: Option<Value>,
    /// The record after the change; null if it ended.
    #[schema(required = true, value_type = Option<Object>)]
    after: Option<Value>,
}

impl LogRecord {
    /// Converts a page of the log. `view` must not be limited to a scope, since it gives the descriptions of tokens.
    #[must_use]
    pub fn of(audit: &Audit, view: &View) -> Self {
        let entries = audit.entries.iter().map(|entry| LogEntryRecord::of(audit, view, entry));
        Self { data: entries.collect(), next: audit.next.map(|next| next.0) }
    }
}

impl LogEntryRecord {
    fn of(audit: &Audit, view: &View, entry: &AuditEntry) -> Self {
        Self {
            revision: entry.revision.0,
            id: entry.id.to_string(),
            at: entry.at.to_string(),
            change_sets: entry.sets.iter().map(|set| ChangeSetRecord::of(audit, view, set)).collect(),
        }
    }
}

impl ChangeSetRecord {
    fn of(audit: &Audit, view: &View, set: &AuditSet) -> Self {
        Self {
            actor: set.actor.to_string(),
            description: set.description(view).map(Name::to_string),
            count: set.count,
            summary: set.summary.iter().map(LogCountRecord::of).collect(),
            changes: set.changes.iter().filter_map(|change| ChangeRecord::of(audit, change)).collect(),
            omitted: set.count.saturating_sub(set.changes.len() as u64),
        }
    }
}

impl LogCountRecord {
    fn of(counted: &AuditCount) -> Self {
        Self { kind: counted.kind.as_str(), what: counted.what.as_str(), count: counted.count }
    }
}

impl ChangeRecord {
    fn of(audit: &Audit, change: &AuditChange) -> Option<Self> {
        let record = change.record()?;
        let key = key(record);
        let before = change.before.as_ref().map(|record| fields(audit, record));
        let after = change.after.as_ref().map(|record| fields(audit, record));
        Some(Self {
            kind: record.kind().as_str(),
            what: change.what.as_str(),
            message: message(audit, change, &key, before.as_ref(), after.as_ref()),
            key,
            before,
            after,
        })
    }
}

/// The name of a kind of entity in JSON.
pub(crate) fn word(kind: Kind) -> &'static str {
    AuditKind::from(kind).as_str()
}

/// The key of a record; for a repository or service, its name.
pub(crate) fn key(record: &AuditRecord) -> String {
    match record {
        AuditRecord::Entity(entity) => entity.label().to_owned(),
        AuditRecord::Mapping(mapping) => mapping.id.to_string(),
        AuditRecord::Token(token) => token.id.to_string(),
    }
}

/// The stored fields of a record, without its stamps, which repeat what the entry says.
pub(crate) fn fields(audit: &Audit, record: &AuditRecord) -> Value {
    let (row, columns) = match record {
        // Tokens have no table of columns: the hash of the secret must not be written by accident.
        AuditRecord::Token(token) => return token_fields(audit, token),
        AuditRecord::Mapping(mapping) => (Row::logged_mapping(audit, mapping), mapping::COLUMNS.in_log()),
        AuditRecord::Entity(entity) => {
            let columns = match entity.kind() {
                Kind::OrgUnit => unit::COLUMNS.in_log(),
                Kind::Person => person::COLUMNS.in_log(),
                Kind::Project => project::COLUMNS.in_log(),
                Kind::Repository => asset::in_log(&asset::REPOSITORY),
                Kind::Service => asset::in_log(&asset::SERVICE),
            };
            (Row::logged_entity(audit, entity), columns)
        }
    };
    let mut text = Vec::new();
    column::write_object(&row, columns.into_iter(), &mut text);
    serde_json::from_slice(&text).expect("columns are written as JSON")
}

fn token_fields(audit: &Audit, token: &Token) -> Value {
    let units = match &token.scope {
        Scope::Everything => Value::Null,
        // A unit without an entry in `keys` cannot be named; its number means nothing outside.
        Scope::Units(units) => units.iter().filter_map(|id| audit.keys.get(id).map(String::as_str)).collect(),
    };
    json!({
        "tokenId": token.id.as_str(),
        "role": token.role.as_str().to_uppercase(),
        "description": token.description.as_ref().map(Name::as_str),
        "units": units,
        "expiresAt": token.expires_at.map(|time| time.to_string()),
        "revokedAt": token.revoked_at.map(|time| time.to_string()),
    })
}
