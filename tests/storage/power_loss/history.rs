//! The life of one store under power loss: opened, changed, cut off, reopened, and checked each time.

use std::ops::AddAssign;
use std::sync::Arc;
use std::thread;

use clade::graph::Graph;
use clade::model::Revision;
use clade::model::change::{Batch, Change, ChangeSet};
use clade::model::entity::Body;
use clade::store::Store;
use clade::{Directory, Error, View};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::disk::Disk;

use crate::support::random_changes;

/// Power losses per history, not counting those while the store is reopened.
const LIVES: u64 = 6;
/// Maximum disk calls before a power loss.
const CALLS_MAX: u64 = 400;
/// More disk calls than opening a store takes.
const CALLS_TO_OPEN: u64 = 60;
/// Maximum changes per thread before a regular close.
const CHANGES_MAX: usize = 40;

/// Counters over all histories.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// Power losses.
    pub(crate) cuts: u64,
    /// Power losses while the store was opened.
    pub(crate) while_opening: u64,
    /// Power losses after the store was closed.
    pub(crate) after_closing: u64,
    /// Acknowledged changes.
    pub(crate) answered: u64,
    /// Batches that survived without an acknowledgement.
    pub(crate) there_unanswered: u64,
}

impl AddAssign for Told {
    fn add_assign(&mut self, more: Self) {
        self.cuts += more.cuts;
        self.while_opening += more.while_opening;
        self.after_closing += more.after_closing;
        self.answered += more.answered;
        self.there_unanswered += more.there_unanswered;
    }
}

pub(crate) struct History {
    seed: u64,
    random: StdRng,
    disk: Disk,
    /// Whether the disk has a store.
    is_made: bool,
    /// The state that was acknowledged.
    published: Option<View>,
    /// The marks of acknowledged change sets.
    answered: Vec<String>,
    told: Told,
}

impl History {
    pub(crate) fn begin(seed: u64) -> Self {
        let random = StdRng::seed_from_u64(seed);
        let disk = Disk::new(seed);
        Self {
            seed,
            random,
            disk,
            is_made: false,
            published: None,
            answered: Vec::new(),
            told: Told::default(),
        }
    }

    pub(crate) fn run(mut self) -> Told {
        for life in 0..LIVES {
            let directory = self.open();
            self.examine(&directory);
            let calls = self.random.random_range(0..CALLS_MAX);
            self.disk.cut_after(calls);
            self.live(&directory, life);
            self.published = Some(directory.view());
            if self.random.random_ratio(1, 4) {
                drop(directory);
                self.told.after_closing += u64::from(!self.disk.is_off());
                self.cut();
            } else {
                // The process dies with the power and does not close the store.
                self.cut();
                drop(directory);
            }
        }
        let directory = self.open();
        self.examine(&directory);
        self.told
    }

    fn cut(&mut self) {
        self.disk = self.disk.power_lost();
        self.told.cuts += 1;
    }

    /// Opens the store, sometimes with power losses meanwhile.
    fn open(&mut self) -> Directory {
        while self.random.random_ratio(1, 3) {
            if !self.is_made {
                self.disk = Disk::new(self.random.random());
            }
            let calls = self.random.random_range(0..CALLS_TO_OPEN);
            self.disk.cut_after(calls);
            let opened = open(&self.disk);
            self.is_made |= opened.is_ok();
            self.cut();
            drop(opened);
            self.told.while_opening += 1;
        }
        if !self.is_made {
            // A file gets its name once it is a store, so what was cut off before is not there.
            self.disk = Disk::new(self.random.random());
            self.is_made = true;
        }
        open(&self.disk).unwrap_or_else(|failure| panic!("the store cannot be opened: {failure:?}"))
    }

