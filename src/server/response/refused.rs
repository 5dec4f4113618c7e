//! A change set that was refused, as a problem that counts and names what is to blame: a bulk request's lines, and
//! the changes of GraphQL's `apply`.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::error::Error;
use crate::exchange::{RecordRefusal, Report};
use crate::server::response::problem::Problem;

/// What the records of a change set are called.
#[derive(Debug)]
pub(in crate::server) struct RecordWords {
    /// All of them: `lines`.
    pub(in crate::server) records: &'static str,
    /// The member of a named refusal that says which it is: `line`.
    pub(in crate::server) place: &'static str,
    /// One of them in a sentence: `line 7`.
    pub(in crate::server) named: fn(usize) -> String,
}

/// Why one record was refused, with all that the problem says.
pub(in crate::server) fn refusal(place: usize, why: impl Into<Problem>) -> RecordRefusal<usize> {
    let Problem { code, detail, facts, .. } = why.into();
    RecordRefusal { place, code: code.into(), detail, facts }
}

/// What the directory refused; `places` says which record each command came from, and `report` is still empty.
pub(in crate::server) fn by_directory(
    refusal_of_all: Error,
    places: &[usize],
    mut report: Report<usize>,
    words: &RecordWords,
) -> Problem {
    match refusal_of_all {
        Error::Refused { refused: mut all, total } => {
            let place_of = |at: usize| places.get(at).copied().unwrap_or_default();
            all.sort_by_key(|(at, _)| place_of(*at));
            for (at, why) in all {
                report.add(|| refusal(place_of(at), why));
            }
            report.total = total;
            problem(report, words)
        }
        Error::Unauthorized => Problem::unauthorized(),
        other => {
            let why = Problem::from(other);
            match places {
                [place] if why.status.is_client_error() => {
                    report.add(|| refusal(*place, why));
                    report.total = 1;
                    problem(report, words)
                }
                _ => why,
            }
        }
    }
}

/// The one answer that names every refused record. A record that cannot be read makes the whole malformed.
pub(in crate::server) fn problem(report: Report<usize>, words: &RecordWords) -> Problem {
    let is_malformed = report.named.iter().any(|refusal| refusal.code == "malformed");
    let status = if is_malformed { StatusCode::BAD_REQUEST } else { StatusCode::UNPROCESSABLE_ENTITY };
    let detail = report.detail(words.records, |place| (words.named)(*place));
    let named = |refusal: RecordRefusal<usize>| {
        let mut facts = refusal.facts;
        facts.insert(words.place.to_owned(), json!(refusal.place));
        facts.insert("code".to_owned(), json!(refusal.code));
        facts.insert("detail".to_owned(), json!(refusal.detail));
        Value::Object(facts)
    };
    Problem::new(status, "refused", detail)
        .with("total", report.total)
        .with("refusedCount", report.count)
        .with("refused", report.named.into_iter().map(named).collect::<Vec<_>>())
}
