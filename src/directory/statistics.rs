//! What a directory tells of itself, in plain numbers: how much there is, and how the writer's work goes.
//!
//! What must stay true: asking costs no more than copying these numbers, and nothing here names a record.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::directory::applied::WriteTimings;
use crate::graph::Graph;
use crate::model::entity::{Kind, Revision};

/// Steps of a write take from some microseconds to some seconds. In seconds.
const DURATIONS: &[f64] =
    &[0.000_01, 0.000_03, 0.000_1, 0.000_3, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0];
/// Commands that are committed together are one or a few, and those of an import a hundred thousand.
const COMMANDS: &[f64] =
    &[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 10_000.0, 100_000.0];

/// A directory in numbers, all of one moment.
#[derive(Debug, Clone)]
pub struct Statistics {
    /// The published revision.
    pub revision: Revision,
    /// How many records of each kind there are.
    pub entities: [(Kind, u64); Kind::ALL.len()],
    /// How many mappings there are.
    pub mappings: u64,
    /// Requests that wait for the writer, or that it plans.
    pub requests_waiting: u64,
    /// How many commands each commit was of, those that were refused in it too.
    pub commit_commands: Spread,
    /// How long planning and applying took, for each commit, in seconds.
    pub planned: Spread,
    /// How long each commit took to reach the disk, in seconds.
    pub committed: Spread,
    /// How long publishing took, for each commit, in seconds.
    pub published: Spread,
    /// Commits that failed.
    pub commits_failed: u64,
    /// How often the whole graph was copied for the next draft: it is at the beginning, and where a
    /// reader stayed in the one that was to be used again, a set of commands was refused, or very much had changed.
    pub graph_copies: u64,
    /// Past revisions that readers still hold.
    pub revisions_held: u64,
    /// How long ago the oldest of those was replaced.
    pub oldest_held: Duration,
}

/// How values were spread: how many lie up to each of some bounds, and above the bound before.
#[derive(Debug, Clone)]
pub struct Spread {
    bounds: &'static [f64],
    /// One for each bound, and one for what is greater than all.
    counts: Vec<u64>,
    /// All values together.
    pub sum: f64,
}

impl Spread {
    fn new(bounds: &'static [f64]) -> Self {
        Self { bounds, counts: vec![0; bounds.len() + 1], sum: 0.0 }
    }

    fn add(&mut self, value: f64) {
        self.counts[self.bounds.partition_point(|bound| *bound < value)] += 1;
        self.sum += value;
    }

    /// How many values there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Each bound, the last one infinite, with how many values lie up to it and above the one before.
    pub fn buckets(&self) -> impl Iterator<Item = (f64, u64)> {
        let bounds = self.bounds.iter().copied().chain([f64::INFINITY]);
        bounds.zip(self.counts.iter().copied())
    }
}

/// Where the writer notes what it did.
#[derive(Debug)]
pub(super) struct WriterTally {
    waiting: Arc<AtomicU64>,
    work: Mutex<WriterWork>,
}

#[derive(Debug)]
struct WriterWork {
    commands: Spread,
    planned: Spread,
    committed: Spread,
    published: Spread,
    failed: u64,
    copies: u64,
    /// Graphs that were replaced while readers held them, and when.
    held: Vec<(Instant, Weak<Graph>)>,
}

impl Default for WriterTally {
    fn default() -> Self {
        let durations = Spread::new(DURATIONS);
        let work = WriterWork {
            commands: Spread::new(COMMANDS),
            planned: durations.clone(),
            committed: durations.clone(),
            published: durations,
            failed: 0,
            copies: 0,
            held: Vec::new(),
        };
        Self { waiting: Arc::default(), work: Mutex::new(work) }
    }
}

impl WriterTally {
    /// A batch of so many commands was committed and published.
    pub(super) fn committed(&self, commands: usize, took: WriteTimings) {
        let mut work = self.work();
        work.commands.add(f64::from(u32::try_from(commands).unwrap_or(u32::MAX)));
        work.planned.add(took.planned.as_secs_f64());
        work.committed.add(took.committed.as_secs_f64());
        work.published.add(took.published.as_secs_f64());
    }

