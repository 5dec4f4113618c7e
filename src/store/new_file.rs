//! Atomic creation of files: written under a temporary name, then renamed without overwriting anything.
//!
//! Invariant: however and whenever the process ends, a path has a complete file or none. Temporary files that a killed
//! process left are removed when a store in their folder is opened for writing.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use tempfile::{Builder, TempPath};

use crate::error::{StoreError, StoreErrorKind};
use crate::store::failure::io_at;

/// The beginning and end of the names of temporary files.
const PART_NAME: [&str; 2] = [".clade-", ".part"];

/// A temporary file in the folder of its final path. Dropping it deletes it.
pub(crate) struct NewFile {
    part: TempPath,
    /// Shows other processes that a temporary file in the folder is in use.
    // The folder is locked and not the file: redb locks the file of a store itself.
    _in_use: Option<File>,
    path: PathBuf,
}

impl NewFile {
    /// Begins the file at `path`, which must not exist, readable by its owner alone: for stores and their copies.
    pub(crate) fn private(path: &Path) -> Result<Self, StoreError> {
        Self::create(&mut Builder::new(), path)
    }

    /// As [`NewFile::private`], with the permissions that the user's umask gives to new files.
    #[cfg(feature = "server")]
    pub(crate) fn usual(path: &Path) -> Result<Self, StoreError> {
        use std::os::unix::fs::PermissionsExt;
        // The kernel subtracts the umask. Without this, `tempfile` would create it with mode 600.
        Self::create(Builder::new().permissions(std::fs::Permissions::from_mode(0o666)), path)
    }

    fn create(builder: &mut Builder<'_, '_>, path: &Path) -> Result<Self, StoreError> {
        // Only saves the work: `persist_new` checks again, atomically, when it renames.
        if path.exists() {
            return Err(already_exists(path));
        }
        let in_use = File::open(folder_of(path)).ok().filter(|folder| folder.lock_shared().is_ok());
        let [prefix, suffix] = PART_NAME;
        // In the same folder, because a rename is atomic only within one file system.
        let made = builder.prefix(prefix).suffix(suffix).tempfile_in(folder_of(path));
        let made = made.map_err(|cause| match cause.kind() {
            ErrorKind::PermissionDenied => {
                let what = format!("{} cannot be created: permission denied", path.display());
                StoreError::new(StoreErrorKind::Io, what).caused_by(cause)
            }
            _ => io_at(path, cause),
        })?;
        Ok(Self { part: made.into_temp_path(), _in_use: in_use, path: path.to_owned() })
    }

    /// Lets `fill` write and sync the file, then renames it to its path, unless that exists by now.
    pub(crate) fn persist_new<T, E: From<StoreError>>(
        self,
        fill: impl FnOnce(&Path) -> Result<T, E>,
    ) -> Result<T, E> {
        let Self { part, _in_use, path } = self;
        let filled = fill(&part)?;
        part.persist_noclobber(&path).map_err(|refusal| match refusal.error.kind() {
            ErrorKind::AlreadyExists => already_exists(&path),
            _ => io_at(&path, refusal.error),
        })?;
        sync_folder_of(&path)?;
        Ok(filled)
    }
}

/// Removes the temporary files in the folder of `path` that no process has in use.
pub(super) fn remove_leftovers(path: &Path) {
    let folder = folder_of(path);
    // Without the lock, a file may be in use: the next opening tries again.
    let Ok(locked) = File::open(folder) else { return };
    if locked.try_lock().is_err() {
        return;
    }
    let is_part = |name: &str| {
        let [prefix, suffix] = PART_NAME;
        name.strip_prefix(prefix).is_some_and(|rest| rest.ends_with(suffix))
    };
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_leftover = entry.file_name().to_str().is_some_and(is_part)
            && entry.file_type().is_ok_and(|file_type| file_type.is_file());
        if !is_leftover {
            continue;
        }
        let file = entry.path();
        match fs::remove_file(&file) {
            Ok(()) => tracing::info!(file = %file.display(), "removed a temporary file of a killed process"),
            Err(failure) => {
                tracing::warn!(file = %file.display(), error = %failure, "a temporary file of a killed process stays");
            }
        }
    }
}

/// Limits the access to a file to its owner.
pub(super) fn make_private(path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(|cause| io_at(path, cause))
}

fn already_exists(path: &Path) -> StoreError {
    StoreError::new(
        StoreErrorKind::Exists,
        format!("{} exists already, and nothing is overwritten; choose another path", path.display()),
    )
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Syncs the folder of `path`, so that a new name in it survives a power cut.
pub(super) fn sync_folder_of(path: &Path) -> Result<(), StoreError> {
    // Some systems cannot open or sync a folder; there is nothing more to be done on those.
    let Ok(folder) = File::open(folder_of(path)) else { return Ok(()) };
    match folder.sync_all() {
        Err(cause) if !matches!(cause.kind(), ErrorKind::Unsupported | ErrorKind::InvalidInput) => {
            Err(io_at(folder_of(path), cause))
        }
        _ => Ok(()),
    }
}
