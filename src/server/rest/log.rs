//! Who changed what: the audit trail as REST and the command line show it.

use axum::Json;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::directory::{Audit, AuditChange, AuditEntry, AuditRequest, AuditSet, View};
use crate::model::entity::Revision;
use crate::model::key::Name;
use crate::server::admission::work::Work;
use crate::server::audit::{fields, key, kind, record_name};
use crate::server::auth::caller::StoreAdmin;
use crate::server::limits::{LOG_CHANGES_DEFAULT, LOG_CHANGES_MAX, LOG_ENTRIES_DEFAULT, LOG_ENTRIES_MAX};
use crate::server::request::params::{Param, Params, Shape, refused_as};
use crate::server::response::problem::Result;
use crate::server::rest::docs::{Refused, Traced};
use crate::server::rest::parameters::parameters;

/// The parameters of the log.
pub(super) const LOG: &[Param] = &[
    Param {
        name: "before",
        shape: Shape::Whole(0, usize::MAX >> 1),
        about: "Only entries before this revision: the `next` of the answer before. From the newest when not given.",
    },
    Param {
        name: "limit",
        shape: Shape::Whole(1, LOG_ENTRIES_MAX),
        about: "At most so many entries; 20 when not given.",
    },
    Param {
        name: "changes",
        shape: Shape::Whole(1, LOG_CHANGES_MAX),
        about: "At most so many changes of each change set; 100 when not given. All are counted.",
    },
    Param {
        name: "record",
        shape: Shape::Text,
        about: "Only changes of this record, as KIND:KEY: orgUnit, person, project, repository, service, mapping or token, and its key, also of one that has ended; of a repository or service, its name.",
    },
];

parameters!(LogParams = LOG);

/// What was changed, the newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Log)]
pub struct LogRecord {
    /// The entries. Where they are large, there may be fewer than were asked for.
    data: Vec<LogEntryRecord>,
    /// The `before` of the next page, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next: Option<u64>,
}

/// What was committed together.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LogEntry)]
pub(crate) struct LogEntryRecord {
    /// The revision of the directory that it made.
    #[schema(example = 7)]
    revision: u64,
    /// A `UUIDv7` of its own.
    id: String,
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// What each caller changed, in order.
    change_sets: Vec<ChangeSetRecord>,
}

/// What one caller changed at once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChangeSet)]
pub(crate) struct ChangeSetRecord {
    /// Who: `local` for the process that holds the store, `token:` and the id of a token, or `jwt:` and whom an identity provider
    /// vouches for.
    #[schema(example = "token:4fKq81Zd")]
    actor: String,
    /// What that token is for, where it is known.
    #[schema(required = true)]
    description: Option<String>,
    /// How many changes there are in all.
    count: u64,
    /// The first of them.
    changes: Vec<ChangeRecord>,
}

/// What happened to one record.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Change)]
pub(crate) struct ChangeRecord {
    /// `orgUnit`, `person`, `project`, `repository`, `service`, `mapping` or `token`.
    #[schema(example = "person")]
    kind: &'static str,
    /// Its key; of a repository or service, its name.
    #[schema(example = "jd@opsera.io")]
    key: String,
    /// `created`, `updated` or `ended`.
    #[schema(example = "updated")]
    what: &'static str,
    /// What is stored of it, before; null where it was created. A record that is named here is named by the key that
    /// it has now, or had last.
    #[schema(required = true, value_type = Option<Object>)]
    before: Option<Value>,
    /// What is stored of it, after; null where it ended.
    #[schema(required = true, value_type = Option<Object>)]
    after: Option<Value>,
}

/// Tells who changed what, the newest first. Needs the role admin, of a token that is not limited to units.
///
/// An entry is what was committed together; a change set is what one caller asked for.
#[utoipa::path(
    get, path = "/api/v2/data/log", tag = "operations", operation_id = "log",
    params(LogParams),
    responses((status = 200, description = "What was changed.", body = LogRecord), Traced, Refused)
)]
pub(super) async fn list(admin: StoreAdmin, work: Work, params: Params) -> Result<Json<LogRecord>> {
    let known = params.known(&[LOG])?;
    let record = known.one("record").map(record_name).transpose();
    let asked = AuditRequest {
        before: known.whole("before").map(|before| Revision(before as u64)),
        entries: known.whole("limit").unwrap_or(LOG_ENTRIES_DEFAULT),
        changes: known.whole("changes").unwrap_or(LOG_CHANGES_DEFAULT),
        record: record.map_err(|refusal| refused_as("record", refusal))?,
    };
    let found = work.audit(&admin, asked).await?;
    Ok(Json(LogRecord::of(&found, &admin.directory().view())))
}

impl LogRecord {
    /// As it is written. `view` must see everything.
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
            changes: set.changes.iter().filter_map(|change| ChangeRecord::of(audit, change)).collect(),
        }
    }
}

impl ChangeRecord {
    fn of(audit: &Audit, change: &AuditChange) -> Option<Self> {
        let record = change.record()?;
        Some(Self {
            kind: kind(record),
            key: key(record),
            what: change.what.as_str(),
            before: change.before.as_ref().map(|record| fields(audit, record)),
            after: change.after.as_ref().map(|record| fields(audit, record)),
        })
    }
}
