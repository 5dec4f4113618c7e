//! `clade backup`: a consistent copy of a store, also while it is served.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

use clap::Args;

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
        let target = Target::existing(settings)?;
        let shown = self.file.display();
        if self.file.exists() {
            return Err(Failure::refused(format!("{shown} exists; backups overwrite nothing")));
        }
        match target {
            Target::Store(directory) => directory.backup(&self.file)?,
            Target::Server(client) => {
                let mut copy = client.get("/api/v2/data/backup")?;
                let mut file = File::create_new(&self.file)?;
                let written = io::copy(&mut copy, &mut file).and_then(|_| file.sync_all());
                if let Err(why) = written {
                    let _half = fs::remove_file(&self.file);
                    return Err(Failure::refused(format!("{shown} could not be written whole: {why}")));
                }
            }
        }
        say(format!("wrote {shown}"))
    }
}
