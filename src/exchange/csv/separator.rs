//! How a CSV file separates its cells, detected from its first lines; and whether it ends within a cell.

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

/// Separators that are detected, the most likely first.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// Maximum length of the first line that is examined, in bytes.
const HEADER_BYTES_MAX: u64 = 1 << 20;

/// The beginning of a CSV file.
pub(super) struct FirstLines {
    pub(super) separator: u8,
    /// The line with the names of the columns, or its beginning.
    pub(super) header: Vec<u8>,
    /// The number of lines before it.
    pub(super) skipped: u64,
}

/// Reads the first lines. A line `sep=;`, which Excel writes and reads, names the separator.
pub(super) fn first_lines(reader: &mut impl BufRead, separator: Option<u8>) -> io::Result<FirstLines> {
    let mut line = || {
        let mut line = Vec::new();
        reader.by_ref().take(HEADER_BYTES_MAX).read_until(b'\n', &mut line)?;
        Ok::<_, io::Error>(line)
    };
    let mut header = line()?;
    if header.starts_with("\u{feff}".as_bytes()) {
        header.drain(..3);
    }
    let named = match header.trim_ascii_end() {
        // A tab at the end of the line is white space too.
        [b's', b'e', b'p', b'='] if header.get(4) == Some(&b'\t') => Some(b'\t'),
        [b's', b'e', b'p', b'=', named] => Some(*named),
        _ => None,
    };
    let mut skipped = 0;
    if named.is_some() {
        header = line()?;
        skipped = 1;
    }
    let separator = separator.or(named).unwrap_or_else(|| detected_from(&header));
    Ok(FirstLines { separator, header, skipped })
}

/// The separator that is most frequent outside quotes.
fn detected_from(header: &[u8]) -> u8 {
    let count = |separator: u8| {
        let mut is_quoted = false;
        header
            .iter()
            .filter(|byte| {
                is_quoted ^= **byte == b'"';
                !is_quoted && **byte == separator
            })
            .count()
    };
    // `max_by_key` returns the last of equals, and the first is wanted.
    SEPARATORS.into_iter().rev().max_by_key(|separator| count(*separator)).unwrap_or(b',')
}

/// Where in a CSV text a byte is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Place {
    #[default]
    CellBegin,
    Plain,
    Quoted,
    /// After a quote in a quoted cell: its end, or the first of two.
    Quote,
}

/// A reader that notes whether the text ends within a quoted cell.
// The `csv` crate takes the end of the file for the end of the cell.
pub(super) struct CellEnds<R> {
    inner: R,
    separator: u8,
    place: Place,
    in_cell: Rc<Cell<bool>>,
}

impl<R: Read> CellEnds<R> {
    /// The reader, and whether what was read so far ends within a quoted cell.
    pub(super) fn new(inner: R, separator: u8) -> (Self, Rc<Cell<bool>>) {
        let in_cell = Rc::new(Cell::new(false));
        (Self { inner, separator, place: Place::default(), in_cell: Rc::clone(&in_cell) }, in_cell)
    }
}

impl<R: Read> Read for CellEnds<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(out)?;
        for byte in &out[..count] {
            let ends_cell = *byte == self.separator || matches!(byte, b'\n' | b'\r');
            self.place = match (self.place, byte) {
                (Place::Quoted, b'"') => Place::Quote,
                (Place::CellBegin | Place::Quote, b'"') | (Place::Quoted, _) => Place::Quoted,
                _ if ends_cell => Place::CellBegin,
                _ => Place::Plain,
            };
        }
        self.in_cell.set(self.place == Place::Quoted);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_separator_is_detected_from_the_header_or_by_its_own_line() {
        for (text, separator, skipped) in [
            ("email;firstName;team\nx,y;z", b';', 0),
            ("email,\"a;b;c\",team\n", b',', 0),
            ("email\tteam", b'\t', 0),
            ("email|team\n", b'|', 0),
            ("email\n", b',', 0),
            ("sep=;\r\na,b,c\n", b';', 1),
            ("\u{feff}sep=\t\r\na\n", b'\t', 1),
        ] {
            let first = first_lines(&mut text.as_bytes(), None).unwrap();
            assert_eq!((first.separator, first.skipped), (separator, skipped), "{text:?}");
        }
        assert_eq!(first_lines(&mut "a,b;c".as_bytes(), Some(b';')).unwrap().separator, b';');
    }
}