    /// Applies changes until the power loss or their maximum number.
    fn live(&mut self, directory: &Directory, life: u64) {
        let threads = if self.random.random_ratio(1, 3) { 3 } else { 1 };
        let seeds: Vec<u64> = (0..threads).map(|_| self.random.random()).collect();
        let disk = &self.disk;
        let name = |thread, change| format!("s{}-{life}-{thread}-{change}", self.seed);
        let done: Vec<(u64, Vec<String>)> = thread::scope(|scope| {
            let work = seeds.into_iter().enumerate().map(|(thread, seed)| {
                scope.spawn(move || {
                    let random = StdRng::seed_from_u64(seed);
                    ask(directory, disk, random, |change| name(thread, change))
                })
            });
            let work: Vec<_> = work.collect();
            work.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for (answered, marks) in done {
            self.told.answered += answered;
            self.answered.extend(marks);
        }
    }

    /// Compares the opened store with all acknowledged changes.
    fn examine(&mut self, directory: &Directory) {
        examine_store(directory);
        let view = directory.view();
        for mark in &self.answered {
            assert!(is_there(&view, mark), "{mark} was answered, and is gone");
        }
        let Some(published) = &self.published else { return };
        let (before, now) = (published.revision(), view.revision());
        assert!(now == before || now == before.next(), "revision {now} after {before}");
        let replayed = replayed(directory, before);
        assert_eq!(published.differences(&replayed), Vec::<String>::new(), "what was answered has changed");
        if now > before {
            self.told.there_unanswered += 1;
            let unanswered = directory.log(now).unwrap().next().unwrap().unwrap();
            unanswered.sets.iter().for_each(is_whole);
        }
    }
}

fn open(disk: &Disk) -> Result<Directory, Error> {
    let disk = disk.clone();
    Directory::with_store(Store::with_backends(move || Ok(disk.clone()))?)
}

/// Applies one change after another; returns the number of acknowledged ones and the marks of their sets.
fn ask(
    directory: &Directory,
    disk: &Disk,
    mut random: StdRng,
    name: impl Fn(usize) -> String,
) -> (u64, Vec<String>) {
    let mut answered = 0;
    let mut marks = Vec::new();
    for change in 0..random.random_range(1..CHANGES_MAX) {
        let asked = random_changes::next(&mut random, name(change));
        match directory.apply(asked.commands) {
            Ok(_) => {
                answered += 1;
                marks.extend(asked.mark);
            }
            Err(Error::Store(_)) => {
                assert!(disk.is_off(), "the disk was well");
                break;
            }
            Err(refusal) => {
                assert!(asked.mark.is_none(), "a set that cannot be refused was: {refusal}");
            }
        }
    }
    (answered, marks)
}

/// Checks that graph, tables and log agree and break no rule.
pub(crate) fn examine_store(directory: &Directory) {
    assert_eq!(directory.check().unwrap().findings, Vec::<String>::new());
    let view = directory.view();
    let replayed = replayed(directory, view.revision());
    assert_eq!(view.differences(&replayed), Vec::<String>::new(), "the log replays to something else");
}

/// The directory at a revision, replayed from the log.
fn replayed(directory: &Directory, until: Revision) -> View {
    let mut graph = Graph::default();
    let batches = directory.log(Revision(1)).unwrap().map(Result::unwrap);
    batches.take_while(|batch: &Batch| batch.revision <= until).for_each(|batch| graph.apply_batch(&batch));
    View::of(Arc::new(graph))
}

pub(crate) fn is_there(view: &View, mark: &str) -> bool {
    let there = random_changes::marks(mark).map(|email| view.person_by_email(&email).is_some());
    assert_eq!(there[0], there[1], "{mark} is there in part");
    there[0]
}

/// Checks that a set with its first marker person has its last.
fn is_whole(set: &ChangeSet) {
    let mark = |which: &str, change: &Change| match change {
        Change::PutEntity(entity) => match &entity.body {
            Body::Person(person) => {
                let mark = person.email.as_str().strip_prefix(which)?.strip_suffix(".mark.example")?;
                Some(mark.to_owned())
            }
            _ => None,
        },
        _ => None,
    };
    let marks = |which| set.changes.iter().filter_map(|change| mark(which, change)).collect::<Vec<_>>();
    assert_eq!(marks("first@"), marks("last@"), "a set is there in part");
}
