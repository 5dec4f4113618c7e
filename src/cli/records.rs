//! Files of records: which format, unpacked, counted on a progress bar.

use std::fs::File;
use std::io::{self, BufReader, IsTerminal, Read};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use flate2::read::MultiGzDecoder;
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::{Failure, Result};

/// A format of record files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FileFormat {
    /// A JSON object a line
    Ndjson,
    /// A header, and a record a line
    Csv,
}

/// One file to read records from; `-` is standard input.
pub(super) struct RecordFile {
    pub(super) name: String,
    pub(super) format: FileFormat,
    pub(super) reader: Box<dyn Read>,
}

impl RecordFile {
    /// Whether it begins with these bytes, which are still to be read afterwards.
    pub(super) fn begins_with(&mut self, beginning: &[u8]) -> Result<bool> {
        let mut reader = std::mem::replace(&mut self.reader, Box::new(io::empty()));
        let mut found = Vec::new();
        reader
            .by_ref()
            .take(beginning.len() as u64)
            .read_to_end(&mut found)
            .map_err(|why| Failure::refused(format!("{} cannot be read: {why}", self.name)))?;
        let is_so = found == beginning;
        self.reader = Box::new(io::Cursor::new(found).chain(reader));
        Ok(is_so)
    }

    /// Opens `path`; `.gz` is unpacked, and `.csv` is CSV unless `format` says otherwise.
    pub(super) fn open(path: &Path, format: Option<FileFormat>, progress: &ProgressBar) -> Result<Self> {
        let name = path.display().to_string();
        if name == "-" {
            let reader = Box::new(progress.wrap_read(io::stdin()));
            return Ok(Self {
                name: "standard input".to_owned(),
                format: format.unwrap_or(FileFormat::Ndjson),
                reader,
            });
        }
        let file =
            File::open(path).map_err(|why| Failure::refused(format!("{name} cannot be read: {why}")))?;
        let bytes = progress.wrap_read(BufReader::new(file));
        let is_packed = extension(path) == "gz";
        let plain = if is_packed { path.with_extension("") } else { path.to_owned() };
        let by_name = if extension(&plain) == "csv" { FileFormat::Csv } else { FileFormat::Ndjson };
        let reader: Box<dyn Read> =
            if is_packed { Box::new(MultiGzDecoder::new(bytes)) } else { Box::new(bytes) };
        Ok(Self { name, format: format.unwrap_or(by_name), reader })
    }
}

fn extension(path: &Path) -> String {
    path.extension().map(|end| end.to_string_lossy().to_lowercase()).unwrap_or_default()
}

/// A bar over the bytes of these files, where someone sees it.
pub(super) fn bytes_bar(paths: &[PathBuf]) -> ProgressBar {
    let sizes = paths.iter().map(|path| path.metadata().map_or(0, |file| file.len()));
    bar(Some(sizes.sum()), "{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {msg}")
}

/// A counter of bytes whose end is not known.
pub(super) fn bytes_counter() -> ProgressBar {
    bar(None, "{spinner} {bytes} {bytes_per_sec} {msg}")
}

fn bar(length: Option<u64>, template: &str) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = length.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
