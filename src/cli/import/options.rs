//! Options of `clade import` that say how files are read.

use clap::Args;
use encoding_rs::Encoding;

use crate::cli::records::{FileFormat, RecordFile};
use crate::cli::{Failure, Result};
use crate::exchange::{ColumnMapping, CsvOptions, encoding_named};

#[derive(Debug, Args)]
#[command(next_help_heading = "How files are read")]
pub(super) struct FileArgs {
    /// The format of all files [default: by their names: .csv and .tsv, .json, else NDJSON]
    #[arg(long, value_enum)]
    pub(super) format: Option<FileFormat>,
    /// The kind of all records of a CSV file that has no `kind` column: orgUnit, person, project or mapping
    #[arg(long)]
    pub(super) kind: Option<String>,
    /// The encoding of all files, such as windows-1252 [default: UTF-8, or what their byte order mark says]
    #[arg(long, value_parser = encoding)]
    pub(super) encoding: Option<&'static Encoding>,
    /// The character between the cells of CSV, or the word tab [default: , ; tab or | as the header has it]
    #[arg(long, value_parser = separator, value_name = "CHARACTER")]
    separator: Option<u8>,
    /// The character between several units in one cell of units, parents [default: ;], and of organization, business,
    /// department, group, team [default: none]
    #[arg(long, value_parser = list_separator, value_name = "CHARACTER")]
    list_separator: Option<char>,
    /// The name of the CSV column of a field, such as email="Work Email"; may be repeated
    #[arg(long, value_parser = ColumnMapping::parse, value_name = "FIELD=COLUMN")]
    map: Vec<ColumnMapping>,
}

impl FileArgs {
    /// Refuses options for CSV if no file is CSV.
    pub(super) fn check(&self, sources: &[RecordFile]) -> Result {
        let given = [
            ("--separator", self.separator.is_some()),
            ("--list-separator", self.list_separator.is_some()),
            ("--map", !self.map.is_empty()),
        ];
        let Some((option, _)) = given.into_iter().find(|(_, is_given)| *is_given) else { return Ok(()) };
        let Some(first) = sources.first() else { return Ok(()) };
        if sources.iter().any(|source| source.format == FileFormat::Csv) {
            return Ok(());
        }
        let format = if first.format == FileFormat::Json { "JSON" } else { "NDJSON" };
        let name = &first.name;
        Err(Failure::Usage(format!(
            "{option} is for CSV files, and {name} is read as {format}; --format csv reads it as CSV"
        )))
    }

    pub(super) fn csv(&self) -> CsvOptions {
        CsvOptions {
            separator: self.separator,
            list_separator: self.list_separator,
            mapped: self.map.clone(),
            kind: self.kind.clone(),
        }
    }
}

fn encoding(name: &str) -> Result<&'static Encoding, String> {
    encoding_named(name)
        .ok_or_else(|| "is no encoding; use a name such as windows-1252 or utf-16le".to_owned())
}

fn separator(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"tab" | b"\\t" => Ok(b'\t'),
        [byte] if byte.is_ascii_punctuation() && *byte != b'"' || *byte == b'\t' => Ok(*byte),
        _ => Err("must be one character, such as ; or |, or the word tab".to_owned()),
    }
}

fn list_separator(text: &str) -> Result<char, String> {
    let mut letters = text.chars();
    match (letters.next(), letters.next()) {
        (Some(letter), None) => Ok(letter),
        _ => Err("must be one character, such as ;".to_owned()),
    }
}
