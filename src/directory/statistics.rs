//! Statistics for metrics: numbers of records, and counts, timings and histograms of the writer.
//!
//! Invariant: reading the statistics costs no more than copying the numbers, and they never contain names of records.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::directory::applied::WriteTimings;
use crate::graph::Graph;
use crate::model::entity::{Kind, Revision};

/// Histogram bounds for durations, in seconds.
// Steps of a write take from microseconds for one record to seconds for an import.
const DURATIONS: &[f64] =
    &[0.000_01, 0.000_03, 0.000_1, 0.000_3, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0];
/// Histogram bounds for commands per commit.
// Dense up to a few hundred, since usual commits have one or a few commands; sparse above, for imports.
const COMMANDS: &[f64] =
    &[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 10_000.0, 100_000.0];

/// A snapshot of a directory's statistics.
///
/// ```
/// let directory = clade::Directory::in_memory()?;
/// directory.apply(clade::CreatePerson::new("ada@corp.example").under("Corp"))?;
/// let now = directory.statistics();
/// assert!(now.entities.contains(&(clade::Kind::Person, 1)));
/// assert_eq!((now.revision.0, now.mappings, now.requests_waiting), (1, 1, 0));
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Statistics {
    /// The published revision.
    pub revision: Revision,
    /// The number of entities of each kind.
    pub entities: [(Kind, u64); Kind::ALL.len()],
    /// The number of mappings.
    pub mappings: u64,
    /// Requests that are queued for the writer or being planned.
    pub requests_waiting: u64,
    /// Commands per commit, including refused ones.
    pub commit_commands: Histogram,
    /// Seconds per commit for planning and applying.
    pub planned: Histogram,
    /// Seconds per commit for writing and syncing.
    pub committed: Histogram,
    /// Seconds per commit for publishing.
    pub published: Histogram,
    /// The number of failed commits.
    pub commits_failed: u64,
    /// How often the whole graph was copied for the next draft: at startup, when a reader kept using the graph that was
    /// to be reused, when a set of commands was refused, and after a bulk change.
    pub graph_copies: u64,
    /// The number of replaced graphs that readers still use.
    pub revisions_retained: u64,
    /// The time since the oldest of those was replaced; zero if there are none.
    pub oldest_retained: Duration,
}

/// A histogram.
///
/// ```
/// let directory = clade::Directory::in_memory()?;
/// directory.apply(["ada@corp.example", "eve@corp.example"].map(clade::CreatePerson::new))?;
/// let commands = directory.statistics().commit_commands;
/// assert_eq!((commands.count(), commands.sum), (1, 2.0), "one commit, of two commands");
/// assert!(commands.buckets().any(|bucket| bucket == (2.0, 1)), "it is in the bucket up to 2");
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Histogram {
    bounds: &'static [f64],
    /// One count per bound, and one for values above all bounds.
    counts: Vec<u64>,
    /// The sum of all values.
    pub sum: f64,
}

impl Histogram {
    fn new(bounds: &'static [f64]) -> Self {
        Self { bounds, counts: vec![0; bounds.len() + 1], sum: 0.0 }
    }

    fn add(&mut self, value: f64) {
        // `<`, so that a value equal to a bound falls below it: Prometheus buckets are inclusive (`le`).
        self.counts[self.bounds.partition_point(|bound| *bound < value)] += 1;
        self.sum += value;
    }

    /// The number of values.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Each bound, the last one infinite, with the number of values up to it and above the bound before.
    pub fn buckets(&self) -> impl Iterator<Item = (f64, u64)> {
        let bounds = self.bounds.iter().copied().chain([f64::INFINITY]);
        bounds.zip(self.counts.iter().copied())
    }
}

/// The counters of the writer.
#[derive(Debug)]
pub(super) struct WriterTally {
    waiting: Arc<AtomicU64>,
    work: Mutex<WriterWork>,
}

#[derive(Debug)]
struct WriterWork {
    commands: Histogram,
    planned: Histogram,
    committed: Histogram,
    published: Histogram,
    failed: u64,
    copies: u64,
    /// Replaced graphs that readers may still use, and when they were replaced.
    // `Weak`, so that counting a graph does not keep it in memory.
    replaced: Vec<(Instant, Weak<Graph>)>,
}

