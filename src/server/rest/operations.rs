//! The whole store at once: exported, examined, copied. Bodies are streamed while they are made.

use std::io::{self, Read, Write};

use axum::Json;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use tokio::sync::mpsc;

use crate::exchange::{Format, export};
use crate::server::admission::work::Work;
use crate::server::auth::caller::StoreAdmin;
use crate::server::auth::extract::Visible;
use crate::server::request::params::{Param, Params, Shape};
use crate::server::response::problem::{Problem, Result};
use crate::server::rest::docs::{Guarded, Refused};
use crate::server::rest::format::accepted;
use crate::server::rest::parameters::parameters;
use crate::wire::check::CheckAnswer;

/// How many bytes are sent at a time.
const CHUNK_BYTES: usize = 64 * 1024;
/// How many chunks wait for a slow reader.
const CHUNKS_WAITING: usize = 4;

/// The parameters of an export.
pub(super) const EXPORT: &[Param] = &[Param {
    name: "format",
    shape: Shape::OneOf(&Format::NAMES),
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
    params: Params,
    headers: HeaderMap,
) -> Result<Response> {
    let known = params.known(&[EXPORT])?;
    let format = match known.one("format").and_then(Format::named) {
        Some(format) => format,
        None if headers.contains_key(header::ACCEPT) => accepted(&headers).unwrap_or(Format::Ndjson),
        None => Format::Ndjson,
    };
    let (chunks, body) = streamed();
    tokio::task::spawn_blocking(move || {
        let mut out = io::BufWriter::with_capacity(CHUNK_BYTES, chunks);
        // A reader who has gone needs no more.
        let _gone = export(&view, format, &mut out).and_then(|()| out.flush());
    });
    let content_type = HeaderValue::from_static(format.media_type());
    Ok(([(header::CONTENT_TYPE, content_type)], body).into_response())
}

/// Examines the store: file, log, graph and rules. Needs the role admin; writes wait meanwhile.
#[utoipa::path(
    post, path = "/api/v2/data/check", tag = "operations", operation_id = "check",
    responses((status = 200, description = "What was examined, and what is wrong: nothing, if `findings` is empty.", body = CheckAnswer), Guarded, Refused)
)]
pub(super) async fn check(admin: StoreAdmin, work: Work) -> Result<Json<CheckAnswer>> {
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
pub(super) async fn backup(admin: StoreAdmin, work: Work) -> Result<Response> {
    let turn = work.copy_turn().await;
    let directory = admin.directory().clone();
    // The turn is over once the file is, also where nobody waits for it any more.
    let copied = tokio::task::spawn_blocking(move || directory.into_backup().map(|file| (file, turn)));
    let (file, turn) = copied.await.map_err(|_| Problem::internal())??;
    let (chunks, body) = streamed();
    tokio::task::spawn_blocking(move || {
        send_all(file, &chunks.0);
        drop(turn);
    });
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"backup.redb\""),
    ];
    Ok((headers, body).into_response())
}

/// Sends a file to its end. One that breaks off must not look whole, so its reader hears of that.
fn send_all(mut file: impl Read, chunks: &mpsc::Sender<io::Result<Bytes>>) {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = match file.read(&mut chunk) {
            Ok(0) => return,
            Ok(count) => Ok(Bytes::copy_from_slice(&chunk[..count])),
            Err(failure) => Err(failure),
        };
        let broke_off = read.is_err();
        if chunks.blocking_send(read).is_err() || broke_off {
            return;
        }
    }
}

/// A body, and where to write it. A slow reader slows the writer.
fn streamed() -> (Chunks, Body) {
    let (sender, receiver) = mpsc::channel::<io::Result<Bytes>>(CHUNKS_WAITING);
    let chunks = stream::unfold(receiver, |mut receiver| async move {
        let chunk = receiver.recv().await?;
        Some((chunk, receiver))
    });
    // Compression asks once more after the end.
    (Chunks(sender), Body::from_stream(chunks.fuse()))
}

struct Chunks(mpsc::Sender<io::Result<Bytes>>);

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let chunk = Bytes::copy_from_slice(bytes);
        self.0.blocking_send(Ok(chunk)).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
