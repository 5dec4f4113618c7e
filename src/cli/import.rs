//! `clade import`: imports all records of all files in one change set, or restores a history archive.
//!
//! Invariant: all or nothing. If any record is refused, nothing is changed.

mod formats;
mod local;
mod options;
mod reading;
mod remote;
mod report;

use std::io::BufReader;
use std::path::PathBuf;
use std::time::Instant;

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::cli::client::Client;
use crate::cli::import::formats::{guessed_formats, with_formats};
use crate::cli::import::options::FileArgs;
use crate::cli::records::{RecordFile, bytes_bar};
use crate::cli::settings::Settings;
use crate::cli::{Failure, Result, print_json, print_line};
use crate::directory::Directory;
use crate::error::{Error, StoreErrorKind};
use crate::exchange::ReadOptions;
use crate::model::command::IfExists;

/// The records that `--example` prints.
const EXAMPLE: &str = include_str!("../../examples/organization.ndjson");

/// The first bytes of a file that `export --history` wrote.
// Such a file is NDJSON too, so the name cannot tell it apart from a file of records.
const HISTORY: &[u8] = b"{\"archive\":";

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// NDJSON, CSV or JSON files, optionally gzip-compressed (.gz); - for standard input
    #[arg(required_unless_present = "example", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print six records in NDJSON, one of each kind and form, to begin a file with
    #[arg(long, exclusive = true)]
    example: bool,
    /// Create a new store from one archive of `export --history`, with all ids and the complete history
    #[arg(long, conflicts_with_all = [
        "mode", "dry_run", "strict", "no_new_units", "format", "kind", "encoding", "separator", "list_separator", "map",
    ])]
    history: bool,
    /// What to do with records that exist already
    #[arg(long, value_enum, default_value_t = Mode::Insert)]
    mode: Mode,
    /// Validate the records and report what would change, without changing anything
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    refusing: RefusingArgs,
    #[command(flatten)]
    reading: FileArgs,
}

/// What an import refuses that it would otherwise accept.
#[derive(Debug, Args)]
struct RefusingArgs {
    /// Refuse fields that records of the kind do not have, instead of keeping them as attributes
    #[arg(long)]
    strict: bool,
    /// Refuse names and paths of units that do not exist, instead of creating them
    #[arg(long)]
    no_new_units: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Refuse the import
    Insert,
    /// Merge the imported fields into them; fields that are absent keep their values
    Upsert,
}

impl ImportArgs {
    pub(super) fn run(self, settings: &Settings) -> Result {
        if self.example {
            return print_line(EXAMPLE.trim_end());
        }
        if self.history {
            return self.restore(settings);
        }
        let began = Instant::now();
        let progress = bytes_bar(&self.files);
        let mut sources = Vec::new();
        for file in &self.files {
            let mut source = RecordFile::open(file, self.reading.format, self.reading.encoding, &progress)?;
            if source.begins_with(HISTORY)? {
                return Err(Failure::Usage(format!(
                    "{} is an archive of export --history; import it with --history",
                    source.name
                )));
            }
            sources.push(source);
        }
        self.reading.check(&sources)?;
        let names: Vec<String> = sources.iter().map(|source| source.name.clone()).collect();
        let guessed = guessed_formats(&sources);
        let told = |failure| with_formats(failure, &guessed);
        let answer = if let Some(server) = &settings.server {
            self.send(&Client::new(server)?, sources, &names).map_err(told)?
        } else {
            // Files are read completely before the store is opened, since opening creates one that does not exist:
            // a misspelled file name must not leave an empty store behind.
            let records = self.read(sources, &names).map_err(told)?;
            progress.set_message("writing");
            self.write(settings, records, &names)?
        };
        progress.finish_and_clear();
        self.report(settings, &answer, began)
    }

    /// Creates a store from an archive.
    fn restore(&self, settings: &Settings) -> Result {
        if settings.is_server_flagged {
            let how =
                "import --history creates a new store and cannot use --server; name the store with --data";
            return Err(Failure::Usage(how.to_owned()));
        }
        let [file] = &*self.files else {
            return Err(Failure::Usage("import --history takes exactly one file".to_owned()));
        };
        let progress = bytes_bar(&self.files);
        let source = RecordFile::open(file, self.reading.format, None, &progress)?;
        let data = settings.data();
        let restored = Directory::restore_archive(&data, BufReader::with_capacity(1 << 16, source.reader));
        let revision = restored.map_err(|refusal| match refusal {
            // These two are problems of the archive, so the message names its file; others name the new store.
            Error::Store(failure)
                if matches!(failure.kind(), StoreErrorKind::Damaged | StoreErrorKind::NewerFormat) =>
            {
                Failure::Refused {
                    message: format!("{}: {failure}", source.name),
                    members: json!({ "code": Error::from(failure).code() }),
                }
            }
            other => other.into(),
        })?;
        progress.finish_and_clear();
        if settings.json {
            return print_json(&json!({ "revision": revision.0 }));
        }
        print_line(format!("created {} from {}, up to revision {revision}", data.display(), source.name))
    }

    fn options(&self) -> ReadOptions {
        ReadOptions { if_exists: self.if_exists(), is_strict: self.refusing.strict }
    }

    fn if_exists(&self) -> IfExists {
        if self.mode == Mode::Upsert { IfExists::Merge } else { IfExists::Refuse }
    }
}
