//! What became of records that came together: how many were made or changed, or which were refused, and what would help.
//!
//! A bulk request, GraphQL's `apply` and an import say it in the same words; each only says them in its own form.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::directory::View;
use crate::error::Error;
use crate::model::command::{Effect, IfExists, Outcome};
use crate::model::key::{Email, ProjectId, UnitKey};
use crate::model::mapping::MappingId;
use crate::model::reference::UnitRef;

/// How many records there were, and what was done with them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) total: usize,
    pub(crate) created: usize,
    pub(crate) updated: usize,
    pub(crate) unchanged: usize,
}

impl Counts {
    /// Counts what was done.
    pub(crate) fn of(outcomes: &[Outcome]) -> Self {
        let mut counts = Self { total: outcomes.len(), ..Self::default() };
        for outcome in outcomes {
            match outcome.effect {
                Effect::Created => counts.created += 1,
                Effect::Updated | Effect::Deleted => counts.updated += 1,
                Effect::Unchanged => counts.unchanged += 1,
            }
        }
        counts
    }
}

/// Why one record was refused. `P` says which one it is: the number of a line, say.
#[derive(Debug)]
pub(crate) struct RecordRefusal<P> {
    pub(crate) place: P,
    pub(crate) code: Cow<'static, str>,
    pub(crate) detail: String,
    /// What the refusal says beside that: `field`, `candidates` …
    pub(crate) facts: Map<String, Value>,
}

impl<P> RecordRefusal<P> {
    /// Of what the directory or the reader of a record refused.
    pub(crate) fn of(place: P, why: &Error) -> Self {
        Self { place, code: why.code().into(), detail: why.to_string(), facts: Map::new() }
    }
}

/// The refused records of a change set of `total`: all are counted, and the first are named.
#[derive(Debug)]
pub(crate) struct Report<P> {
    pub(crate) total: usize,
    pub(crate) count: usize,
    pub(crate) named: Vec<RecordRefusal<P>>,
    named_max: usize,
}

impl<P> Report<P> {
    /// With no refusal yet, which is to name at most this many.
    pub(crate) fn naming(named_max: usize) -> Self {
        Self { total: 0, count: 0, named: Vec::new(), named_max }
    }

    /// Counts a refusal. `why` is not made where it is not named.
    pub(crate) fn add(&mut self, why: impl FnOnce() -> RecordRefusal<P>) {
        self.count += 1;
        if self.named.len() < self.named_max {
            self.named.push(why());
        }
    }

    /// "nothing was changed: 2 of 7 lines were refused", where the records are called `lines`.
    pub(crate) fn summary(&self, records: &str) -> String {
        format!("nothing was changed: {} of {} {records} were refused", self.count, self.total)
    }

    /// The summary, and the first refusal, whose record is called as `named` says.
    pub(crate) fn detail(&self, records: &str, named: impl Fn(&P) -> String) -> String {
        let first = self.named.first().map(|it| format!("{}: {}", named(&it.place), it.detail));
        format!("{}; the first: {}", self.summary(records), first.unwrap_or_default())
    }
}

/// The advice to merge, where `how` says so.
pub(crate) fn merging_advice(how: &str) -> String {
    format!("{how} merges into records that exist")
}

/// Whether the advice to merge would help: whether any of these refusals is of a record that `view` holds. What a file
/// names twice, or what is an asset of a project, is refused whichever way it is asked for.
pub(crate) fn merging_helps(view: &View, if_exists: IfExists, refusal: &Error) -> bool {
    let Error::Refused { refused, .. } = refusal else { return false };
    if_exists == IfExists::Refuse
        && refused.iter().any(|(_, why)| match why {
            Error::Duplicate { kind, key, id } => holds(view, kind, key, id.as_deref()),
            _ => false,
        })
}

fn holds(view: &View, kind: &str, key: &str, id: Option<&str>) -> bool {
    match kind {
        "unit" => UnitKey::parse(key).is_ok_and(|key| view.find_unit(&UnitRef::Key(key)).is_ok()),
        "person" => Email::parse(key).is_ok_and(|email| view.person_by_email(&email).is_some()),
        "project" => ProjectId::parse(key).is_ok_and(|id| view.project_by_id(&id).is_some()),
        "mapping" => {
            id.and_then(|id| MappingId::parse(id).ok()).is_some_and(|id| view.mapping(&id).is_some())
        }
        _ => false,
    }
}
