//! Reads files of records, line by line: as many lines at once as there are cores, handed over in order.

use std::io::{BufRead, BufReader};
use std::num::NonZero;
use std::ops::Range;
use std::thread::ScopedJoinHandle;

use serde_json::{Map, Value};

use crate::cli::records::RecordFile;
use crate::cli::{Failure, Result};
use crate::error::Error;
use crate::exchange::records_of_csv;

/// Lines that are read side by side.
const LINES_AT_ONCE: usize = 1 << 13;

/// Lines of a file that are not blank, one behind the other.
#[derive(Default)]
struct FileLines {
    text: Vec<u8>,
    /// The number of each line, from 1, and where it stands.
    places: Vec<(u64, Range<usize>)>,
}

/// Reads every line that is not blank, and hands over what `read` makes of it: many at once, since most of what an
/// import costs is reading lines.
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
        lines.places.clear();
        while lines.places.len() < LINES_AT_ONCE && !is_end {
            number += 1;
            let begin = lines.text.len();
            let unreadable =
                |why| Failure::refused(format!("{} line {number} cannot be read: {why}", source.name));
            is_end = reader.read_until(b'\n', &mut lines.text).map_err(unreadable)? == 0;
            if !lines.text[begin..].trim_ascii().is_empty() {
                lines.places.push((number, begin..lines.text.len()));
            }
        }
        for (number, read) in read_side_by_side(&lines, &read) {
            take(number, read)?;
        }
    }
    Ok(())
}

/// What `read` makes of each line, in order, by as many threads as there are cores.
fn read_side_by_side<T: Send>(
    FileLines { text, places }: &FileLines,
    read: &(impl Fn(&[u8]) -> T + Sync),
) -> impl Iterator<Item = (u64, T)> {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let read_line = |(number, place): &(u64, Range<usize>)| (*number, read(text[place.clone()].trim_ascii()));
    let parts = std::thread::scope(|scope| {
        let share = places.len().div_ceil(threads).max(1);
        let read_all = |places: &[(u64, Range<usize>)]| places.iter().map(read_line).collect::<Vec<_>>();
        let readers: Vec<_> =
            places.chunks(share).map(|places| scope.spawn(move || read_all(places))).collect();
        let joined =
            |reader: ScopedJoinHandle<'_, _>| reader.join().expect("what cannot be read is an error");
        readers.into_iter().map(joined).collect::<Vec<_>>()
    });
    parts.into_iter().flatten()
}

/// Hands over each row of a CSV file, with the number of its line.
pub(super) fn each_row<T>(
    source: RecordFile,
    kind: Option<&str>,
    mut take: impl FnMut(u64, Result<T, Error>) -> Result,
    read: impl Fn(Map<String, Value>) -> Result<T, Error>,
) -> Result {
    for (line, record) in records_of_csv(source.reader)? {
        let with_kind = record.map(|mut record| {
            if let Some(kind) = kind {
                record.entry("kind").or_insert_with(|| kind.into());
            }
            record
        });
        take(line, with_kind.and_then(&read))?;
    }
    Ok(())
}
