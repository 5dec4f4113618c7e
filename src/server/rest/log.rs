//! Who changed what: the audit trail as REST and the command line show it.

use axum::response::Response;

use crate::directory::AuditRequest;
use crate::model::entity::Revision;
use crate::server::admission::work::RequestWork;
use crate::server::auth::caller::StoreAdmin;
use crate::server::limits::{LOG_CHANGES_DEFAULT, LOG_CHANGES_MAX, LOG_ENTRIES_DEFAULT, LOG_ENTRIES_MAX};
use crate::server::request::params::{Param, ParamType, Params, refused_as};
use crate::server::response::problem::Result;
use crate::server::rest::format::{json_response, to_json};
use crate::server::rest::openapi::parameters::parameters;
use crate::server::rest::openapi::responses::{Refused, Traced};
use crate::wire::change::{LogRecord, record_name};

/// The parameters of the log.
pub(super) const LOG: &[Param] = &[
    Param {
        name: "before",
        shape: ParamType::Whole(0, usize::MAX >> 1),
        about: "Only entries before this revision: the `next` of the answer before. From the newest when not given.",
    },
    Param {
        name: "limit",
        shape: ParamType::Whole(1, LOG_ENTRIES_MAX),
        about: "At most so many entries; 20 when not given.",
    },
    Param {
        name: "changes",
        shape: ParamType::Whole(1, LOG_CHANGES_MAX),
        about: "At most so many changes of each change set; 100 when not given. All are counted.",
    },
    Param {
        name: "record",
        shape: ParamType::Text,
        about: "Only changes of this record, as KIND:KEY: orgUnit, person, project, repository, service, mapping or token, and its key, also of one that has ended; of a repository or service, its name.",
    },
];

parameters!(LogParams = LOG);

/// Tells who changed what, the newest first. Needs the role admin, of a token that is not limited to units.
///
/// An entry is what was committed together; a change set is what one caller asked for.
#[utoipa::path(
    get, path = "/api/v2/data/log", tag = "operations", operation_id = "log",
    params(LogParams),
    responses((status = 200, description = "What was changed.", body = LogRecord), Traced, Refused)
)]
pub(super) async fn list(admin: StoreAdmin, work: RequestWork, params: Params) -> Result<Response> {
    let known = params.known(&[LOG])?;
    let record = known.one("record").map(record_name).transpose();
    let asked = AuditRequest {
        before: known.whole("before").map(|before| Revision(before as u64)),
        entries: known.whole("limit").unwrap_or(LOG_ENTRIES_DEFAULT),
        changes: known.whole("changes").unwrap_or(LOG_CHANGES_DEFAULT),
        record: record.map_err(|refusal| refused_as("record", refusal))?,
    };
    let text = work.audit(&admin, asked, |found, view| to_json(&LogRecord::of(found, view))).await?;
    Ok(json_response(text))
}
