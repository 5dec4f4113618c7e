//! `clade backup`: a consistent copy of a store, also while it is served.

use std::io;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::cli::output::write_to;
use crate::cli::settings::Settings;
use crate::cli::target::Target;
use crate::cli::{Failure, Result, say, say_json};
use crate::directory::NewFile;

#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    /// Where to; must not exist
    file: PathBuf,
}

impl BackupArgs {
    pub(super) fn run(self, settings: &Settings) -> Result {
        let shown = self.file.display();
        match Target::existing(settings)? {
            Target::Store(directory) => directory.backup(&self.file)?,
            Target::Server(client) => {
                write_to(Some(NewFile::private(&self.file)), |file| {
                    io::copy(&mut client.get("/api/v2/data/backup")?, file).map_err(|why| {
                        Failure::refused(format!("{shown} could not be written whole: {why}"))
                    })?;
                    Ok(())
                })?;
            }
        }
        if settings.json {
            return say_json(&json!({ "file": self.file }));
        }
        say(format!("wrote {shown}"))
    }
}
