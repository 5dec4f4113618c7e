//! Conversion of redb and I/O errors to [`StoreError`], with messages for operators.
//!
//! Invariant: types of redb leave this module only as an opaque cause, and every message says what to do.

use std::io::{Error as IoError, ErrorKind};
use std::path::Path;

use crate::error::panic::attempt;
use crate::error::{StoreError, StoreErrorKind};

/// A failed read or write.
pub(super) fn failed(failure: impl Into<redb::Error>) -> StoreError {
    let failure = failure.into();
    let (kind, message) = match &failure {
        redb::Error::Io(cause) => (error_kind(cause), io_message(cause)),
        redb::Error::PreviousIo => (
            StoreErrorKind::Io,
            "an earlier write failed, and redb refuses further writes; close the store and open it again"
                .into(),
        ),
        redb::Error::Corrupted(what) => {
            (StoreErrorKind::Damaged, format!("the store is damaged ({what}); restore a backup"))
        }
        redb::Error::TableDoesNotExist(table) => {
            (StoreErrorKind::Damaged, format!("the store is damaged (no table {table:?}); restore a backup"))
        }
        redb::Error::TableTypeMismatch { table, .. } => {
            (StoreErrorKind::Damaged, format!("the store is damaged (table {table:?} has the wrong type); restore a backup"))
        }
        redb::Error::DatabaseAlreadyOpen | redb::Error::LockProtocolMismatch => {
            (StoreErrorKind::InUse, "another process has the store open; stop it, or use --server".into())
        }
        redb::Error::UpgradeRequired(_) => (
            StoreErrorKind::NotAStore,
            "the file is a database of an older redb version, not a store written by Clade; choose another path".into(),
        ),
        other => (StoreErrorKind::Io, format!("the store could not be read or written: {other}")),
    };
    StoreError::new(kind, message).caused_by(failure)
}

/// A file that redb could not open.
pub(super) fn not_opened(path: &Path, failure: redb::DatabaseError) -> StoreError {
    match redb::Error::from(failure) {
        locked @ (redb::Error::DatabaseAlreadyOpen | redb::Error::LockProtocolMismatch) => StoreError::new(
            StoreErrorKind::InUse,
            format!(
                "{} is in use by another process, such as a running `clade serve`; stop that, or reach it with --server",
                path.display()
            ),
        )
        .caused_by(locked),
        // redb's error for a file that does not begin with its magic number.
        redb::Error::Io(cause) if cause.kind() == ErrorKind::InvalidData => {
            not_a_store(path).caused_by(cause)
        }
        redb::Error::Io(cause) => io_at(path, cause),
        other => at(path, &failed(other)),
    }
}

/// The same failure, with the path of the file in front.
pub(super) fn at(path: &Path, failure: &StoreError) -> StoreError {
    StoreError::new(failure.kind(), format!("{}: {failure}", path.display())).caused_by(failure.clone())
}

/// A failed system call on a file.
pub(super) fn io_at(path: &Path, cause: IoError) -> StoreError {
    StoreError::new(error_kind(&cause), format!("{}: {}", path.display(), io_message(&cause)))
        .caused_by(cause)
}

/// A store that must exist but does not, or is inaccessible.
pub(super) fn not_there(path: &Path, cause: IoError) -> StoreError {
    if cause.kind() != ErrorKind::NotFound {
        return io_at(path, cause);
    }
    let message = format!(
        "there is no store at {}; create one with `clade import` or `clade serve`, or name another with --data",
        path.display()
    );
    StoreError::new(StoreErrorKind::Io, message).caused_by(cause)
}

/// A file that is not a redb database.
pub(super) fn not_a_store(path: &Path) -> StoreError {
    StoreError::new(
        StoreErrorKind::NotAStore,
        format!(
            "{} is not a store written by Clade, and was not changed; choose another path, or move the file away",
            path.display()
        ),
    )
}

/// Damaged or contradictory content.
pub(super) fn damaged(what: impl Into<String>) -> StoreError {
    StoreError::new(StoreErrorKind::Damaged, what)
}

/// The store is closed, because it could not be reopened after a failed write.
pub(super) fn closed() -> StoreError {
    StoreError::new(
        StoreErrorKind::Io,
        "an earlier write failed, and the store could not be reopened; every write tries again",
    )
}

/// A commit failed, and the store cannot be reopened to find out whether it was made.
pub(super) fn unsure(failure: StoreError) -> StoreError {
    StoreError::new(
        StoreErrorKind::OutcomeUnknown,
        format!("the change may have been made, or not; read before trying again ({failure})"),
    )
    .caused_by(failure)
}

/// Runs a read, and reports a panic in it as damage.
// redb verifies page checksums only on request; on a damaged page its readers may panic instead of failing.
pub(super) fn reading<T>(read: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    attempt(read).unwrap_or_else(|why| Err(panicked_reading(&why)))
}

/// As [`reading`], with the path of the file in messages.
pub(super) fn reading_at<T>(
    path: &Path,
    read: impl FnOnce() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    attempt(read).unwrap_or_else(|why| Err(at(path, &panicked_reading(&why))))
}

fn panicked_reading(why: &str) -> StoreError {
    // Panic messages of `assert_eq!` continue with dumps of both values, which help nobody here.
    let first = why.lines().next().unwrap_or_default();
    damaged(format!("the store is damaged ({first}); restore a backup"))
}

/// A panic during a write.
pub(super) fn panicked() -> StoreError {
    StoreError::new(
        StoreErrorKind::Internal,
        "an internal error occurred while writing the store; nothing was changed; see the server's log",
    )
}

fn error_kind(cause: &IoError) -> StoreErrorKind {
    match cause.kind() {
        // `FileTooLarge` is a limit such as `ulimit -f`: freeing or allowing more space helps with all three.
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            StoreErrorKind::NoSpace
        }
        // redb reads whole pages, so an end of file within one means that the file was truncated.
        ErrorKind::UnexpectedEof => StoreErrorKind::Damaged,
        _ => StoreErrorKind::Io,
    }
}

fn io_message(cause: &IoError) -> String {
    match error_kind(cause) {
        StoreErrorKind::NoSpace => "the disk is full; free some space and try again".into(),
        StoreErrorKind::Damaged => "the store file is cut short; restore a backup".into(),
        // A missing store has its own message, so here it is the folder that does not exist.
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
    fn disk_full_errors_differ_from_other_io_errors() {
        for (kind, expected) in [
            (ErrorKind::StorageFull, StoreErrorKind::NoSpace),
            (ErrorKind::QuotaExceeded, StoreErrorKind::NoSpace),
            (ErrorKind::FileTooLarge, StoreErrorKind::NoSpace),
            (ErrorKind::UnexpectedEof, StoreErrorKind::Damaged),
            (ErrorKind::PermissionDenied, StoreErrorKind::Io),
        ] {
            let failure = failed(redb::StorageError::Io(IoError::from(kind)));
            assert_eq!(failure.kind(), expected, "{kind}");
        }
        #[cfg(unix)]
        assert_eq!(
            failed(redb::StorageError::Io(IoError::from_raw_os_error(28))).kind(),
            StoreErrorKind::NoSpace
        );
    }
}
