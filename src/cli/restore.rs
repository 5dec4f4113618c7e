//! `clade restore`: a backup in place, once it was examined, and never over a store.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use crate::cli::output::fill;
use crate::cli::settings::Settings;
use crate::cli::{Failure, Result, say, say_json};
use crate::directory::{Directory, NewFile};
use crate::model::entity::Revision;

#[derive(Debug, Args)]
pub(super) struct RestoreArgs {
    /// The backup
    file: PathBuf,
}

impl RestoreArgs {
    pub(super) fn run(self, settings: &Settings) -> Result {
        if settings.is_server_flagged {
            let how =
                "restore puts a file in place of a store; stop the server and name the store with --data";
            return Err(Failure::Usage(how.to_owned()));
        }
        let data = settings.data();
        let (shown, backup) = (data.display(), self.file.display());
        if data.exists() {
            return Err(Failure::refused(format!(
                "{shown} exists; move it away, or name another place with --data: restore overwrites nothing"
            )));
        }
        let mut from = File::open(&self.file)
            .map_err(|why| Failure::refused(format!("{backup} cannot be read: {why}")))?;
        let revision = NewFile::private(&data)?.named_once(|part| {
            fill(part, |copy| {
                io::copy(&mut from, copy).map_err(|why| {
                    Failure::refused(format!("{backup} could not be copied to {shown}: {why}"))
                })?;
                Ok(())
            })?;
            let revision = examine(part, &self.file)?;
            // What examining it has written, too.
            File::open(part)?.sync_all()?;
            Ok::<_, Failure>(revision)
        })?;
        if settings.json {
            return say_json(&json!({ "file": data, "revision": revision.0 }));
        }
        say(format!("restored {shown} from {backup}, up to revision {revision}"))
    }
}

/// Refuses a copy that is no sound store; else its last revision. Opening one may change it, so the backup itself is left
/// alone.
fn examine(copy: &Path, backup: &Path) -> Result<Revision> {
    let shown = backup.display();
    let opened = Directory::open_existing(copy).map_err(|refusal| {
        let why = refusal.to_string().replace(&copy.display().to_string(), &shown.to_string());
        Failure::Refused { message: why, facts: json!({ "code": refusal.code() }) }
    })?;
    let checked = opened.check()?;
    let findings = checked.findings;
    match findings.first() {
        None => Ok(checked.revision),
        Some(first) => {
            let count = findings.len();
            Err(Failure::refused(format!("{shown} is damaged, {count} findings; the first: {first}")))
        }
    }
}
