//! Bulk import: `POST /api/v2/data/bulk` writes many records in one atomic change set.
//!
//! Invariant: all lines are written or none; a refusal names the refused lines.

use axum::Json;
use axum::body::HttpBody as _;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

use crate::exchange::{
    BulkAnswer, KeptFields, ReadOptions, ReadRecord, Report, in_order, lowest_first, read_line,
    upsert_advice, upsert_helps,
};
use crate::model::command::{Command, IfExists};
use crate::server::admission::work::RequestWork;
use crate::server::auth::caller::Principal;
use crate::server::auth::extract::Writer;
use crate::server::limits::{
    BULK_BODY_MAX_BYTES, BULK_LINES_MAX, COMMAND_BYTES, COMMANDS_MAX_BYTES, RECORD_BODY_MAX_BYTES,
    REFUSALS_LISTED_MAX,
};
use crate::server::quota::Permit;
use crate::server::request::body::{busy, content_encoding, read, read_unzipped, require_media_type};
use crate::server::request::params::{Param, ParamType, Params};
use crate::server::response::problem::{Problem, Result};
use crate::server::response::refused::{RecordWords, by_directory, problem, refusal};
use crate::server::rest::openapi::parameters::parameters;
use crate::server::rest::openapi::responses::{Bodied, Refused, Written};

/// The media types in use for newline-delimited JSON.
const MEDIA_TYPES: [&str; 3] = ["application/x-ndjson", "application/ndjson", "application/jsonl"];

/// The words for the records of a bulk request in messages.
const WORDS: RecordWords =
    RecordWords { records: "lines", place: "line", named: |line| format!("line {line}") };

/// The parameters of a bulk request.
pub(super) const BULK: &[Param] = &[
    Param {
        name: "mode",
        value_type: ParamType::OneOf(&["insert", "upsert"]),
        about: "How existing records are treated. `insert` (default): a record that exists is refused. `upsert`: the given fields are merged into it.",
    },
    Param {
        name: "dryRun",
        value_type: ParamType::Flag,
        about: "`true`: validate and report what would be done, without writing. Default: `false`.",
    },
    Param {
        name: "strict",
        value_type: ParamType::Flag,
        about: "`true`: refuse fields that records of the kind do not have, instead of keeping them as attributes. Default: `false`.",
    },
    Param {
        name: "newUnits",
        value_type: ParamType::Flag,
        about: "`false`: refuse names and paths of units that do not exist, instead of creating them. Default: `true`.",
    },
];

parameters!(BulkParams = BULK);

/// Creates, updates or ends many records atomically: all of them or none.
///
/// The body has one JSON object per line: the body of the record's POST operation, plus `kind` (`orgUnit`, `person`,
/// `project` or `mapping`). Empty lines are skipped, and lines may come in any order. At most 64 MiB and 250,000 lines;
/// at most 1 MiB per line. The body may be compressed with gzip. If a line is refused, nothing is written: `refused`
/// names the first 10,000 refused lines, numbered from 1, and `refusedCount` counts all of them.
///
/// A line with `"op": "end"` ends the record that its key names, or the mapping between its two ends. `children` says what
/// becomes of the children of a unit: `refuse` (default), `lift` or `end`.
#[utoipa::path(
    post, path = "/api/v2/data/bulk", tag = "bulk", operation_id = "bulk",
    params(BulkParams),
    request_body(content = Option<String>, content_type = "application/x-ndjson", description = "Newline-delimited JSON, one record per line."),
    responses((status = 200, description = "What was done, or would be done.", body = BulkAnswer), Bodied, Written, Refused)
)]
pub(super) async fn bulk(
    writer: Writer,
    work: RequestWork,
    params: Params,
    request: Request,
) -> Result<Response> {
    let params = params.parse(&[BULK])?;
    let if_exists = if params.one("mode") == Some("upsert") { IfExists::Merge } else { IfExists::Refuse };
    let dry_run = params.flag("dryRun").unwrap_or(false);
    let options = ReadOptions { if_exists, is_strict: params.flag("strict").unwrap_or(false) };
    let makes_units = params.flag("newUnits").unwrap_or(true);
    let body = body(&work, request).await?;
    let limits = work.clone();
    // On the blocking pool: parsing a large body would block other requests of this worker. The closure owns the body,
    // so its memory is given back before the commands wait for the writer. `_permit` counts the commands until the end.
    let ((mut numbered, kept), _permit) =
        limits.run_heavy(move || parse_commands(&work, &body, options)).await?;
    lowest_first(&mut numbered, &writer.view());
    let (lines, commands): (Vec<usize>, Vec<Command>) = numbered.into_iter().unzip();
    if commands.is_empty() {
        return Ok(Json(BulkAnswer { dry_run, ..BulkAnswer::default() }).into_response());
    }
    let done = if dry_run {
        limits.dry_run(commands, makes_units).await
    } else {
        writer.apply_set(commands, makes_units).await
    };
    let written = done.map_err(|refusal| {
        // Asked of a new view: holding one while the writer works would keep an old revision of the graph in memory.
        let helps = upsert_helps(&writer.view(), if_exists, &refusal);
        let problem = by_directory(refusal, &lines, report(), &WORDS);
        if helps { with_merging_advice(problem) } else { problem }
    })?;
    Ok(Json(BulkAnswer::of(&written, kept, dry_run)).into_response())
}

