//! Record files for import: format detection, gzip decompression, and a progress bar over the bytes read.

use std::fs::File;
use std::io::{self, BufReader, IsTerminal, Read};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use encoding_rs::Encoding;
use flate2::read::MultiGzDecoder;
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::{Failure, Result};
use crate::exchange::decoded;

/// A format of record files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FileFormat {
    /// One JSON object per line
    Ndjson,
    /// A header line, then one record per line
    Csv,
    /// One array of objects
    Json,
}

/// A file to read records from, or standard input (`-`).
pub(super) struct RecordFile {
    pub(super) name: String,
    pub(super) format: FileFormat,
    /// Whether the format was detected from the name or the first bytes, and not by the user.
    pub(super) is_guessed: bool,
    pub(super) reader: Box<dyn Read>,
}

impl RecordFile {
    /// Whether the file begins with `beginning`. The bytes are not consumed.
    pub(super) fn begins_with(&mut self, beginning: &[u8]) -> Result<bool> {
        // Standard input and gzip streams cannot seek, so the bytes that were read are put in front of the rest again.
        let mut reader = std::mem::replace(&mut self.reader, Box::new(io::empty()));
        let mut found = Vec::new();
        reader
            .by_ref()
            .take(beginning.len() as u64)
            .read_to_end(&mut found)
            .map_err(|why| Failure::refused(format!("{} cannot be read: {why}", self.name)))?;
        let is_equal = found == beginning;
        self.reader = Box::new(io::Cursor::new(found).chain(reader));
        Ok(is_equal)
    }

    /// Opens `path`. `.gz` is decompressed, and any encoding becomes UTF-8. If `format` is `None`, `.csv` and `.tsv` are CSV,
    /// `.json` is a JSON array if it begins as one, and all else NDJSON.
    pub(super) fn open(
        path: &Path,
        format: Option<FileFormat>,
        encoding: Option<&'static Encoding>,
        progress: &ProgressBar,
    ) -> Result<Self> {
        let name = path.display().to_string();
        let unreadable = |why| Failure::refused(format!("{name} cannot be read: {why}"));
        let is_guessed = format.is_none();
        if name == "-" {
            let reader = decoded(Box::new(progress.wrap_read(io::stdin())), encoding).map_err(unreadable)?;
            let name = "standard input".to_owned();
            let format = format.unwrap_or(FileFormat::Ndjson);
            return Ok(Self { name, format, is_guessed, reader });
        }
        let file = File::open(path).map_err(unreadable)?;
        // The bar counts compressed bytes, below the decoder: only their total is known from the size of the file.
        let bytes = progress.wrap_read(BufReader::new(file));
        let is_gzip = extension(path) == "gz";
        let plain = if is_gzip { path.with_extension("") } else { path.to_owned() };
        let by_name = match &*extension(&plain) {
            "csv" | "tsv" => FileFormat::Csv,
            "json" => FileFormat::Json,
            _ => FileFormat::Ndjson,
        };
        // Multi: files that were concatenated, or written by pigz, have several gzip members; `GzDecoder` would stop
        // silently after the first.
        let reader: Box<dyn Read> =
            if is_gzip { Box::new(MultiGzDecoder::new(bytes)) } else { Box::new(bytes) };
        let reader = decoded(reader, encoding).map_err(unreadable)?;
        let mut opened = Self { name, format: format.unwrap_or(by_name), is_guessed, reader };
        // Many programs write one object per line into files of this name.
        if is_guessed && by_name == FileFormat::Json && !opened.begins_with(b"[")? {
            opened.format = FileFormat::Ndjson;
        }
        Ok(opened)
    }
}

fn extension(path: &Path) -> String {
    path.extension().map(|end| end.to_string_lossy().to_lowercase()).unwrap_or_default()
}

/// A progress bar over the bytes of these files; hidden if standard error is not a terminal.
pub(super) fn bytes_bar(paths: &[PathBuf]) -> ProgressBar {
    // Files that cannot be examined count as 0; opening them gives the better error.
    let sizes = paths.iter().map(|path| path.metadata().map_or(0, |file| file.len()));
    bar(Some(sizes.sum()), "{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {msg}")
}

/// A counter of bytes, for output whose total is unknown.
pub(super) fn bytes_counter() -> ProgressBar {
    bar(None, "{spinner} {bytes} {bytes_per_sec} {msg}")
}

fn bar(length: Option<u64>, template: &str) -> ProgressBar {
    if !io::stderr().is_terminal() {
        // Control sequences would fill the logs of cron jobs and pipelines.
        return ProgressBar::hidden();
    }
    let bar = length.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
