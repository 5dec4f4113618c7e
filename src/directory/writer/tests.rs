//! Tests of the writer thread: requests that panic, and the disk checks of an idle writer.
//!
//! Panics come from the id generator. Only a command that creates a mapping calls it.

use std::io::{self, ErrorKind};
use std::sync::mpsc::channel;

use redb::StorageBackend;
use redb::backends::InMemoryBackend;

use super::*;
use crate::model::{CreateOrgUnit, CreatePerson, IntoCommand};

type ReplyReceiver = Receiver<Result<Applied, Error>>;

struct Started {
    shared: Arc<DirectoryState>,
    writer: Writer,
}

fn start_panicking() -> Started {
    let store = Store::in_memory().unwrap();
    let (shared, writer) =
        start(store, Graph::default(), Uses::new(Vec::new()), Timestamp::now, |_| panic!("on purpose"));
    Started { shared, writer }
}

fn panics(name: &str) -> Command {
    CreatePerson::new(&format!("{name}@corp.example")).under("Corp").into_command().unwrap()
}

fn succeeds(name: &str) -> Command {
    CreateOrgUnit::new(name, "team").into_command().unwrap()
}

impl Started {
    fn send(&self, commands: Vec<Command>) -> ReplyReceiver {
        let (answer, answered) = channel();
        let answer = Box::new(move |outcome| answer.send(outcome).unwrap());
        self.writer.send(Request::new(&self.shared, Author::local(), commands, answer)).unwrap();
        answered
    }

    fn apply(&self, commands: Vec<Command>) -> Result<Applied, Error> {
        self.send(commands).recv().unwrap()
    }

    /// Sends all requests while the writer waits for the lock on the store, so that they are committed together.
    fn apply_together(&self, requests: Vec<Vec<Command>>) -> Vec<Result<Applied, Error>> {
        let locked = self.shared.store.lock().unwrap();
        let first = self.send(vec![succeeds("first")]);
        let answers: Vec<_> = requests.into_iter().map(|commands| self.send(commands)).collect();
        drop(locked);
        first.recv().unwrap().unwrap();
        answers.iter().map(|answer| answer.recv().unwrap()).collect()
    }

    /// Asserts that graph and store are sound and equal.
    fn examine(&self) {
        let view = View::of(self.shared.published.load());
        let mut store = self.shared.store.lock().unwrap_or_else(PoisonError::into_inner);
        let checked = crate::directory::check::check(&mut store, &view).unwrap();
        assert_eq!(checked.findings, Vec::<String>::new());
    }

    fn roots(&self) -> usize {
        View::of(self.shared.published.load()).roots().len()
    }
}

#[test]
fn a_panic_in_planning_refuses_that_request_only() {
    let started = start_panicking();
    started.apply(vec![succeeds("a")]).unwrap();
    for commands in [vec![panics("p")], vec![succeeds("b"), panics("p")]] {
        let refusal = started.apply(commands).unwrap_err();
        assert_eq!(refusal.code(), "internal");
        assert!(refusal.to_string().contains("nothing was changed"), "{refusal}");
        assert_eq!(started.roots(), 1);
    }
    started.apply(vec![succeeds("b")]).unwrap();
    assert_eq!(started.roots(), 2);
    started.examine();
}

#[test]
fn a_panicking_request_does_not_affect_others_in_its_batch() {
    let started = start_panicking();
    let requests = vec![
        vec![succeeds("a")],
        vec![panics("p")],
        vec![succeeds("b"), succeeds("c")],
        vec![succeeds("d"), panics("p")],
        vec![succeeds("d")],
    ];
    let answers = started.apply_together(requests);
    assert_eq!(answers.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true, false, true]);
    assert_eq!(started.roots(), 5, "the first, a, b, c, and d once");
    started.examine();
}

#[test]
fn a_panicking_bulk_request_changes_nothing() {
    let started = start_panicking();
    started.apply(vec![succeeds("a")]).unwrap();
    let many = || (0..5_000).map(|at| succeeds(&format!("unit {at}")));
    let refusal = started.apply(many().chain([panics("p")]).collect()).unwrap_err();
    assert_eq!(refusal.code(), "internal");
    assert_eq!(started.roots(), 1);
    started.apply(many().collect()).unwrap();
    assert_eq!(started.roots(), 5_001);
    started.examine();
}

#[test]
fn a_panic_after_the_commit_does_not_stop_the_writer() {
    let started = start_panicking();
    let (answer, answered) = channel();
    let answer = Box::new(move |outcome: Result<Applied, Error>| {
        answer.send(outcome.map(drop)).unwrap();
        panic!("on purpose");
    });
    let commands = vec![succeeds("a")];
    let request = Request::new(&started.shared, Author::local(), commands, answer);
    started.writer.send(request).unwrap();
    answered.recv().unwrap().unwrap();
    started.apply(vec![succeeds("b")]).unwrap();
    assert_eq!(started.roots(), 2);
    assert!(started.shared.ready.load(Ordering::Relaxed));
    started.examine();
}

