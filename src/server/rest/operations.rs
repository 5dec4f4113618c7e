//! Operations on the whole store: export, consistency check and backup. Export and backup are streamed.

use std::fs::File;
use std::io::{self, Read};

use axum::Json;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};

use crate::exchange::{Export, ExportKind, ExportSelection, Format};
use crate::model::reference::UnitRef;
use crate::server::admission::work::{BodyChunks, RequestWork};
use crate::server::auth::caller::StoreAdmin;
use crate::server::auth::extract::Visible;
use crate::server::request::params::{Param, ParamType, Params, unprocessable};
use crate::server::response::problem::{Problem, Result};
use crate::server::rest::format::{accepted, file_name};
use crate::server::rest::openapi::parameters::parameters;
use crate::server::rest::openapi::responses::{Exported, Guarded, Refused};
use crate::wire::check::CheckAnswer;

/// The size of the chunks in which a backup is read and sent, in bytes.
const CHUNK_BYTES: usize = 64 * 1024;

/// The parameters of the export.
pub(super) const EXPORT: &[Param] = &[
    Param {
        name: "format",
        value_type: ParamType::OneOf(&Format::NAMES),
        about: "The format of the export; overrides the Accept header. Default: `ndjson`.",
    },
    Param {
        name: "kind",
        value_type: ParamType::OneOf(&ExportKind::NAMES),
        about: "Only records of this kind, with their units or parents as a list. Default: all records.",
    },
    Param {
        name: "unit",
        value_type: ParamType::Text,
        about: "Only this unit and the records below it: its key, external id, path or unique name.",
    },
    Param {
        name: "excel",
        value_type: ParamType::OneOf(&["1"]),
        about: "`1`: begin a CSV with a byte order mark, so that Excel reads it as UTF-8.",
    },
];

parameters!(ExportParams = EXPORT);

/// Exports all records in the token's scope, in the form that a bulk request accepts.
///
/// The export is one consistent revision: first units, then people, projects and mappings. Each record is the body of
/// its POST operation, plus `kind`.
#[utoipa::path(
    get, path = "/api/v2/data/bulk", tag = "bulk", operation_id = "export",
    params(ExportParams),
    responses((status = 200, description = "All records in the token's scope.", content((String = "application/x-ndjson"), (String = "text/csv"), (Vec<Value> = "application/json"))), Exported, Refused)
)]
pub(super) async fn everything(
    Visible(view): Visible,
    work: RequestWork,
    params: Params,
    headers: HeaderMap,
) -> Result<Response> {
    let params = params.parse(&[EXPORT])?;
    let format = match params.one("format").and_then(Format::named) {
        Some(format) => format,
        // Lenient where lists refuse with 406: an Accept header without a supported format still gets NDJSON, the form
        // that an import reads.
        None if headers.contains_key(header::ACCEPT) => accepted(&headers).unwrap_or(Format::Ndjson),
        None => Format::Ndjson,
    };
    let has_mark = params.one("excel").is_some();
    if has_mark && format != Format::Csv {
        return Err(unprocessable("excel", "excel=1 is for CSV; add format=csv, or leave it out"));
    }
    let kind = params.one("kind");
    let within = params.one("unit").map(|unit| view.find_unit(&UnitRef::from(unit))).transpose()?;
    let selection = ExportSelection { kind: kind.and_then(ExportKind::named), within, has_mark };
    let body = work.stream(&view, Bytes::new(), Box::new(Export::new(view.clone(), format, selection)))?;
    let content_type = HeaderValue::from_static(format.media_type());
    let mut response = ([(header::CONTENT_TYPE, content_type)], body).into_response();
    if let Some(file) = file_name(kind.unwrap_or("directory"), format) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, file);
    }
    Ok(response)
}

/// Checks the consistency of the store: file, log, graph and rules.
///
/// Needs the role `admin` and a token that is not limited to units. Writes wait until the check is done.
#[utoipa::path(
    post, path = "/api/v2/data/check", tag = "operations", operation_id = "check",
    responses((status = 200, description = "What was checked, and the faults found. The store is consistent if `findings` is empty.", body = CheckAnswer), Guarded, Refused)
)]
pub(super) async fn check(admin: StoreAdmin, work: RequestWork) -> Result<Json<CheckAnswer>> {
    let turn = work.check_permit().await;
    let directory = admin.directory().clone();
    // Not `run_heavy`: a check may take minutes, in which it would occupy a slot that lists need.
    let checked = tokio::task::spawn_blocking(move || {
        // The permit moves into the task: a client that disconnects does not stop the check, and a second one must not
        // start beside it.
        let _turn = turn;
        directory.check()
    });
    Ok(Json(CheckAnswer::from(checked.await.map_err(|_| Problem::internal())??)))
}

/// Downloads a consistent backup of the store.
///
/// Needs the role `admin` and a token that is not limited to units. Writes continue during the backup.
#[utoipa::path(
    get, path = "/api/v2/data/backup", tag = "operations", operation_id = "backup",
    responses((status = 200, description = "A store file, for `clade restore`.", body = String, content_type = "application/octet-stream"), Guarded, Refused)
)]
pub(super) async fn backup(admin: StoreAdmin, work: RequestWork) -> Result<Response> {
    let turn = work.copy_permit().await;
    let directory = admin.directory().clone();
    // The permit travels with the file: even if the client disconnects, the copy occupies disk space until it is
    // dropped.
    let copied = tokio::task::spawn_blocking(move || directory.into_backup().map(|file| (file, turn)));
    let (file, turn) = copied.await.map_err(|_| Problem::internal())??;
    // Dropping the body, at its end or when the client disconnects, drops the file and the permit.
    let chunks = stream::try_unfold((file, turn), |copy| async { next_chunk(copy).await });
    // The compression layer polls once more after the end, which only a fused stream has to allow.
    let body = Body::from_stream(chunks.fuse());
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"backup.redb\""),
    ];
    Ok((headers, body).into_response())
}

/// The next chunk of a backup; `None` at the end. A read error aborts the connection, so that the client does not take
/// a truncated backup for a complete one.
async fn next_chunk<T: Send + 'static>(
    (mut file, turn): (File, T),
) -> io::Result<Option<(Bytes, (File, T))>> {
    // File reads block, so they run on the blocking pool.
    let read = tokio::task::spawn_blocking(move || {
        let mut chunk = vec![0; CHUNK_BYTES];
        let count = file.read(&mut chunk)?;
        chunk.truncate(count);
        Ok((count > 0).then_some((chunk.into(), (file, turn))))
    });
    read.await?
}

impl BodyChunks for Export {
    fn next_chunk(&mut self) -> Option<io::Result<Bytes>> {
        Self::next_chunk(self).map(|chunk| Ok(chunk.into()))
    }
}
