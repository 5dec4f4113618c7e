//! Many records in one atomic change set, and an answer that names every refused line.

use axum::Json;
use axum::body::HttpBody as _;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;
use utoipa::ToSchema;

use crate::exchange::{Counts, Report, command_of_line, in_order, merging_advice, merging_helps};
use crate::model::command::{Command, IfExists};
use crate::server::admission::work::RequestWork;
use crate::server::auth::caller::Principal;
use crate::server::auth::extract::Writer;
use crate::server::limits::{
    BULK_BODY_MAX_BYTES, BULK_LINES_MAX, COMMAND_BYTES, COMMANDS_MAX_BYTES, RECORD_BODY_MAX_BYTES,
    REFUSALS_NAMED_MAX,
};
use crate::server::quota::Permit;
use crate::server::request::body::{
    busy, content_encoding, read, read_unzipped, require_media_type, unsupported,
};
use crate::server::request::params::{Param, ParamType, Params};
use crate::server::response::problem::{Problem, Result};
use crate::server::response::refused::{RecordWords, by_directory, problem, refusal};
use crate::server::rest::openapi::parameters::parameters;
use crate::server::rest::openapi::responses::{Bodied, Refused, Written};

/// The media types that a bulk body may have.
const MEDIA_TYPES: [&str; 3] = ["application/x-ndjson", "application/ndjson", "application/jsonl"];

/// What the records of a bulk request are called.
const WORDS: RecordWords =
    RecordWords { records: "lines", place: "line", named: |line| format!("line {line}") };

/// The parameters of a bulk request.
pub(super) const BULK: &[Param] = &[
    Param {
        name: "mode",
        shape: ParamType::OneOf(&["insert", "upsert"]),
        about: "insert: a record that exists is refused. upsert: what is given is merged into it. insert when not given.",
    },
    Param { name: "dryRun", shape: ParamType::Flag, about: "true: say what would be done, and do nothing." },
];

parameters!(BulkParams = BULK);

/// What a bulk request did, or would do.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct BulkAnswer {
    /// Whether nothing was done.
    dry_run: bool,
    /// How many records there were.
    total: usize,
    /// How many were made.
    created: usize,
    /// How many changed.
    updated: usize,
    /// How many were already so.
    unchanged: usize,
}

/// Makes or changes many records: all of them, or none.
///
/// One JSON object a line, each the body of its POST plus `kind`: orgUnit, person, project or mapping. Empty lines
/// are skipped. The order of the lines does not matter. A refusal counts the refused lines and names them, the first of
/// many, counted from 1. The body may be encoded with gzip.
#[utoipa::path(
    post, path = "/api/v2/data/bulk", tag = "bulk", operation_id = "bulk",
    params(BulkParams),
    request_body(content = Option<String>, content_type = "application/x-ndjson", description = "One record a line."),
    responses((status = 200, description = "What was done.", body = BulkAnswer), Bodied, Written, Refused)
)]
pub(super) async fn bulk(
    writer: Writer,
    work: RequestWork,
    params: Params,
    request: Request,
) -> Result<Response> {
    let known = params.known(&[BULK])?;
    let if_exists = if known.one("mode") == Some("upsert") { IfExists::Merge } else { IfExists::Refuse };
    let dry_run = known.flag("dryRun").unwrap_or(false);
    let body = body(&work, request).await?;
    let limits = work.clone();
    let (numbered, _held) = limits.run_heavy(move || numbered(&work, &body, if_exists)).await?;
    let (lines, commands): (Vec<usize>, Vec<Command>) = numbered.into_iter().unzip();
    let total = commands.len();
    if total == 0 {
        return Ok(Json(BulkAnswer { dry_run, ..BulkAnswer::default() }).into_response());
    }
    let done = if dry_run { limits.dry_run(commands).await } else { writer.apply(commands).await };
    let written = done.map_err(|refusal| {
        let helps = merging_helps(&writer.view(), if_exists, &refusal);
        let problem = by_directory(refusal, &lines, report(), &WORDS);
        if helps { advised(problem) } else { problem }
    })?;
    let Counts { created, updated, unchanged, .. } = Counts::of(&written.outcomes);
    Ok(Json(BulkAnswer { dry_run, total, created, updated, unchanged }).into_response())
}

async fn body(work: &RequestWork, request: Request) -> Result<Bytes> {
    // Nothing at all is no records, of whatever type.
    let is_nothing = request.body().size_hint().exact() == Some(0);
    if !is_nothing || request.headers().contains_key(header::CONTENT_TYPE) {
        require_media_type(request.headers(), &MEDIA_TYPES)?;
    }
    let encoding = content_encoding(request.headers());
    let (head, body) = request.into_parts();
    match encoding.as_deref() {
        None => read(work, &head.headers, body, BULK_BODY_MAX_BYTES).await,
        Some("gzip") => read_unzipped(work, &head.headers, body, BULK_BODY_MAX_BYTES).await,
        Some(other) => {
            Err(unsupported(&format!("Content-Encoding {other:?} is not taken here; send gzip or none")))
        }
    }
}

/// Commands, each with the number of its line.
type Numbered = Vec<(usize, Command)>;

/// The command of every line, in the order in which they are carried out, and the memory that they take. What they are
/// read from counts until then.
fn numbered(work: &RequestWork, body: &[u8], if_exists: IfExists) -> Result<(Numbered, Permit<Principal>)> {
    let lines = body.split(|byte| *byte == b'\n').zip(1..);
    let lines = lines.filter(|(text, _): &(&[u8], usize)| !text.trim_ascii().is_empty());
    let count = lines.clone().take(BULK_LINES_MAX + 1).count();
    if count > BULK_LINES_MAX {
        return Err(too_many());
    }
    let held = work.memory((count * COMMAND_BYTES).min(COMMANDS_MAX_BYTES)).map_err(busy)?;
    Ok((commands(lines, if_exists)?, held))
}

fn commands<'b>(lines: impl Iterator<Item = (&'b [u8], usize)>, if_exists: IfExists) -> Result<Numbered> {
    let mut commands = Vec::new();
    let mut refused = report();
    for (text, line) in lines {
        if text.len() > RECORD_BODY_MAX_BYTES {
            refused.add(|| refusal(line, too_long()));
            continue;
        }
        match command_of_line(text.strip_suffix(b"\r").unwrap_or(text), if_exists) {
            Ok(command) => commands.push((line, command)),
            Err(why) => refused.add(|| refusal(line, why)),
        }
    }
    refused.total = refused.count + commands.len();
    if refused.count > 0 {
        return Err(problem(refused, &WORDS));
    }
    in_order(commands).map_err(|cycle| {
        for (line, why) in cycle {
            refused.add(|| refusal(line, why));
        }
        problem(refused, &WORDS)
    })
}

fn too_many() -> Problem {
    let detail = format!(
        "a bulk request may have at most {BULK_LINES_MAX} lines; send them in several, or import them"
    );
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail).with("limit", BULK_LINES_MAX)
}

fn too_long() -> Problem {
    let detail = format!("the line is longer than a record may be: {RECORD_BODY_MAX_BYTES} bytes");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail).with("limit", RECORD_BODY_MAX_BYTES)
}

/// With the advice to merge into the records that exist.
fn advised(mut problem: Problem) -> Problem {
    problem.detail.push_str("; ");
    problem.detail.push_str(&merging_advice("mode=upsert"));
    problem.with("mergingHelps", true)
}

fn report() -> Report<usize> {
    Report::naming(REFUSALS_NAMED_MAX)
}
