//! `clade import`: all records of all files in one change set, or none.

mod local;
mod reading;
mod remote;
mod report;

use std::io::BufReader;
use std::path::PathBuf;
use std::time::Instant;

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::cli::client::Client;
use crate::cli::records::{FileFormat, RecordFile, bytes_bar};
use crate::cli::settings::Settings;
use crate::cli::{Failure, Result, say, say_json};
use crate::directory::Directory;
use crate::error::{Error, StoreTrouble};
use crate::model::command::IfExists;

/// What `export --history` begins with.
const HISTORY: &[u8] = b"{\"archive\":";

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// NDJSON or CSV, also packed (.gz); - for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Make a new store of what `export --history` wrote: one file, with every id and all history
    #[arg(long, conflicts_with_all = ["mode", "dry_run", "format", "kind"])]
    history: bool,
    /// What to do with records that exist
    #[arg(long, value_enum, default_value_t = Mode::Insert)]
    mode: Mode,
    /// Say what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// The format, where the file's name does not tell
    #[arg(long, value_enum)]
    format: Option<FileFormat>,
    /// What the records of a CSV file without a `kind` column are: orgUnit, person, project or mapping
    #[arg(long)]
    kind: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Refuse them
    Insert,
    /// Merge what is given into them
    Upsert,
}

impl ImportArgs {
    pub(super) fn run(self, settings: &Settings) -> Result {
        if self.history {
            return self.restore(settings);
        }
        let began = Instant::now();
        let progress = bytes_bar(&self.files);
        let mut sources = Vec::new();
        for file in &self.files {
            let mut source = RecordFile::open(file, self.format, &progress)?;
            if source.begins_with(HISTORY)? {
                return Err(Failure::Usage(format!(
                    "{} is a history: import --history takes it",
                    source.name
                )));
            }
            sources.push(source);
        }
        let names: Vec<String> = sources.iter().map(|source| source.name.clone()).collect();
        let counts = if let Some(server) = &settings.server {
            self.send(&Client::new(server)?, sources, &names)?
        } else {
            // Read first: a file that cannot be read makes no store.
            let commands = self.commands(sources, &names)?;
            progress.set_message("writing");
            self.write(settings, commands, &names)?
        };
        progress.finish_and_clear();
        self.report(settings, &counts, began)
    }

    /// Makes the store that an archive is of.
    fn restore(&self, settings: &Settings) -> Result {
        if settings.is_server_flagged {
            let how = "import --history makes a store; stop the server and name a new store with --data";
            return Err(Failure::Usage(how.to_owned()));
        }
        let [file] = &*self.files else {
            return Err(Failure::Usage("import --history takes one file".to_owned()));
        };
        let progress = bytes_bar(&self.files);
        let source = RecordFile::open(file, self.format, &progress)?;
        let data = settings.data();
        let made = Directory::restore_archive(&data, BufReader::with_capacity(1 << 16, source.reader));
        let revision = made.map_err(|refusal| match refusal {
            // What is wrong with the text, and not with the store that is made.
            Error::Store(failure)
                if matches!(failure.trouble(), StoreTrouble::Damaged | StoreTrouble::NewerFormat) =>
            {
                Failure::Refused {
                    message: format!("{}: {failure}", source.name),
                    facts: json!({ "code": Error::from(failure).code() }),
                }
            }
            other => other.into(),
        })?;
        progress.finish_and_clear();
        if settings.json {
            return say_json(&json!({ "revision": revision.0 }));
        }
        say(format!("made {} from {}, up to revision {revision}", data.display(), source.name))
    }

    fn if_exists(&self) -> IfExists {
        if self.mode == Mode::Upsert { IfExists::Merge } else { IfExists::Refuse }
    }
}
