//! Files that results are written to: whole or not at all, and never over another.

use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::cli::{Failure, Result};

/// A file that gets its name once it is whole; dropped before that, nothing is left of it.
pub(super) struct NewFile {
    file: NamedTempFile,
    path: PathBuf,
}

impl NewFile {
    /// Begins the file at `path`, where nothing may be yet.
    pub(super) fn create(path: &Path) -> Result<Self> {
        let unmade = |why| Failure::refused(format!("{} cannot be made: {why}", path.display()));
        if path.exists() {
            return Err(unmade("it exists, and nothing is overwritten".to_owned()));
        }
        let file = tempfile::Builder::new()
            .prefix(".clade-")
            .suffix(".part")
            // What every new file gets; the system takes away what the user's mask says.
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder_of(path))
            .map_err(|why| {
                unmade(match why.kind() {
                    io::ErrorKind::NotFound => "there is no such folder".to_owned(),
                    io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
                    _ => why.to_string(),
                })
            })?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Where it stands until it is whole.
    pub(super) fn part(&self) -> &Path {
        self.file.path()
    }

    /// Gives the file its name, once all of it is on disk.
    pub(super) fn keep(self) -> Result {
        let Self { file, path } = self;
        let unmade = |why: io::Error| Failure::refused(format!("{} cannot be made: {why}", path.display()));
        file.as_file().sync_all().map_err(unmade)?;
        file.persist_noclobber(&path).map_err(|why| unmade(why.error))?;
        // A new file is only safe when its folder's entry is. Where that cannot be synced, it is the system's affair.
        if let Ok(folder) = std::fs::File::open(folder_of(&path)) {
            let _best_effort = folder.sync_all();
        }
        Ok(())
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Lets `write` fill the file at `path`, or standard output where there is none.
pub(super) fn write_to(path: Option<&Path>, write: impl FnOnce(&mut dyn Write) -> Result) -> Result {
    let Some(path) = path else {
        let mut out = io::BufWriter::new(io::stdout().lock());
        write(&mut out)?;
        return Ok(out.flush()?);
    };
    let mut file = NewFile::create(path)?;
    let mut out = io::BufWriter::new(&mut file);
    write(&mut out)?;
    out.flush()?;
    drop(out);
    file.keep()
}
