//! The bytes under a store, watched for what redb does not tell of them.
//!
//! What must stay true: after a sync that failed, nothing that was read back counts as being on disk before all of it was
//! written and synced once more. A system may forget that such bytes were never written, and go on showing them.

use std::io;
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use redb::{BackendError, StorageBackend};

/// So many bytes are written again at once.
const PIECE_BYTES: u64 = 1 << 20;

/// What is known of a disk. Clones share it, through every time that one store is opened.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watch(Arc<DiskHealth>);

#[derive(Debug, Default)]
struct DiskHealth {
    /// Whether a sync failed, and the bytes were not written again since.
    sync_failed: AtomicBool,
    /// When each call was made that the disk has not answered yet.
    asked: Mutex<Vec<Instant>>,
}

impl Watch {
    /// For how long at `now` the disk has owed an answer.
    pub(crate) fn waits_for(&self, now: Instant) -> Duration {
        let oldest = self.asked().iter().min().copied();
        oldest.map_or(Duration::ZERO, |oldest| now.saturating_duration_since(oldest))
    }

    /// Asks the disk for something that may take its time.
    fn asking<T>(&self, ask: impl FnOnce() -> T) -> T {
        let _until_answered = PendingCall::now(self);
        ask()
    }

    fn asked(&self) -> MutexGuard<'_, Vec<Instant>> {
        self.0.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that the disk has not answered, until this is dropped.
struct PendingCall<'w> {
    watch: &'w Watch,
    at: Instant,
}

impl<'w> PendingCall<'w> {
    fn now(watch: &'w Watch) -> Self {
        let at = Instant::now();
        watch.asked().push(at);
        Self { watch, at }
    }
}

impl Drop for PendingCall<'_> {
    fn drop(&mut self) {
        let mut asked = self.watch.asked();
        if let Some(own) = asked.iter().position(|at| *at == self.at) {
            asked.swap_remove(own);
        }
    }
}

/// Bytes under a store.
#[derive(Debug)]
pub(super) struct Disk<B> {
    bytes: B,
    watch: Watch,
}

impl<B: StorageBackend> Disk<B> {
    pub(super) fn new(bytes: B, watch: &Watch) -> Self {
        Self { bytes, watch: watch.clone() }
    }

    /// Writes everything again as it reads, and syncs it; once a sync comes off at all, since until then that would be in
    /// vain. Whatever ends this in the middle: a part of what was written before is then on disk, as after a loss of
    /// power, and redb knows that from the whole.
    fn write_again(&self) -> io::Result<()> {
        self.watch.asking(|| self.bytes.sync_data())?;
        let len = self.bytes.len()?;
        let mut piece = vec![0; usize::try_from(len.min(PIECE_BYTES)).unwrap_or_default()];
        let mut at = 0;
        while at < len {
            let size = usize::try_from((len - at).min(PIECE_BYTES)).unwrap_or_default();
            self.read(at, &mut piece[..size])?;
            self.write(at, &piece[..size])?;
            at += size as u64;
        }
        self.sync_data()?;
        self.watch.0.sync_failed.store(false, Ordering::Relaxed);
        Ok(())
    }
}

impl<B: StorageBackend> StorageBackend for Disk<B> {
    /// Asked first of all, once the file is held.
    fn len(&self) -> io::Result<u64> {
        if self.watch.0.sync_failed.load(Ordering::Relaxed) {
            self.write_again()?;
        }
        self.bytes.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.watch.asking(|| self.bytes.read(offset, out))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.watch.asking(|| self.bytes.set_len(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        // Until it is known to have come off: it may end in a panic too.
        let had_failed = self.watch.0.sync_failed.swap(true, Ordering::Relaxed);
        self.watch.asking(|| self.bytes.sync_data())?;
        self.watch.0.sync_failed.store(had_failed, Ordering::Relaxed);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.watch.asking(|| self.bytes.write(offset, data))
    }

    fn close(&self) -> io::Result<()> {
        self.bytes.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.bytes.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.bytes.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.bytes.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.bytes.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.bytes.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.bytes.query_lock_range(start, end)
    }
}
