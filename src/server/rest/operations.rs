//! The whole store at once: exported, examined, copied. Bodies are streamed while they are made.

use std::fs::File;
use std::io::{self, Read};

use axum::Json;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};

use crate::exchange::{Export, Format};
use crate::server::admission::work::{BodyChunks, RequestWork};
use crate::server::auth::caller::StoreAdmin;
use crate::server::auth::extract::Visible;
use crate::server::request::params::{Param, ParamType, Params};
use crate::server::response::problem::{Problem, Result};
use crate::server::rest::format::accepted;
use crate::server::rest::openapi::parameters::parameters;
use crate::server::rest::openapi::responses::{Guarded, Refused};
use crate::wire::check::CheckAnswer;

/// How many bytes of a backup are read and sent at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// The parameters of an export.
pub(super) const EXPORT: &[Param] = &[Param {
    name: "format",
    shape: ParamType::OneOf(&Format::NAMES),
    about: "json, csv or ndjson, whatever Accept says; ndjson when neither tells.",
}];

parameters!(ExportParams = EXPORT);

/// Lists everything in the form that POST takes again: units, people, projects, then what maps them.
///
/// One revision, whole. A line holds the body of a POST plus `kind`.
#[utoipa::path(
    get, path = "/api/v2/data/bulk", tag = "bulk", operation_id = "export",
    params(ExportParams),
    responses((status = 200, description = "Everything in sight.", content((String = "application/x-ndjson"), (String = "text/csv"), (Vec<Value> = "application/json"))), Refused)
)]
pub(super) async fn everything(
    Visible(view): Visible,
    work: RequestWork,
    params: Params,
    headers: HeaderMap,
) -> Result<Response> {
    let known = params.known(&[EXPORT])?;
    let format = match known.one("format").and_then(Format::named) {
        Some(format) => format,
        None if headers.contains_key(header::ACCEPT) => accepted(&headers).unwrap_or(Format::Ndjson),
        None => Format::Ndjson,
    };
    let body = work.stream(&view, Bytes::new(), Box::new(Export::new(view.clone(), format)))?;
    let content_type = HeaderValue::from_static(format.media_type());
    Ok(([(header::CONTENT_TYPE, content_type)], body).into_response())
}

/// Examines the store: file, log, graph and rules. Needs the role admin; writes wait meanwhile.
#[utoipa::path(
    post, path = "/api/v2/data/check", tag = "operations", operation_id = "check",
    responses((status = 200, description = "What was examined, and what is wrong: nothing, if `findings` is empty.", body = CheckAnswer), Guarded, Refused)
)]
pub(super) async fn check(admin: StoreAdmin, work: RequestWork) -> Result<Json<CheckAnswer>> {
    let turn = work.check_turn().await;
    let directory = admin.directory().clone();
    let checked = tokio::task::spawn_blocking(move || {
        // Held until it is done, also where nobody waits for it any more.
        let _turn = turn;
        directory.check()
    });
    Ok(Json(CheckAnswer::from(checked.await.map_err(|_| Problem::internal())??)))
}

/// Gives a consistent copy of the store's file. Needs the role admin; writes go on meanwhile.
#[utoipa::path(
    get, path = "/api/v2/data/backup", tag = "operations", operation_id = "backup",
    responses((status = 200, description = "A store, as `clade restore` takes it.", body = String, content_type = "application/octet-stream"), Guarded, Refused)
)]
pub(super) async fn backup(admin: StoreAdmin, work: RequestWork) -> Result<Response> {
    let turn = work.copy_turn().await;
    let directory = admin.directory().clone();
    // Goes with the file, also where nobody waits for it any more.
    let copied = tokio::task::spawn_blocking(move || directory.into_backup().map(|file| (file, turn)));
    let (file, turn) = copied.await.map_err(|_| Problem::internal())??;
    // The copy and its turn go with the last of it, or when nobody takes more.
    let chunks = stream::try_unfold((file, turn), |copy| async { next_chunk(copy).await });
    // The compression layer asks once more after the end.
    let body = Body::from_stream(chunks.fuse());
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"backup.redb\""),
    ];
    Ok((headers, body).into_response())
}

/// The next bytes of a copy of the store, read where it holds up nobody. One that breaks off tells its reader so.
async fn next_chunk<T: Send + 'static>(
    (mut file, turn): (File, T),
) -> io::Result<Option<(Bytes, (File, T))>> {
    let read = tokio::task::spawn_blocking(move || {
        let mut chunk = vec![0; CHUNK_BYTES];
        let count = file.read(&mut chunk)?;
        chunk.truncate(count);
        Ok((count > 0).then_some((chunk.into(), (file, turn))))
    });
    read.await?
}

impl BodyChunks for Export {
    fn next_piece(&mut self) -> Option<io::Result<Bytes>> {
        Some(Self::next_piece(self).transpose()?.map(Bytes::from))
    }
}