async fn body(work: &RequestWork, request: Request) -> Result<Bytes> {
    // An empty body without a Content-Type is accepted as no records: clients omit the type when they send nothing.
    let is_empty = request.body().size_hint().exact() == Some(0);
    if !is_empty || request.headers().contains_key(header::CONTENT_TYPE) {
        require_media_type(request.headers(), &MEDIA_TYPES)?;
    }
    let encoding = content_encoding(request.headers());
    let body = request.into_body();
    match encoding.as_deref() {
        None => read(work, body, BULK_BODY_MAX_BYTES).await,
        Some("gzip") => read_unzipped(work, body, BULK_BODY_MAX_BYTES).await,
        Some(other) => Err(Problem::unsupported_encoding(
            "gzip, identity",
            format!("Content-Encoding {other:?} is not supported here; send gzip or no encoding"),
        )),
    }
}

/// Commands, each with the number of its line, counted from 1.
type NumberedCommands = Vec<(usize, Command)>;

/// Parses the lines of a body into commands in dependency order and the unknown fields, with the permit for the memory of
/// the commands.
fn parse_commands(
    work: &RequestWork,
    body: &[u8],
    options: ReadOptions,
) -> Result<((NumberedCommands, KeptFields), Permit<Principal>)> {
    let lines = body.split(|byte| *byte == b'\n').zip(1..);
    let lines = lines.filter(|(text, _): &(&[u8], usize)| !text.trim_ascii().is_empty());
    // Counted before anything is parsed: a body of tiny lines takes far more memory as commands than as text. One more
    // than the maximum is enough to know.
    let count = lines.clone().take(BULK_LINES_MAX + 1).count();
    if count > BULK_LINES_MAX {
        return Err(too_many());
    }
    // The cap keeps body and commands together within one caller's quota.
    let permit = work.memory((count * COMMAND_BYTES).min(COMMANDS_MAX_BYTES)).map_err(busy)?;
    Ok((commands(lines, options)?, permit))
}

fn commands<'b>(
    lines: impl Iterator<Item = (&'b [u8], usize)>,
    options: ReadOptions,
) -> Result<(NumberedCommands, KeptFields)> {
    let mut commands = Vec::new();
    let mut kept = KeptFields::default();
    let mut refused = report();
    for (text, line) in lines {
        if text.len() > RECORD_BODY_MAX_BYTES {
            refused.add(|| refusal(line, too_long()));
            continue;
        }
        // Files from Windows end lines with CR LF.
        match read_line(text.strip_suffix(b"\r").unwrap_or(text), options) {
            Ok(ReadRecord { command, unknown }) => {
                commands.push((line, command));
                kept.add(unknown);
            }
            Err(why) => refused.add(|| refusal(line, why)),
        }
    }
    // All lines are parsed even after a refusal, so that one response names every mistake of a file.
    refused.total = refused.count + commands.len();
    if refused.count > 0 {
        return Err(problem(refused, &WORDS));
    }
    // Lines may refer to later lines; the writer carries out commands in sequence.
    let ordered = in_order(commands).map_err(|cycle| {
        for (line, why) in cycle {
            refused.add(|| refusal(line, why));
        }
        problem(refused, &WORDS)
    })?;
    Ok((ordered, kept))
}

fn too_many() -> Problem {
    let detail = format!(
        "a bulk request may have at most {BULK_LINES_MAX} lines; split it into several requests, or use clade import"
    );
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail).with("limit", BULK_LINES_MAX)
}

fn too_long() -> Problem {
    let detail = format!("the line is too long; a record may have at most {RECORD_BODY_MAX_BYTES} bytes");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail).with("limit", RECORD_BODY_MAX_BYTES)
}

/// Adds the advice to merge into existing records.
fn with_merging_advice(mut problem: Problem) -> Problem {
    problem.detail.push_str("; ");
    problem.detail.push_str(&upsert_advice("mode=upsert"));
    problem.with("mergingHelps", true)
}

fn report() -> Report<usize> {
    Report::with_limit(REFUSALS_LISTED_MAX)
}
