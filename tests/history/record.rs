//! The record of a run: what every client asked and heard, and when; what was done to the server meanwhile; and the verdict
//! on all of it.
//!
//! A moment is a number that is drawn before a request is sent and after its answer was read, so that moments order
//! whatever did not overlap.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::model::{Answer, Island, Op, Request};
use crate::moments;
use crate::report;
use crate::search::{Timed, check};

/// The moment when an unknown outcome is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SettledBy {
    /// Known at once.
    Answer,
    /// A disk that failed works again.
    Disk,
    /// The server was started again: nothing of a request to the one before can be done any more.
    Restart,
}

/// A request with its answer.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// The client, such as `rest 2`.
    pub(crate) client: String,
    pub(crate) island: usize,
    pub(crate) request: Request,
    /// Whether the request was a change that succeeded. Its answer then shows the directory after it.
    pub(crate) is_done: bool,
    pub(crate) answer: Answer,
    /// The revision of the directory that the answer shows, if it does.
    pub(crate) directory: Option<u64>,
    pub(crate) call: u64,
    pub(crate) ret: u64,
    pub(crate) settled_by: SettledBy,
}

/// Something done to the server.
#[derive(Debug, Clone)]
pub(crate) struct Mark {
    pub(crate) at: u64,
    pub(crate) settles: Option<SettledBy>,
    pub(crate) what: String,
}

/// The record of a run, shared by all clients.
#[derive(Default)]
pub(crate) struct History {
    moments: AtomicU64,
    entries: Mutex<Vec<Entry>>,
    marks: Mutex<Vec<Mark>>,
}

/// What was found in order.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Explained {
    pub(crate) operations: usize,
    pub(crate) unknown: usize,
    pub(crate) configurations: usize,
}

impl std::ops::AddAssign for Explained {
    fn add_assign(&mut self, other: Self) {
        self.operations += other.operations;
        self.unknown += other.unknown;
        self.configurations += other.configurations;
    }
}

impl History {
    pub(crate) fn moment(&self) -> u64 {
        self.moments.fetch_add(1, Ordering::SeqCst)
    }

    pub(crate) fn add(&self, entry: Entry) {
        self.entries.lock().unwrap().push(entry);
    }

    pub(crate) fn mark(&self, settles: Option<SettledBy>, what: impl Into<String>) {
        let at = self.moment();
        self.marks.lock().unwrap().push(Mark { at, settles, what: what.into() });
    }

    /// The number of operations so far.
    pub(crate) fn len(&self) -> usize {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        let mut entries = self.entries.lock().unwrap().clone();
        entries.sort_by_key(|entry| entry.call);
        entries
    }

    pub(crate) fn marks(&self) -> Vec<Mark> {
        self.marks.lock().unwrap().clone()
    }

    /// Checks the history.
    pub(crate) fn verdict(&self) -> Result<Explained, String> {
        verdict(&self.entries(), &self.marks())
    }
}

/// Checks entries, sorted by call: moments and revisions, then each island by the search.
pub(crate) fn verdict(entries: &[Entry], marks: &[Mark]) -> Result<Explained, String> {
    moments::check(entries)?;
    let unknown = entries.iter().filter(|entry| entry.answer == Answer::Unknown).count();
    let mut explained = Explained { operations: entries.len(), unknown, configurations: 0 };
    let islands = entries.iter().map(|entry| entry.island + 1).max().unwrap_or_default();
    for island in 0..islands {
        let of_island = entries.iter().enumerate().filter(|(_, entry)| entry.island == island);
        let ops = of_island.flat_map(|(id, entry)| ops(id, entry, marks)).collect();
        match check::<Island>(Island::default(), ops) {
            Ok(configurations) => explained.configurations += configurations,
            Err(counterexample) => {
                return Err(report::text(island, &counterexample.shrunk(), entries, marks));
            }
        }
    }
    Ok(explained)
}

/// The operations of an entry: a change and its answer are two, since the server shows the directory after the whole batch
/// that it committed, in which others may have shared.
fn ops(id: usize, entry: &Entry, marks: &[Mark]) -> Vec<Timed<Op>> {
    let op = |part: usize, answer: &Answer| Timed {
        id: 2 * id + part,
        call: entry.call,
        ret: settled(entry, marks),
        after: None,
        op: Op { request: entry.request.clone(), answer: answer.clone() },
    };
    if entry.answer == Answer::Unknown && !entry.request.is_write() {
        return Vec::new();
    }
    if !entry.is_done || entry.answer == Answer::Done {
        return vec![op(0, &entry.answer)];
    }
    let shown = Timed { after: Some(2 * id), ..op(1, &entry.answer) };
    vec![op(0, &Answer::Done), shown]
}

/// The moment from which on the outcome of the entry can no longer change.
fn settled(entry: &Entry, marks: &[Mark]) -> u64 {
    if entry.settled_by == SettledBy::Answer {
        return entry.ret;
    }
    let settles = |mark: &&Mark| {
        mark.at > entry.ret
            && (mark.settles == Some(SettledBy::Restart) || mark.settles == Some(entry.settled_by))
    };
    marks.iter().find(settles).map_or(u64::MAX, |mark| mark.at)
}
