//! Reads record files line by line: lines are parsed in parallel on all cores, and results are delivered in order.

use std::io::{BufRead, BufReader, Read};
use std::num::NonZero;
use std::ops::Range;
use std::thread::ScopedJoinHandle;

use serde_json::{Map, Value};

use crate::cli::printable::printable;
use crate::cli::records::RecordFile;
use crate::cli::{Failure, Result};
use crate::error::Error;
use crate::exchange::{CsvFile, CsvOptions, JsonItems, read_csv};
use crate::server::limits::RECORD_BODY_MAX_BYTES;

/// Lines in a batch that is parsed in parallel.
// Large enough that starting the threads costs little per line, small enough that a batch is only a few MB of text.
const LINES_AT_ONCE: usize = 1 << 13;

/// A batch of lines of a file, without blank ones.
#[derive(Default)]
struct FileLines {
    // One buffer for all lines: an allocation per line would be paid a million times in a large import.
    text: Vec<u8>,
    /// The number of each line, from 1, and its range in `text`.
    positions: Vec<(u64, Range<usize>)>,
}

/// Maximum length of a line, in bytes: that of a record over REST.
const LINE_BYTES_MAX: usize = RECORD_BODY_MAX_BYTES;

/// Parses every line that is not blank with `read`, in parallel, and passes the results to `take` in order.
// Parsing is most of the cost of an import, and unlike applying it needs no order.
pub(super) fn each_line<T: Send>(
    source: RecordFile,
    mut take: impl FnMut(u64, T) -> Result,
    read: impl Fn(&[u8]) -> T + Sync,
) -> Result {
    let mut reader = BufReader::with_capacity(1 << 16, source.reader);
    let mut number = 0;
    let mut lines = FileLines::default();
    let mut is_end = false;
    while !is_end {
        lines.text.clear();
        lines.positions.clear();
        while lines.positions.len() < LINES_AT_ONCE && !is_end {
            number += 1;
            let begin = lines.text.len();
            let unreadable =
                |why| Failure::refused(format!("{} line {number} cannot be read: {why}", source.name));
            // Bytes and not `lines()`: a line that is not UTF-8 is refused as that line, with the others.
            let limit = LINE_BYTES_MAX as u64 + 1;
            is_end = (&mut reader).take(limit).read_until(b'\n', &mut lines.text).map_err(unreadable)? == 0;
            if lines.text.len() - begin > LINE_BYTES_MAX {
                let file = &source.name;
                return Err(Failure::refused(format!(
                    "{file} line {number} is longer than {LINE_BYTES_MAX} bytes; a record is one line of NDJSON"
                )));
            }
            // Blank lines count for the line numbers, but are no records.
            if !lines.text[begin..].trim_ascii().is_empty() {
                lines.positions.push((number, begin..lines.text.len()));
            }
        }
        for (number, read) in read_in_parallel(&lines, &read) {
            take(number, read)?;
        }
    }
    Ok(())
}

/// The results of `read` for each line, in order, computed by one thread per core.
fn read_in_parallel<T: Send>(
    FileLines { text, positions }: &FileLines,
    read: &(impl Fn(&[u8]) -> T + Sync),
) -> impl Iterator<Item = (u64, T)> {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let read_line = |(number, range): &(u64, Range<usize>)| (*number, read(text[range.clone()].trim_ascii()));
    let parts = std::thread::scope(|scope| {
        // Contiguous chunks, joined in the order in which they were spawned: this keeps the lines in order without
        // sorting. `max(1)`, because `chunks(0)` panics when the batch is empty.
        let chunk_len = positions.len().div_ceil(threads).max(1);
        let read_all =
            |positions: &[(u64, Range<usize>)]| positions.iter().map(read_line).collect::<Vec<_>>();
        let readers: Vec<_> =
            positions.chunks(chunk_len).map(|chunk| scope.spawn(move || read_all(chunk))).collect();
        let joined =
            |reader: ScopedJoinHandle<'_, _>| reader.join().expect("a bad line is an error, not a panic");
        readers.into_iter().map(joined).collect::<Vec<_>>()
    });
    parts.into_iter().flatten()
}

/// Passes each item of a JSON array to `take`, with the number of its first line.
pub(super) fn each_item<T>(
    source: RecordFile,
    mut take: impl FnMut(u64, T) -> Result,
    read: impl Fn(&[u8]) -> T,
) -> Result {
    for (line, item) in JsonItems::new(source.reader, LINE_BYTES_MAX) {
        let refused = |why| Failure::refused(format!("{} line {line}: {why}", source.name));
        take(line, read(&item.map_err(refused)?))?;
    }
    Ok(())
}

/// Passes each record of a CSV file to `take`, with the number of its first line.
// Not in parallel: a quoted cell may contain line breaks, so rows can only be found by reading from the start.
pub(super) fn each_row<T>(
    source: RecordFile,
    options: CsvOptions,
    mut take: impl FnMut(u64, Result<T, Error>) -> Result,
    read: impl Fn(Map<String, Value>) -> Result<T, Error>,
) -> Result {
    let name = source.name;
    let CsvFile { records, notes } =
        read_csv(source.reader, options).map_err(|why| Failure::refused(format!("{name}: {why}")))?;
    let has_kind = |(_, row): &(u64, Result<Map<String, Value>, Error>)| {
        row.as_ref().is_ok_and(|record| record.contains_key("kind"))
    };
    if records.iter().any(|(_, row)| row.is_ok()) && !records.iter().any(has_kind) {
        let how = "kind is required; for a file of people alone: --kind person";
        return Err(Failure::refused(format!("{name}: {how}")));
    }
    for note in notes {
        eprintln!("note: {name}: {}", printable(&note));
    }
    for (line, row) in records {
        take(line, row.and_then(&read))?;
    }
    Ok(())
}

/// Tells that a file holds no records, which is no error: a nightly export may have none.
pub(super) fn warn_of_empty(name: &str) {
    eprintln!("warning: {name} holds no records");
}
