//! `clade backup`: a consistent copy of a store, also while it is served.

use std::io;
use std::path::PathBuf;

use clap::Args;

use crate::cli::output::NewFile;
use crate::cli::settings::Settings;
use crate::cli::target::Target;
use crate::cli::{Failure, Result, say};

#[derive(Debug, Args)]
pub(super) struct Backup {
    /// Where to; must not exist
    file: PathBuf,
}

impl Backup {
    pub(super) fn run(self, settings: &Settings) -> Result {
        let shown = self.file.display();
        match Target::existing(settings)? {
            Target::Store(directory) => directory.backup(&self.file)?,
            Target::Server(client) => {
                let mut file = NewFile::create(&self.file)?;
                io::copy(&mut client.get("/api/v2/data/backup")?, &mut file)
                    .map_err(|why| Failure::refused(format!("{shown} could not be written whole: {why}")))?;
                file.keep()?;
            }
        }
        say(format!("wrote {shown}"))
    }
}