impl Default for WriterTally {
    fn default() -> Self {
        let durations = Histogram::new(DURATIONS);
        let work = WriterWork {
            commands: Histogram::new(COMMANDS),
            planned: durations.clone(),
            committed: durations.clone(),
            published: durations,
            failed: 0,
            copies: 0,
            replaced: Vec::new(),
        };
        Self { waiting: Arc::default(), work: Mutex::new(work) }
    }
}

impl WriterTally {
    /// Records a batch of `commands` commands that was committed and published.
    pub(super) fn committed(&self, commands: usize, took: WriteTimings) {
        let mut work = self.work();
        work.commands.add(f64::from(u32::try_from(commands).unwrap_or(u32::MAX)));
        work.planned.add(took.planned.as_secs_f64());
        work.committed.add(took.committed.as_secs_f64());
        work.published.add(took.published.as_secs_f64());
    }

    /// Records a failed commit.
    pub(super) fn failed(&self) {
        self.work().failed += 1;
    }

    /// Records a copy of the graph.
    pub(super) fn copied(&self) {
        self.work().copies += 1;
    }

    /// Records a replaced graph, which from now on only readers use.
    pub(super) fn track_replaced(&self, replaced: &Arc<Graph>) {
        let mut work = self.work();
        // Here too, so that the list does not grow where nobody reads the statistics.
        work.forget_dropped();
        work.replaced.push((Instant::now(), Arc::downgrade(replaced)));
    }

    /// The counters, with the numbers of records in `graph`, the published one.
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
            revisions_retained: work.replaced.len() as u64,
            oldest_retained: work.replaced.first().map_or(Duration::ZERO, |(replaced, _)| replaced.elapsed()),
        }
    }

    fn work(&self) -> MutexGuard<'_, WriterWork> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WriterWork {
    fn forget_dropped(&mut self) {
        self.replaced.retain(|(_, graph)| graph.strong_count() > 0);
    }
}

/// Counts a request as waiting until this is dropped.
// A guard, so that requests count down however they end: planned, refused, or dropped with the queue.
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
    fn bounds_are_inclusive() {
        let mut histogram = Histogram::new(&[1.0, 2.0]);
        for value in [0.5, 1.0, 1.5, 3.0] {
            histogram.add(value);
        }
        let buckets: Vec<_> = histogram.buckets().map(|(_, count)| count).collect();
        assert_eq!((buckets, histogram.count()), (vec![2, 1, 1], 4));
        assert!((histogram.sum - 6.0).abs() < 1e-9);
    }

    #[test]
    fn a_write_is_counted_before_its_reply() {
        let directory = Directory::in_memory().unwrap();
        directory.apply([person(1).under("Corp/Web"), person(2)]).unwrap();
        directory.apply(person(1)).unwrap_err();
        let statistics = directory.statistics();
        assert_eq!((statistics.revision.0, statistics.mappings, statistics.requests_waiting), (1, 2, 0));
        assert_eq!(statistics.entities[..2], [(Kind::OrgUnit, 2), (Kind::Person, 2)]);
        assert_eq!((statistics.commit_commands.count(), statistics.commits_failed), (1, 0));
        assert!((statistics.commit_commands.sum - 2.0).abs() < 1e-9);
        for step in [statistics.planned, statistics.committed, statistics.published] {
            assert_eq!(step.count(), 1);
            assert!(step.sum > 0.0);
        }
    }

    #[test]
    fn replaced_graphs_are_counted_while_readers_use_them() {
        let directory = Directory::in_memory().unwrap();
        let before = directory.view();
        let copies = directory.statistics().graph_copies;
        directory.apply(person(1)).unwrap();
        // The second is planned once the writer has left the first graph to its reader.
        directory.apply(person(2)).unwrap();
        let statistics = directory.statistics();
        assert_eq!(statistics.revisions_retained, 1);
        assert!(statistics.oldest_retained > Duration::ZERO && statistics.graph_copies > copies);
        drop(before);
        let statistics = directory.statistics();
        assert_eq!((statistics.revisions_retained, statistics.oldest_retained), (0, Duration::ZERO));
    }
}
