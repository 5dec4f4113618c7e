//! The result of a bulk change: counts of created and updated records, or the refused ones, with advice.
//!
//! Bulk requests, GraphQL's `apply` and imports share these messages; each puts them in its own format.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::directory::View;
use crate::error::Error;
use crate::model::command::{Effect, IfExists, Outcome};
use crate::model::key::{Email, ProjectId, UnitKey};
use crate::model::mapping::MappingId;
use crate::model::reference::UnitRef;

/// Number of records of a bulk change, by effect.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) total: usize,
    pub(crate) created: usize,
    pub(crate) updated: usize,
    pub(crate) unchanged: usize,
    pub(crate) ended: usize,
}

impl Counts {
    /// Counts outcomes by their effect.
    pub(crate) fn of(outcomes: &[Outcome]) -> Self {
        let mut counts = Self { total: outcomes.len(), ..Self::default() };
        for outcome in outcomes {
            match outcome.effect {
                Effect::Created => counts.created += 1,
                Effect::Updated => counts.updated += 1,
                Effect::Unchanged => counts.unchanged += 1,
                Effect::Deleted => counts.ended += 1,
            }
        }
        counts
    }
}

/// Why one record was refused. `P` identifies the record, for instance by the number of its line.
#[derive(Debug)]
pub(crate) struct RecordRefusal<P> {
    pub(crate) place: P,
    // A `Cow`: codes of our own errors are static, those from a server's response are not.
    pub(crate) code: Cow<'static, str>,
    pub(crate) detail: String,
    /// Further members of the error: `field`, `candidates` …
    pub(crate) extensions: Map<String, Value>,
}

impl<P> RecordRefusal<P> {
    /// The refusal for an error of the directory or of the parser.
    pub(crate) fn of(place: P, why: &Error) -> Self {
        Self { place, code: why.code().into(), detail: why.to_string(), extensions: Map::new() }
    }
}

/// The refused records of a change set of `total` records: all are counted, the first ones are listed in `named`.
#[derive(Debug)]
pub(crate) struct Report<P> {
    pub(crate) total: usize,
    pub(crate) count: usize,
    pub(crate) named: Vec<RecordRefusal<P>>,
    named_max: usize,
}

impl<P> Report<P> {
    /// An empty report that lists at most `named_max` refusals.
    pub(crate) fn with_limit(named_max: usize) -> Self {
        Self { total: 0, count: 0, named: Vec::new(), named_max }
    }

    /// Counts a refusal, and lists it if the maximum is not reached.
    pub(crate) fn add(&mut self, why: impl FnOnce() -> RecordRefusal<P>) {
        // A closure, so that the texts of refusals beyond the maximum are never formatted: there may be a million.
        self.count += 1;
        if self.named.len() < self.named_max {
            self.named.push(why());
        }
    }

    /// The summary, such as "nothing was changed: 2 of 7 lines were refused". `records` is the noun in it.
    pub(crate) fn summary(&self, records: &str) -> String {
        let (count, total) = (self.count, self.total);
        let noun = if total == 1 { records.trim_end_matches('s') } else { records };
        let verb = if count == 1 { "was" } else { "were" };
        format!("nothing was changed: {count} of {total} {noun} {verb} refused")
    }

    /// The summary and the first refusal. `named` returns the name of a record, such as "line 3".
    pub(crate) fn detail(&self, records: &str, named: impl Fn(&P) -> String) -> String {
        let first = self.named.first().map(|it| format!("{}: {}", named(&it.place), it.detail));
        format!("{}; the first: {}", self.summary(records), first.unwrap_or_default())
    }
}

/// The advice to merge. `how` is the option that does it, such as `--mode upsert`.
pub(crate) fn upsert_advice(how: &str) -> String {
    format!("to merge into what exists: {how}")
}

/// Whether merging (upsert) would avoid any of the refusals: whether one of them is a duplicate of a record in `view`.
pub(crate) fn upsert_helps(view: &View, if_exists: IfExists, refusal: &Error) -> bool {
    let Error::Refused { refused, .. } = refusal else { return false };
    if_exists == IfExists::Refuse
        && refused.iter().any(|(_, why)| match why {
            // `view` is from before the change. A duplicate that is not in it is a second record of the same file or
            // an asset of a project, and those are refused in either mode.
            Error::Duplicate { kind, key, id } => exists(view, kind, key, id.as_deref()),
            _ => false,
        })
}

fn exists(view: &View, kind: &str, key: &str, id: Option<&str>) -> bool {
    match kind {
        "unit" => UnitKey::parse(key).is_ok_and(|key| view.find_unit(&UnitRef::Key(key)).is_ok()),
        "person" => Email::parse(key).is_ok_and(|email| view.person_by_email(&email).is_some()),
        "project" => ProjectId::parse(key).is_ok_and(|id| view.project_by_id(&id).is_some()),
        // A mapping has no key; the error has the id of the existing one.
        "mapping" => {
            id.and_then(|id| MappingId::parse(id).ok()).is_some_and(|id| view.mapping(&id).is_some())
        }
        _ => false,
    }
}
