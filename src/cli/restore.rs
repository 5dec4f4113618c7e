//! `clade restore`: copies a backup to the path of the store, after checking its integrity.
//!
//! Invariant: an existing store is never overwritten, and the backup file is never modified.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use crate::cli::numbers::counted;
use crate::cli::output::fill;
use crate::cli::settings::Settings;
use crate::cli::{Failure, Result, print_json, print_line};
use crate::directory::{Directory, NewFile};
use crate::model::command::Command;
use crate::model::entity::Revision;
use crate::model::time::Timestamp;

#[derive(Debug, Args)]
pub(super) struct RestoreArgs {
    /// The backup file
    file: PathBuf,
    /// Revoke all tokens of the restored store; otherwise those that were valid at the time of the backup are valid again
    #[arg(long)]
    revoke_tokens: bool,
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
        let restored = NewFile::private(&data)?.persist_new(|part| {
            fill(part, |copy| {
                io::copy(&mut from, copy).map_err(|why| {
                    Failure::refused(format!("{backup} could not be copied to {store}: {why}"))
                })?;
                Ok(())
            })?;
            let restored = self.examine(part)?;
            // Opening a store may write to it (repair, migration), so it is synced again before it gets its name.
            File::open(part)?.sync_all()?;
            Ok::<_, Failure>(restored)
        })?;
        let Restored { revision, valid_tokens, revoked_tokens } = restored;
        if settings.json {
            return print_json(&json!({
                "file": data, "revision": revision.0, "validTokens": valid_tokens, "revokedTokens": revoked_tokens,
            }));
        }
        print_line(format!("restored {store} from {backup}, up to revision {revision}"))?;
        match (self.revoke_tokens, valid_tokens) {
            (true, _) => print_line(format!("revoked {}", counted(revoked_tokens as u64, "token", "tokens"))),
            (false, 0) => Ok(()),
            (false, valid) => print_line(format!(
                "valid tokens: {valid}, also those that were revoked after the backup; `clade token list` shows them, \
                 and --revoke-tokens revokes all"
            )),
        }
    }

    /// Checks the integrity of a copy of the backup, and prepares it for use.
    // The copy, not the backup: opening a store may write to it, and a backup may be on a read-only medium.
    fn examine(&self, copy: &Path) -> Result<Restored> {
        let backup = self.file.display();
        let opened = Directory::open_existing(copy).map_err(|refusal| {
            // The message names the temporary copy, which means nothing to the user.
            let why = refusal.to_string().replace(&copy.display().to_string(), &backup.to_string());
            Failure::Refused { message: why, members: json!({ "code": refusal.code() }) }
        })?;
        let checked = opened.check()?;
        let findings = checked.findings;
        if let Some(first) = findings.first() {
            let count = findings.len();
            return Err(Failure::refused(format!(
                "{backup} is damaged, {count} findings; the first: {first}"
            )));
        }
        // Otherwise an `If-Match` from before the restore could hold for another change of the same revision.
        opened.begin_lineage()?;
        let now = Timestamp::now();
        let view = opened.view();
        let valid: Vec<_> = view.tokens().into_iter().filter(|token| token.is_valid_at(now)).collect();
        if self.revoke_tokens && !valid.is_empty() {
            let revoke: Vec<_> = valid.iter().map(|token| Command::RevokeToken(token.id.clone())).collect();
            opened.apply(revoke)?;
        }
        let (valid_tokens, revoked_tokens) =
            if self.revoke_tokens { (0, valid.len()) } else { (valid.len(), 0) };
        Ok(Restored { revision: opened.view().revision(), valid_tokens, revoked_tokens })
    }
}

/// The outcome of a restore.
struct Restored {
    revision: Revision,
    valid_tokens: usize,
    revoked_tokens: usize,
}
