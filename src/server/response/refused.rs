//! Refused change sets as problems that count and name the refused records: the lines of a bulk request, and the
//! changes of GraphQL's `apply`.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::error::Error;
use crate::exchange::{RecordRefusal, Report};
use crate::server::response::problem::Problem;

/// The words for the records of a change set in messages and JSON.
#[derive(Debug)]
pub(in crate::server) struct RecordWords {
    /// The plural, such as `lines`.
    pub(in crate::server) records: &'static str,
    /// The JSON member with the position of a refused record, such as `line`.
    pub(in crate::server) place: &'static str,
    /// One record in a sentence, such as `line 7`.
    pub(in crate::server) named: fn(usize) -> String,
}

/// The refusal of the record at a position, with the code, detail and extensions of its problem.
pub(in crate::server) fn refusal(position: usize, why: impl Into<Problem>) -> RecordRefusal<usize> {
    let Problem { code, detail, extensions, .. } = why.into();
    RecordRefusal { place: position, code: code.into(), detail, extensions }
}

/// The problem for a change set that the directory refused. `positions` gives the position of the record that each command
/// came from; `report` must be empty.
pub(in crate::server) fn by_directory(
    refusal_of_all: Error,
    positions: &[usize],
    mut report: Report<usize>,
    words: &RecordWords,
) -> Problem {
    match refusal_of_all {
        Error::Refused { refused: mut all, total } => {
            // Commands are carried out in the order of their dependencies; the client counts by its own order.
            let position_of = |at: usize| positions.get(at).copied().unwrap_or_default();
            all.sort_by_key(|(at, _)| position_of(*at));
            for (at, why) in all {
                report.add(|| refusal(position_of(at), why));
            }
            report.total = total;
            problem(report, words)
        }
        // The token was revoked while the change set waited: no record is to blame.
        Error::Unauthorized => Problem::unauthorized(),
        other => {
            let why = Problem::from(other);
            // A single command's error is named like those of several, so that clients need one way to read both.
            // Errors of the server, and those of all records together, belong to none of them.
            match positions {
                [position] if why.status.is_client_error() => {
                    report.add(|| refusal(*position, why));
                    report.total = 1;
                    problem(report, words)
                }
                _ => why,
            }
        }
    }
}

/// The problem that names the refused records: 400 if one of them could not be parsed, otherwise 422.
pub(in crate::server) fn problem(report: Report<usize>, words: &RecordWords) -> Problem {
    let is_malformed = report.named.iter().any(|refusal| refusal.code == "malformed");
    let status = if is_malformed { StatusCode::BAD_REQUEST } else { StatusCode::UNPROCESSABLE_ENTITY };
    let detail = report.detail(words.records, |position| (words.named)(*position));
    let named = |refusal: RecordRefusal<usize>| {
        let mut extensions = refusal.extensions;
        extensions.insert(words.place.to_owned(), json!(refusal.place));
        extensions.insert("code".to_owned(), json!(refusal.code));
        extensions.insert("detail".to_owned(), json!(refusal.detail));
        Value::Object(extensions)
    };
    Problem::new(status, "refused", detail)
        .with("total", report.total)
        .with("refusedCount", report.count)
        .with("refused", report.named.into_iter().map(named).collect::<Vec<_>>())
}
