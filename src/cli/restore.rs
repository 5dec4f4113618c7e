//! `clade restore`: copies a backup to the path of the store, after checking its integrity.
//!
//! Invariant: an existing store is never overwritten, and the backup file is never modified.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use crate::cli::output::fill;
use crate::cli::settings::Settings;
use crate::cli::{Failure, Result, print_json, print_line};
use crate::directory::{Directory, NewFile};
use crate::model::entity::Revision;

#[derive(Debug, Args)]
pub(super) struct RestoreArgs {
    /// The backup file
    file: PathBuf,
}

impl RestoreArgs {
    pub(super) fn run(self, settings: &Settings) -> Result {
        if settings.is_server_flagged {
            let how = "restore creates a store file and cannot use --server; stop the server and name the store with --data";
            return Err(Failure::Usage(how.to_owned()));
        }
        let data = settings.data();
        let (store, backup) = (data.display(), self.file.display());
        // Checked here for the message; `persist_new` refuses atomically if the file appears in the meantime.
        if data.exists() {
            return Err(Failure::refused(format!(
                "{store} exists, and restore never overwrites a file; move it away, or name another path with --data"
            )));
        }
        let mut from = File::open(&self.file)
            .map_err(|why| Failure::refused(format!("{backup} cannot be read: {why}")))?;
        let revision = NewFile::private(&data)?.persist_new(|part| {
            fill(part, |copy| {
                io::copy(&mut from, copy).map_err(|why| {
                    Failure::refused(format!("{backup} could not be copied to {store}: {why}"))
                })?;
                Ok(())
            })?;
            let revision = examine(part, &self.file)?;
            // Opening a store may write to it (repair, migration), so it is synced again before it gets its name.
            File::open(part)?.sync_all()?;
            Ok::<_, Failure>(revision)
        })?;
        if settings.json {
            return print_json(&json!({ "file": data, "revision": revision.0 }));
        }
        print_line(format!("restored {store} from {backup}, up to revision {revision}"))
    }
}

/// Checks the integrity of a copy of the backup, and returns its last revision.
// The copy, not the backup: opening a store may write to it, and a backup may be on a read-only medium.
fn examine(copy: &Path, backup: &Path) -> Result<Revision> {
    let backup = backup.display();
    let opened = Directory::open_existing(copy).map_err(|refusal| {
        // The message names the temporary copy, which means nothing to the user.
        let why = refusal.to_string().replace(&copy.display().to_string(), &backup.to_string());
        Failure::Refused { message: why, members: json!({ "code": refusal.code() }) }
    })?;
    let checked = opened.check()?;
    let findings = checked.findings;
    match findings.first() {
        None => {
            // Otherwise an `If-Match` from before the restore could hold for another change of the same revision.
            opened.begin_lineage()?;
            Ok(checked.revision)
        }
        Some(first) => {
            let count = findings.len();
            Err(Failure::refused(format!("{backup} is damaged, {count} findings; the first: {first}")))
        }
    }
}