    /// A commit failed.
    pub(super) fn failed(&self) {
        self.work().failed += 1;
    }

    /// The graph was copied.
    pub(super) fn copied(&self) {
        self.work().copies += 1;
    }

    /// A graph was replaced and will not be used again, except by the readers who hold it.
    pub(super) fn leave(&self, replaced: &Arc<Graph>) {
        let mut work = self.work();
        work.forget_dropped();
        work.held.push((Instant::now(), Arc::downgrade(replaced)));
    }

    /// Everything that it knows, beside what `graph`, the published one, holds.
    pub(super) fn statistics(&self, graph: &Graph) -> Statistics {
        let requests_waiting = self.waiting.load(Ordering::Relaxed);
        let mut work = self.work();
        work.forget_dropped();
        Statistics {
            revision: graph.revision(),
            entities: Kind::ALL.map(|kind| (kind, graph.count_of(kind))),
            mappings: graph.mapping_count(),
            requests_waiting,
            commit_commands: work.commands.clone(),
            planned: work.planned.clone(),
            committed: work.committed.clone(),
            published: work.published.clone(),
            commits_failed: work.failed,
            graph_copies: work.copies,
            revisions_held: work.held.len() as u64,
            oldest_held: work.held.first().map_or(Duration::ZERO, |(replaced, _)| replaced.elapsed()),
        }
    }

    fn work(&self) -> MutexGuard<'_, WriterWork> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WriterWork {
    fn forget_dropped(&mut self) {
        self.held.retain(|(_, graph)| graph.strong_count() > 0);
    }
}

/// One of those who wait for the writer, until this is dropped.
pub(super) struct QueuedWrite(Arc<AtomicU64>);

impl QueuedWrite {
    pub(super) fn new(tally: &WriterTally) -> Self {
        tally.waiting.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(&tally.waiting))
    }
}

impl Drop for QueuedWrite {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::Directory;
    use crate::model::CreatePerson;

    fn person(at: usize) -> CreatePerson {
        CreatePerson::new(&format!("p{at}@corp.example"))
    }

    #[test]
    fn a_value_counts_up_to_its_bound() {
        let mut spread = Spread::new(&[1.0, 2.0]);
        for value in [0.5, 1.0, 1.5, 3.0] {
            spread.add(value);
        }
        let buckets: Vec<_> = spread.buckets().map(|(_, count)| count).collect();
        assert_eq!((buckets, spread.count()), (vec![2, 1, 1], 4));
        assert!((spread.sum - 6.0).abs() < 1e-9);
    }

    #[test]
    fn a_write_counts_once_it_is_answered() {
        let directory = Directory::in_memory().unwrap();
        directory.apply([person(1).under("Corp/Web"), person(2)]).unwrap();
        directory.apply(person(1)).unwrap_err();
        let told = directory.statistics();
        assert_eq!((told.revision.0, told.mappings, told.requests_waiting), (1, 2, 0));
        assert_eq!(told.entities[..2], [(Kind::OrgUnit, 2), (Kind::Person, 2)]);
        assert_eq!((told.commit_commands.count(), told.commits_failed), (1, 0));
        assert!((told.commit_commands.sum - 2.0).abs() < 1e-9);
        for step in [told.planned, told.committed, told.published] {
            assert_eq!(step.count(), 1);
            assert!(step.sum > 0.0);
        }
    }

    #[test]
    fn what_readers_hold_is_counted_until_they_go() {
        let directory = Directory::in_memory().unwrap();
        let before = directory.view();
        let copies = directory.statistics().graph_copies;
        directory.apply(person(1)).unwrap();
        // The second is planned once the writer has left the first graph to its reader.
        directory.apply(person(2)).unwrap();
        let told = directory.statistics();
        assert_eq!(told.revisions_held, 1);
        assert!(told.oldest_held > Duration::ZERO && told.graph_copies > copies);
        drop(before);
        let told = directory.statistics();
        assert_eq!((told.revisions_held, told.oldest_held), (0, Duration::ZERO));
    }
}
