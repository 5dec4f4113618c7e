//! The storage backend under redb: it tracks pending I/O calls and failed fsyncs, which redb does not report.
//!
//! Invariant: after a failed fsync, no data that is read back counts as durable before the whole file was written and
//! synced again. The kernel may mark pages that it failed to write as clean, and keep serving them from its cache.

use std::io;
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use redb::{BackendError, StorageBackend};

/// How many bytes [`Disk::rewrite_all`] copies at a time.
const CHUNK_BYTES: u64 = 1 << 20;

/// The health of a disk. Clones share it, and it outlives reopening of the store.
// A new one per opening would forget a failed sync exactly when it matters.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watch(Arc<DiskHealth>);

#[derive(Debug, Default)]
struct DiskHealth {
    /// Whether a sync failed, and the file was not rewritten since.
    sync_failed: AtomicBool,
    /// The start of each call that has not returned yet. A few at most, so a list is enough.
    pending: Mutex<Vec<Instant>>,
}

impl Watch {
    /// The age at `now` of the oldest call that has not returned; zero if there is none.
    pub(crate) fn oldest_pending_call(&self, now: Instant) -> Duration {
        let oldest = self.pending().iter().min().copied();
        // Saturating: a call may have begun after the caller took `now`.
        oldest.map_or(Duration::ZERO, |oldest| now.saturating_duration_since(oldest))
    }

    /// Runs a call that may block, and counts it as pending meanwhile.
    fn tracked<T>(&self, call: impl FnOnce() -> T) -> T {
        let _until_returned = PendingCall::now(self);
        call()
    }

    fn pending(&self) -> MutexGuard<'_, Vec<Instant>> {
        self.0.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A pending call, until this is dropped.
// A guard, so that a panic of the backend leaves no call pending for ever.
struct PendingCall<'w> {
    watch: &'w Watch,
    at: Instant,
}

impl<'w> PendingCall<'w> {
    fn now(watch: &'w Watch) -> Self {
        let at = Instant::now();
        watch.pending().push(at);
        Self { watch, at }
    }
}

impl Drop for PendingCall<'_> {
    fn drop(&mut self) {
        let mut pending = self.watch.pending();
        // Two calls may have the same start; removing either one leaves the same list.
        if let Some(own) = pending.iter().position(|at| *at == self.at) {
            pending.swap_remove(own);
        }
    }
}

/// A storage backend that keeps a [`Watch`] up to date.
#[derive(Debug)]
pub(super) struct Disk<B> {
    bytes: B,
    watch: Watch,
}

impl<B: StorageBackend> Disk<B> {
    pub(super) fn new(bytes: B, watch: &Watch) -> Self {
        Self { bytes, watch: watch.clone() }
    }

    /// Writes all bytes again as they read, and syncs them.
    ///
    /// If this is interrupted, a part of the earlier writes is on disk, as after a power cut, which redb recovers from.
    fn rewrite_all(&self) -> io::Result<()> {
        // A sync first: while the disk still fails, rewriting the whole file would be for nothing.
        self.watch.tracked(|| self.bytes.sync_data())?;
        let len = self.bytes.len()?;
        let mut chunk = vec![0; usize::try_from(len.min(CHUNK_BYTES)).unwrap_or_default()];
        let mut at = 0;
        while at < len {
            let size = usize::try_from((len - at).min(CHUNK_BYTES)).unwrap_or_default();
            self.read(at, &mut chunk[..size])?;
            self.write(at, &chunk[..size])?;
            at += size as u64;
        }
        self.sync_data()?;
        // `sync_data` restored the flag to its value before, which was true here.
        self.watch.0.sync_failed.store(false, Ordering::Relaxed);
        Ok(())
    }
}

impl<B: StorageBackend> StorageBackend for Disk<B> {
    // redb asks for the length before anything else of a file that it opens and has locked, so rewriting here comes
    // before any read. This relies on that order.
    fn len(&self) -> io::Result<u64> {
        // Relaxed is enough: the flag guards no other data, and the one writer alone opens and syncs the file.
        if self.watch.0.sync_failed.load(Ordering::Relaxed) {
            self.rewrite_all()?;
        }
        self.bytes.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.watch.tracked(|| self.bytes.read(offset, out))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.watch.tracked(|| self.bytes.set_len(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        // Set before the call and cleared after success, so that a panic inside it counts as a failure too. An earlier
        // failure stays recorded: a later sync that succeeds says nothing about pages the kernel already gave up on.
        let had_failed = self.watch.0.sync_failed.swap(true, Ordering::Relaxed);
        self.watch.tracked(|| self.bytes.sync_data())?;
        self.watch.0.sync_failed.store(had_failed, Ordering::Relaxed);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.watch.tracked(|| self.bytes.write(offset, data))
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
