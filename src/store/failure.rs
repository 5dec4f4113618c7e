//! What redb and the disk refuse, in Clade's words.
//!
//! What must stay true: no type of redb's leaves this room but as a hidden cause, and every message
//! says what to do.

use std::io::{Error as IoError, ErrorKind};
use std::path::Path;

use crate::error::panic::attempt;
use crate::error::{StoreError, StoreTrouble};

/// A read or write that failed.
pub(super) fn failed(failure: impl Into<redb::Error>) -> StoreError {
    let failure = failure.into();
    let (trouble, message) = match &failure {
        redb::Error::Io(cause) => (trouble_kind(cause), io_message(cause)),
        redb::Error::PreviousIo => (
            StoreTrouble::Io,
            "a write failed before, and nothing more can be written; close the store and open it again"
                .into(),
        ),
        redb::Error::Corrupted(what) => {
            (StoreTrouble::Damaged, format!("the store is damaged ({what}); restore a backup"))
        }
        redb::Error::TableDoesNotExist(table) => {
            (StoreTrouble::Damaged, format!("the store is damaged (no table {table:?}); restore a backup"))
        }
        redb::Error::TableTypeMismatch { table, .. } => {
            (StoreTrouble::Damaged, format!("the store is damaged (table {table:?} has another shape)"))
        }
        redb::Error::DatabaseAlreadyOpen | redb::Error::LockProtocolMismatch => {
            (StoreTrouble::Held, "another process holds the store; stop it, or use --server".into())
        }
        redb::Error::UpgradeRequired(_) => (
            StoreTrouble::NotAStore,
            "the file is a database of an older redb, and no store of Clade's; choose another path".into(),
        ),
        other => (StoreTrouble::Io, format!("the store could not be read or written: {other}")),
    };
    StoreError::new(trouble, message).caused_by(failure)
}

/// A file that could not be opened.
pub(super) fn not_opened(path: &Path, failure: redb::DatabaseError) -> StoreError {
    match redb::Error::from(failure) {
        held @ (redb::Error::DatabaseAlreadyOpen | redb::Error::LockProtocolMismatch) => StoreError::new(
            StoreTrouble::Held,
            format!(
                "{} is in use by another process, such as a running `clade serve`; stop that, or reach it with --server",
                path.display()
            ),
        )
        .caused_by(held),
        // How redb says that there is no database in the file.
        redb::Error::Io(cause) if cause.kind() == ErrorKind::InvalidData => {
            not_a_store(path).caused_by(cause)
        }
        redb::Error::Io(cause) => io_at(path, cause),
        other => at(path, &failed(other)),
    }
}

/// The same failure, with the file that it is about.
pub(super) fn at(path: &Path, failure: &StoreError) -> StoreError {
    StoreError::new(failure.trouble(), format!("{}: {failure}", path.display())).caused_by(failure.clone())
}

/// A file that the system refuses.
pub(super) fn io_at(path: &Path, cause: IoError) -> StoreError {
    StoreError::new(trouble_kind(&cause), format!("{}: {}", path.display(), io_message(&cause)))
        .caused_by(cause)
}

/// A store that was to be there.
pub(super) fn not_there(path: &Path, cause: IoError) -> StoreError {
    if cause.kind() != ErrorKind::NotFound {
        return io_at(path, cause);
    }
    let message = format!(
        "there is no store at {}; `clade import` or `clade serve` makes one, --data names another",
        path.display()
    );
    StoreError::new(StoreTrouble::Io, message).caused_by(cause)
}

/// A file that redb did not write.
pub(super) fn not_a_store(path: &Path) -> StoreError {
    StoreError::new(
        StoreTrouble::NotAStore,
        format!(
            "{} is not a store of Clade's, and was left as it is; choose another path, or move the file away",
            path.display()
        ),
    )
}

/// What the file says cannot be.
pub(super) fn damaged(what: impl Into<String>) -> StoreError {
    StoreError::new(StoreTrouble::Damaged, what)
}

/// The store could not be opened again after a failed write.
pub(super) fn closed() -> StoreError {
    StoreError::new(
        StoreTrouble::Io,
        "a write failed before, and the store could not be opened again; it is tried anew with every write",
    )
}

/// The disk failed as a change was to become durable, and the store cannot be opened to see whether it is.
pub(super) fn unsure(failure: StoreError) -> StoreError {
    StoreError::new(
        StoreTrouble::Unsure,
        format!("the change may have been made, or not; read before trying again ({failure})"),
    )
    .caused_by(failure)
}

/// Reads from a store. redb panics where a page is not what it wrote, and that is damage like any other.
pub(super) fn reading<T>(read: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    attempt(read).unwrap_or_else(|why| Err(senseless(&why)))
}

/// As [`reading`], with the file that is read.
pub(super) fn reading_at<T>(
    path: &Path,
    read: impl FnOnce() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    attempt(read).unwrap_or_else(|why| Err(at(path, &senseless(&why))))
}

fn senseless(why: &str) -> StoreError {
    let first = why.lines().next().unwrap_or_default();
    damaged(format!("the store is damaged ({first}); restore a backup"))
}

/// A panic while the store was written.
pub(super) fn panicked() -> StoreError {
    StoreError::new(
        StoreTrouble::Internal,
        "writing the store went wrong; it is logged, and nothing was changed",
    )
}

fn trouble_kind(cause: &IoError) -> StoreTrouble {
    match cause.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => StoreTrouble::NoSpace,
        ErrorKind::UnexpectedEof => StoreTrouble::Damaged,
        _ => StoreTrouble::Io,
    }
}

fn io_message(cause: &IoError) -> String {
    match trouble_kind(cause) {
        StoreTrouble::NoSpace => "the disk is full; make room and try again".into(),
        StoreTrouble::Damaged => "the store is cut short; restore a backup".into(),
        _ if cause.kind() == ErrorKind::NotFound => "there is no such folder".into(),
        _ if cause.kind() == ErrorKind::PermissionDenied => {
            "permission denied; the store must be readable and writable".into()
        }
        _ => format!("the store could not be read or written: {cause}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_from_a_broken_one() {
        for (kind, trouble) in [
            (ErrorKind::StorageFull, StoreTrouble::NoSpace),
            (ErrorKind::QuotaExceeded, StoreTrouble::NoSpace),
            (ErrorKind::FileTooLarge, StoreTrouble::NoSpace),
            (ErrorKind::UnexpectedEof, StoreTrouble::Damaged),
            (ErrorKind::PermissionDenied, StoreTrouble::Io),
        ] {
            let failure = failed(redb::StorageError::Io(IoError::from(kind)));
            assert_eq!(failure.trouble(), trouble, "{kind}");
        }
        #[cfg(unix)]
        assert_eq!(
            failed(redb::StorageError::Io(IoError::from_raw_os_error(28))).trouble(),
            StoreTrouble::NoSpace
        );
    }
}
