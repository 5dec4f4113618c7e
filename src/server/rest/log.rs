//! The audit log: `GET /api/v2/data/log` returns who changed what, for REST clients and the command line.

use axum::response::Response;

use crate::directory::AuditRequest;
use crate::model::entity::Revision;
use crate::server::admission::work::RequestWork;
use crate::server::auth::caller::StoreAdmin;
use crate::server::limits::{LOG_CHANGES_DEFAULT, LOG_CHANGES_MAX, LOG_ENTRIES_DEFAULT, LOG_ENTRIES_MAX};
use crate::server::request::params::{Param, ParamType, Params};
use crate::server::response::problem::Result;
use crate::server::rest::format::{json_response, to_json};
use crate::server::rest::openapi::parameters::parameters;
use crate::server::rest::openapi::responses::{Refused, Traced};
use crate::wire::change::LogRecord;
use crate::wire::log_request::LogConditions;

/// The parameters of the audit log.
pub(super) const LOG: &[Param] = &[
    Param {
        name: "before",
        // OpenAPI tools read integers as signed 64-bit numbers, so the maximum has to fit.
        value_type: ParamType::Whole(0, usize::MAX >> 1),
        about: "Only entries before this revision. Use the `next` of the previous response to page. Default: start with the newest entry.",
    },
    Param {
        name: "limit",
        value_type: ParamType::Whole(1, LOG_ENTRIES_MAX),
        about: "The maximum number of entries. Default: 20.",
    },
    Param {
        name: "changes",
        value_type: ParamType::Whole(1, LOG_CHANGES_MAX),
        about: "The maximum number of changes to return per change set. Default: 100. Counts include all changes that match.",
    },
    Param {
        name: "since",
        value_type: ParamType::Text,
        about: "Only commits at this moment or later: an RFC 3339 timestamp, or a date, which is its first moment in UTC.",
    },
    Param {
        name: "until",
        value_type: ParamType::Text,
        about: "Only commits before this moment: an RFC 3339 timestamp, or a date.",
    },
    Param {
        name: "by",
        value_type: ParamType::Text,
        about: "Only changes of this actor: `local`, `token:ID`, `jwt:SUBJECT`, or the id or description of a token.",
    },
    Param {
        name: "within",
        value_type: ParamType::Text,
        about: "Only changes of this unit (key, external id, path or unique name), of everything that is below it or was deleted there, and of mappings that have one of these at an end.",
    },
    Param {
        name: "record",
        value_type: ParamType::Text,
        about: "Only changes of this record and of the mappings that have it at an end: its key, or `KIND:KEY`. KIND is `orgUnit`, `person`, `project`, `repository`, `service`, `mapping` or `token`; KEY is the record's key, or the name of a repository or service. The record may have been deleted.",
    },
];

parameters!(LogParams = LOG);

/// Lists the audit log: who changed what, newest first.
///
/// Needs the role `admin` and a token that is not limited to units. An entry is one commit; it has one or more change
/// sets, each of which is the changes of one request.
#[utoipa::path(
    get, path = "/api/v2/data/log", tag = "operations", operation_id = "log",
    params(LogParams),
    responses((status = 200, description = "The log entries, newest first.", body = LogRecord), Traced, Refused)
)]
pub(super) async fn list(admin: StoreAdmin, work: RequestWork, params: Params) -> Result<Response> {
    let params = params.parse(&[LOG])?;
    let conditions = LogConditions {
        since: params.one("since"),
        until: params.one("until"),
        by: params.one("by"),
        within: params.one("within"),
        record: params.one("record"),
    };
    let request = AuditRequest {
        before: params.whole("before").map(|before| Revision(before as u64)),
        entries: params.whole("limit").unwrap_or(LOG_ENTRIES_DEFAULT),
        changes: params.whole("changes").unwrap_or(LOG_CHANGES_DEFAULT),
        ..AuditRequest::default()
    };
    let request = conditions.applied_to(request, &admin.directory().view())?;
    // Serialized on the blocking pool, beside the reading: one page may contain many large records.
    let text = work.audit(&admin, request, |found, view| to_json(&LogRecord::of(found, view))).await?;
    Ok(json_response(text))
}
