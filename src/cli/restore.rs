//! `clade restore`: a backup in place, once it was examined, and never over a store.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::settings::Settings;
use crate::cli::{Failure, Result, say};
use crate::directory::Directory;

#[derive(Debug, Args)]
pub(super) struct Restore {
    /// The backup
    file: PathBuf,
}

impl Restore {
    pub(super) fn run(self, settings: &Settings) -> Result {
        if settings.server.is_some() {
            let how =
                "restore puts a file in place of a store; stop the server and name the store with --data";
            return Err(Failure::Usage(how.to_owned()));
        }
        let data = settings.data();
        if data.exists() {
            let shown = data.display();
            return Err(Failure::refused(format!(
                "{shown} exists; move it away, or name another place with --data: restore overwrites nothing"
            )));
        }
        let copy = beside(&data);
        let placed = place(&self.file, &copy, &data);
        if placed.is_err() {
            let _half = fs::remove_file(&copy);
        }
        placed?;
        say(format!("restored {} from {}", data.display(), self.file.display()))
    }
}

/// A name in the same folder, so that the last step is one rename.
fn beside(data: &Path) -> PathBuf {
    let mut name = data.file_name().map_or_else(OsString::new, OsString::from);
    name.push(".restoring");
    data.with_file_name(name)
}

fn place(backup: &Path, copy: &Path, data: &Path) -> Result {
    fs::copy(backup, copy)
        .map_err(|why| Failure::refused(format!("{} cannot be copied: {why}", backup.display())))?;
    let directory = Directory::open_existing(copy)?;
    let findings = directory.check()?.findings;
    drop(directory);
    if let Some(first) = findings.first() {
        let shown = backup.display();
        return Err(Failure::refused(format!(
            "{shown} is damaged, {} findings; the first: {first}",
            findings.len()
        )));
    }
    File::open(copy)?.sync_all()?;
    fs::rename(copy, data)?;
    let folder = data.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok(File::open(folder)?.sync_all()?)
}
