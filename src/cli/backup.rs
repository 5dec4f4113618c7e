//! `clade backup`: writes a consistent copy of a store, also while a server is using it.

use std::io;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::cli::output::write_to;
use crate::cli::settings::Settings;
use crate::cli::target::Target;
use crate::cli::{Failure, Result, print_json, print_line};
use crate::directory::NewFile;

#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    /// The file to write; must not exist yet
    file: PathBuf,
}

impl BackupArgs {
    pub(super) fn run(self, settings: &Settings) -> Result {
        let path = self.file.display();
        match Target::existing(settings)? {
            Target::Store(directory) => directory.backup(&self.file)?,
            Target::Server(client) => {
                // Private (readable by the owner only), as the store is: a backup holds hashes of tokens.
                write_to(Some(NewFile::private(&self.file)), |file| {
                    // The copy fails both when the disk is full and when the connection breaks. In both cases
                    // `write_to` removes the partial file.
                    io::copy(&mut client.get("/api/v2/data/backup")?, file)
                        .map_err(|why| Failure::refused(format!("could not write all of {path}: {why}")))?;
                    Ok(())
                })?;
            }
        }
        if settings.json {
            return print_json(&json!({ "file": self.file }));
        }
        print_line(format!("wrote {path}"))
    }
}
