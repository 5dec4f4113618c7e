//! `clade export`: writes all records, or with `--history` the whole store as an archive, in a form that import reads.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tempfile::TempDir;

use crate::cli::Result;
use crate::cli::client::Client;
use crate::cli::output::write_to;
use crate::cli::records::{FileFormat, bytes_counter};
use crate::cli::settings::Settings;
use crate::cli::target::Target;
use crate::directory::{Directory, NewFile};
use crate::exchange::{Export, ExportKind, ExportSelection, Format};
use crate::model::reference::UnitRef;

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// Export the complete history with all ids, timestamps and tokens, as an archive from which `import --history`
    /// recreates the store, also with a later version of Clade
    #[arg(long, conflicts_with = "format")]
    history: bool,
    /// The format of the records
    #[arg(long, value_enum, default_value_t = FileFormat::Ndjson)]
    format: FileFormat,
    /// Only records of this kind, with their units or parents as a list: orgUnit, person, project or mapping
    #[arg(long, conflicts_with = "history", value_parser = PossibleValuesParser::new(ExportKind::NAMES))]
    kind: Option<String>,
    /// Only this unit and the records below it: its key, external id, path or unique name
    #[arg(long, conflicts_with = "history")]
    unit: Option<String>,
    /// The file to write; must not exist yet [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl ExportArgs {
    pub(super) fn run(self, settings: &Settings) -> Result {
        let progress = bytes_counter();
        if self.history {
            // `_copy` must live until the archive is written: dropping it deletes the temporary folder.
            let (store, _copy) = store_to_archive(settings)?;
            // Private, unlike an export of records, since an archive contains the hashes of tokens.
            write_to(self.output.as_deref().map(NewFile::private), |out| {
                Directory::archive_of(&store, &mut progress.wrap_write(out))?;
                Ok(())
            })?;
            progress.finish_and_clear();
            return Ok(());
        }
        let target = Target::existing(settings)?;
        write_to(self.output.as_deref().map(NewFile::private), |out| {
            let mut out = progress.wrap_write(out);
            match &target {
                Target::Store(directory) => {
                    let format = match self.format {
                        FileFormat::Ndjson => Format::Ndjson,
                        FileFormat::Csv => Format::Csv,
                        FileFormat::Json => Format::Json,
                    };
                    let view = directory.view();
                    let within = self.unit.as_deref().map(|unit| view.find_unit(&UnitRef::from(unit)));
                    let kind = self.kind.as_deref().and_then(ExportKind::named);
                    let selection = ExportSelection { kind, within: within.transpose()?, has_mark: false };
                    let mut export = Export::new(view, format, selection);
                    while let Some(piece) = export.next_chunk() {
                        out.write_all(&piece)?;
                    }
                }
                Target::Server(client) => {
                    let word = match self.format {
                        FileFormat::Ndjson => "ndjson",
                        FileFormat::Csv => "csv",
                        FileFormat::Json => "json",
                    };
                    let given = [("kind", &self.kind), ("unit", &self.unit)];
                    let more: String = given
                        .into_iter()
                        .filter_map(|(name, value)| {
                            let value = utf8_percent_encode(value.as_deref()?, NON_ALPHANUMERIC);
                            Some(format!("&{name}={value}"))
                        })
                        .collect();
                    let mut records = client.get(&format!("/api/v2/data/bulk?format={word}{more}"))?;
                    io::copy(&mut records, &mut out)?;
                }
            }
            Ok(())
        })?;
        progress.finish_and_clear();
        Ok(())
    }
}

/// The path of the store to archive. For a server it is a downloaded backup, deleted when the `TempDir` is dropped.
fn store_to_archive(settings: &Settings) -> Result<(PathBuf, Option<TempDir>)> {
    let Some(server) = &settings.server else { return Ok((settings.data(), None)) };
    let client = Client::new(server)?;
    // There is no endpoint for archives; a backup holds the same log, and the archive is made from it here.
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("copy.redb");
    let copy = |file: &mut dyn Write| {
        io::copy(&mut client.get("/api/v2/data/backup")?, file)?;
        Ok(())
    };
    write_to(Some(NewFile::private(&path)), copy)?;
    Ok((path, Some(folder)))
}