#[test]
fn small_changes_reuse_the_retired_graph_and_bulk_changes_copy() {
    let started = start_panicking();
    let copies = || started.shared.tally.statistics(&started.shared.published.load()).graph_copies;
    for at in 0..20 {
        started.apply(vec![succeeds(&format!("small {at}"))]).unwrap();
    }
    assert_eq!(copies(), 1, "the one at the beginning");
    started.apply((0..5_000).map(|at| succeeds(&format!("unit {at}"))).collect()).unwrap();
    started.apply(vec![succeeds("after")]).unwrap();
    assert_eq!(copies(), 2);
    let in_use = started.shared.published.load();
    for at in 0..3 {
        started.apply(vec![succeeds(&format!("beside a reader {at}"))]).unwrap();
    }
    drop(in_use);
    started.apply(vec![succeeds("alone")]).unwrap();
    assert_eq!(copies(), 3, "for the graph that was read, and no other");
}

#[test]
fn an_ended_writer_is_reported() {
    let Started { shared, mut writer } = start_panicking();
    assert!(writer.is_alive() && shared.ready.load(Ordering::Relaxed));
    drop(writer.requests.take());
    while writer.is_alive() {
        std::thread::yield_now();
    }
    assert!(!shared.ready.load(Ordering::Relaxed));
    let request = Request::new(&shared, Author::local(), vec![succeeds("a")], Box::new(|_| unreachable!()));
    assert_eq!(writer.send(request).unwrap_err().code(), "closed");
}

#[test]
fn token_uses_are_written_on_shutdown() {
    let Started { shared, writer } = start_panicking();
    let used = (TokenId::parse("aaaaaaaa").unwrap(), Timestamp::from_millis(1_700_000_000_000));
    shared.uses.note(&used.0, used.1);
    drop(writer);
    assert_eq!(shared.store.lock().unwrap().token_uses().unwrap(), [used]);
}

/// A disk that refuses writes while `is_failing`, and whose syncs block while `syncs` is locked.
#[derive(Debug, Clone, Default)]
struct Disk {
    bytes: Arc<InMemoryBackend>,
    is_failing: Arc<AtomicBool>,
    syncs: Arc<Mutex<()>>,
}

impl Disk {
    fn try_write(&self) -> io::Result<()> {
        if self.is_failing.load(Ordering::Relaxed) { Err(ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        self.bytes.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.bytes.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.try_write().and_then(|()| self.bytes.set_len(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        let _unblocked = self.syncs.lock();
        self.try_write().and_then(|()| self.bytes.sync_data())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.try_write().and_then(|()| self.bytes.write(offset, data))
    }
}

#[test]
fn an_idle_disk_is_tested() {
    let disk = Disk::default();
    let backend = disk.clone();
    let store = Store::with_backends(move || Ok(backend.clone())).unwrap();
    let (shared, writer) = start(store, Graph::default(), Uses::new(Vec::new()), Timestamp::now, new_uuid);
    drop(writer);
    shared.ready.store(true, Ordering::Relaxed);
    let mut idle = WriterThread::new(Arc::clone(&shared), Timestamp::now, new_uuid);
    let is_ready = || shared.ready.load(Ordering::Relaxed);
    idle.try_disk(true);
    assert!(is_ready());
    disk.is_failing.store(true, Ordering::Relaxed);
    idle.try_disk(true);
    assert!(!is_ready());
    idle.try_disk(false);
    assert!(!is_ready());
    disk.is_failing.store(false, Ordering::Relaxed);
    idle.try_disk(false);
    assert!(is_ready());
}

#[test]
fn a_disk_that_does_not_respond_is_not_writable() {
    let disk = Disk::default();
    let backend = disk.clone();
    let store = Store::with_backends(move || Ok(backend.clone())).unwrap();
    let (shared, writer) = start(store, Graph::default(), Uses::new(Vec::new()), Timestamp::now, new_uuid);
    let started = Started { shared, writer };
    let began = Instant::now();
    assert!(started.shared.is_writable(began + 2 * DISK_TIMEOUT));
    let blocked = disk.syncs.lock().unwrap();
    let answered = started.send(vec![succeeds("a")]);
    while started.shared.is_writable(began + 2 * DISK_TIMEOUT) {
        std::thread::yield_now();
    }
    assert!(started.shared.is_writable(began), "it may still respond");
    drop(blocked);
    answered.recv().unwrap().unwrap();
    assert!(started.shared.is_writable(Instant::now() + 2 * DISK_TIMEOUT));
}

#[test]
fn moments_and_ids_never_go_back() {
    let store = Store::in_memory().unwrap();
    let (shared, writer) = start(store, Graph::default(), Uses::new(Vec::new()), Timestamp::now, new_uuid);
    let started = Started { shared, writer };
    let began = Timestamp::now();
    started.apply(vec![succeeds("a")]).unwrap();
    let Started { shared, writer } = started;
    drop(writer);
    let mut thread = WriterThread::new(Arc::clone(&shared), Timestamp::now, new_uuid);
    assert!(thread.last_commit >= began, "a new process continues at the last commit");
    // As if the clock had stepped back since.
    let ahead = Timestamp::from_millis(began.as_millis() + 3_600_000);
    thread.last_commit = ahead;
    let batches: Vec<_> = (0..100).map(|_| thread.new_batch()).collect();
    assert!(batches.iter().all(|batch| batch.at == ahead));
    assert!(batches.is_sorted_by(|one, next| one.id < next.id));
}
