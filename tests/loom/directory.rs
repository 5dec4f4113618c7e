//! Replaces `crate::directory` for loom, with the real `published.rs`.

pub(crate) mod sync {
    pub(crate) use loom::sync::Arc;
    use loom::sync::Mutex;

    /// The guarantees of arc-swap, implemented with a lock.
    #[derive(Debug)]
    pub(crate) struct ArcSwap<T>(Mutex<Arc<T>>);

    impl<T> ArcSwap<T> {
        pub(crate) fn new(it: Arc<T>) -> Self {
            Self(Mutex::new(it))
        }

        pub(crate) fn load_full(&self) -> Arc<T> {
            Arc::clone(&self.0.lock().unwrap())
        }

        pub(crate) fn swap(&self, it: Arc<T>) -> Arc<T> {
            std::mem::replace(&mut *self.0.lock().unwrap(), it)
        }
    }
}

#[path = "../../src/directory/published.rs"]
pub(crate) mod published;

use self::published::{Published, unshared};
use self::sync::Arc;
use loom::thread;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::graph::Graph;

/// Counts of reclaimed and copied graphs over all interleavings.
#[derive(Default)]
struct Counted {
    taken_back: AtomicU64,
    copied: AtomicU64,
}

/// Does what the writer does: publishes the draft, then reuses the retired graph, or a copy if a reader holds it.
fn write(published: &Published, revisions: u64, counted: &Counted) {
    let mut draft = Arc::new(Graph::at(published.load().revision()));
    for revision in 1..=revisions {
        Arc::get_mut(&mut draft).expect("nobody has seen the draft").set_revision(revision);
        let mut retired = published.exchange(&draft);
        let mut looks = 0;
        let wait = || {
            looks += 1;
            thread::yield_now();
            looks < 2
        };
        draft = if let Some(graph) = unshared(&mut retired, wait) {
            counted.taken_back.fetch_add(1, Ordering::Relaxed);
            graph.set_revision(revision);
            retired
        } else {
            counted.copied.fetch_add(1, Ordering::Relaxed);
            Arc::new(Graph::at(published.load().revision()))
        };
        assert_eq!(draft.revision(), revision, "the next draft is equal to what is published");
    }
}

fn model(readers: usize, revisions: u64) {
    let counted = std::sync::Arc::new(Counted::default());
    let of_all = std::sync::Arc::clone(&counted);
    let mut orders = loom::model::Builder::new();
    orders.preemption_bound = Some(3);
    orders.check(move || {
        let published = Arc::new(Published::new(Arc::new(Graph::at(0))));
        let read = |published: Arc<Published>| {
            move || {
                let first = published.load();
                let seen = first.revision();
                let second = published.load();
                assert!(second.revision() >= seen, "revisions come in order");
                assert_eq!(first.revision(), seen, "what is held does not change");
            }
        };
        let readers: Vec<_> = (0..readers).map(|_| thread::spawn(read(Arc::clone(&published)))).collect();
        write(&published, revisions, &of_all);
        for reader in readers {
            reader.join().unwrap();
        }
        assert_eq!(published.load().revision(), revisions);
    });
    let [taken_back, copied] =
        [&counted.taken_back, &counted.copied].map(|count| count.load(Ordering::Relaxed));
    println!("{taken_back} graphs were taken back, and {copied} copied");
    assert!(taken_back > 0 && copied > 0, "both ways were taken");
}

#[test]
fn one_reader_and_three_revisions() {
    model(1, 3);
}

#[test]
fn two_readers_and_two_revisions() {
    model(2, 2);
}
