//! Files in the making: under a name of their own until they are whole.
//!
//! What must stay true: whatever ends the process, and whenever, a path holds a whole file or none.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use tempfile::{Builder, TempPath};

use crate::error::{StoreError, StoreTrouble};
use crate::store::failure::io_at;

/// A file in the folder of its path. Dropped without a name, it goes.
pub(crate) struct NewFile {
    part: TempPath,
    path: PathBuf,
}

impl NewFile {
    /// Begins the file at `path`, where nothing may be yet, for its owner alone: it will hold all that a store does.
    pub(crate) fn private(path: &Path) -> Result<Self, StoreError> {
        Self::made_by(&mut Builder::new(), path)
    }

    /// The same, for whoever the user lets read new files.
    #[cfg(feature = "server")]
    pub(crate) fn usual(path: &Path) -> Result<Self, StoreError> {
        use std::os::unix::fs::PermissionsExt;
        // The system takes away what the user's mask says.
        Self::made_by(Builder::new().permissions(std::fs::Permissions::from_mode(0o666)), path)
    }

    fn made_by(builder: &mut Builder<'_, '_>, path: &Path) -> Result<Self, StoreError> {
        if path.exists() {
            return Err(there_already(path));
        }
        let made = builder.prefix(".clade-").suffix(".part").tempfile_in(folder_of(path));
        let made = made.map_err(|cause| match cause.kind() {
            ErrorKind::PermissionDenied => {
                let what = format!("{} cannot be made: permission denied", path.display());
                StoreError::new(StoreTrouble::Io, what).caused_by(cause)
            }
            _ => io_at(path, cause),
        })?;
        Ok(Self { part: made.into_temp_path(), path: path.to_owned() })
    }

    /// Lets `fill` make the file and sync it, then gives it its name, unless something else has got that meanwhile.
    pub(crate) fn named_once<T, E: From<StoreError>>(
        self,
        fill: impl FnOnce(&Path) -> Result<T, E>,
    ) -> Result<T, E> {
        let Self { part, path } = self;
        let filled = fill(&part)?;
        part.persist_noclobber(&path).map_err(|refusal| match refusal.error.kind() {
            ErrorKind::AlreadyExists => there_already(&path),
            _ => io_at(&path, refusal.error),
        })?;
        sync_folder_of(&path)?;
        Ok(filled)
    }
}

fn there_already(path: &Path) -> StoreError {
    StoreError::new(
        StoreTrouble::Exists,
        format!("{} exists, and nothing is overwritten; choose another path", path.display()),
    )
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A new file is only safe when its folder's entry is. There are systems where a folder cannot be opened or synced; what
/// they promise of it is their own affair.
pub(super) fn sync_folder_of(path: &Path) -> Result<(), StoreError> {
    let Ok(folder) = File::open(folder_of(path)) else { return Ok(()) };
    match folder.sync_all() {
        Err(cause) if !matches!(cause.kind(), ErrorKind::Unsupported | ErrorKind::InvalidInput) => {
            Err(io_at(folder_of(path), cause))
        }
        _ => Ok(()),
    }
}
