//! CSV reader and writer (RFC 4180). Cells contain texts as they are, and objects and arrays as JSON.
//!
//! Invariant: no cell can be executed as a formula by a spreadsheet (CSV injection), and reading restores the exact
//! text. A `'` is put before texts that begin with `=`, `+`, `-`, `@`, a tab, a carriage return, or a `'` itself.

use std::borrow::Cow;
use std::io::Read;

use serde_json::{Map, Value};

use crate::error::Error;
use crate::wire::column::Cell;
use crate::wire::json;

/// Characters at the beginning of a cell that a spreadsheet may take for a formula, and the escape character.
// The escape character is in the list, since `'x` and the escaped form of `x` could not be told apart otherwise.
const RISKY: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\''];

/// A record, or why its line cannot be read.
type ReadRow = Result<Map<String, Value>, Error>;

/// Writes the line with the names of the columns.
pub(crate) fn header<C: AsRef<str>>(names: impl Iterator<Item = C>, out: &mut Vec<u8>) {
    for (index, name) in names.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        quoted(name.as_ref().as_bytes(), out);
    }
    out.extend_from_slice(b"\r\n");
}

/// Writes the line of a record.
// By hand and not by the `csv` crate: lines go into the same buffer as other formats, without a writer between.
pub(crate) fn record<'v>(values: impl Iterator<Item = Option<Cell<'v>>>, out: &mut Vec<u8>) {
    for (index, value) in values.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        if let Some(value) = value {
            cell(&value, out);
        }
    }
    out.extend_from_slice(b"\r\n");
}

fn cell(value: &Cell<'_>, out: &mut Vec<u8>) {
    match value {
        Cell::Text(text) => quoted(guarded(text).as_bytes(), out),
        Cell::Formatted(text) | Cell::Json(Value::String(text)) => quoted(guarded(text).as_bytes(), out),
        // Times, numbers and JSON are not escaped. They begin with a digit, `{`, `[`, or the minus sign of a number,
        // and are never formulas.
        Cell::Time(time) => time.append_to(out),
        // `{}` and `[]` are written like null. Reading leaves the field out, which means the same for new records.
        other if other.is_empty() => {}
        other => {
            let mut json = Vec::new();
            other.write(&mut json);
            quoted(&json, out);
        }
    }
}

/// Writes a text, in quotes if it contains a special character.
fn quoted(text: &[u8], out: &mut Vec<u8>) {
    if memchr::memchr3(b'"', b',', b'\n', text).is_none() && memchr::memchr(b'\r', text).is_none() {
        return out.extend_from_slice(text);
    }
    out.push(b'"');
    let mut rest = text;
    while let Some(quote) = memchr::memchr(b'"', rest) {
        let (until, after) = rest.split_at(quote + 1);
        out.extend_from_slice(until);
        out.push(b'"');
        rest = after;
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

fn guarded(text: &str) -> Cow<'_, str> {
    if text.starts_with(RISKY) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// The original text of an escaped cell.
pub(crate) fn unguarded(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        // Only where the writer would have put the `'`. Files of other origin may have texts such as `'tis`.
        Some(text) if text.starts_with(RISKY) => text,
        _ => cell,
    }
}

/// The records of a CSV file, each with the number of its line.
///
/// The header names the fields; a dotted name is a member of an object. Cells that contain a JSON object or array are
/// parsed. An empty cell means that the field is absent.
///
/// # Errors
/// For the whole file if the header cannot be read; for a single record if its line is not valid CSV.
pub fn records_of_csv<R: Read>(reader: R) -> Result<impl Iterator<Item = (u64, ReadRow)>, Error> {
    // Not flexible: a row with a missing cell would assign values to the wrong columns without notice.
    let mut csv = ::csv::ReaderBuilder::new().flexible(false).from_reader(reader);
    let header: Vec<String> = csv
        .headers()
        .map_err(|fault| Error::malformed(format!("the CSV header cannot be read: {fault}")))?
        .iter()
        // Excel writes a byte order mark before the first name.
        .map(|name| name.trim().trim_start_matches('\u{feff}').to_owned())
        .collect();
    // With CRLF line endings the `csv` reader takes the LF for the beginning of the next line, so its line numbers are
    // one too small. That shows after the header: its position is then still on line 1.
    let behind = u64::from(csv.position().line() == 1);
    let mut lines = csv.into_records();
    Ok(std::iter::from_fn(move || {
        let line = lines.next()?;
        let position = match &line {
            Ok(cells) => cells.position(),
            Err(fault) => fault.position(),
        };
        let number = position.map_or(0, ::csv::Position::line) + behind;
        let record = line
            .map(|cells| record_of_cells(&header, &cells))
            .map_err(|fault| Error::malformed(format!("the line is not CSV: {fault}")));
        Some((number, record))
    }))
}

fn record_of_cells(header: &[String], cells: &::csv::StringRecord) -> Map<String, Value> {
    let mut record = Map::new();
    for (name, cell) in header.iter().zip(cells) {
        if cell.is_empty() {
            continue;
        }
        let value = value_of_cell(cell);
        match name.split_once('.') {
            Some((object, member)) => {
                let inner = record.entry(object).or_insert_with(|| Value::Object(Map::new()));
                // If a column without a dot has set another value already, that one is kept.
                if let Value::Object(inner) = inner {
                    inner.insert(member.to_owned(), value);
                }
            }
            None => {
                record.insert(name.clone(), value);
            }
        }
    }
    record
}

fn value_of_cell(cell: &str) -> Value {
    // Only objects and arrays are parsed. Numbers and `true` stay texts: an id such as `007` must keep its zeros. A
    // name such as `[internal]` is not JSON and stays a text as well.
    if cell.starts_with(['{', '['])
        && let Ok(value) = json::parse(cell.as_bytes())
    {
        return value;
    }
    Value::from(unguarded(cell))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn cells_keep_values_and_escape_formulas() {
        for (value, expected) in [
            (None, ""),
            (Some(Cell::Text("x")), "x"),
            (Some(Cell::Text("=1+1")), "'=1+1"),
            (Some(Cell::Formatted("'=x".to_owned())), "''=x"),
            (Some(Cell::List(vec![Cell::Text("k")])), "\"[\"\"k\"\"]\""),
            (Some(Cell::List(Vec::new())), ""),
            (Some(Cell::Json(&json!(-7))), "-7"),
            (Some(Cell::Json(&json!({}))), ""),
        ] {
            let mut out = Vec::new();
            record(std::iter::once(value), &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), format!("{expected}\r\n"));
        }
    }

    #[test]
    fn a_line_quotes_special_characters() {
        let mut out = Vec::new();
        header(["a", "", "b,c", "say \"x\"", "two\nlines"].into_iter(), &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), "a,,\"b,c\",\"say \"\"x\"\"\",\"two\nlines\"\r\n");
    }

    #[test]
    fn reading_reverts_the_escaping() {
        for text in ["=1", "'", "''", "'=1", "plain", "it's", "@x", ""] {
            assert_eq!(unguarded(&guarded(text)), text);
        }
    }

    #[test]
    fn csv_reads_dotted_columns_and_json_cells() {
        let file = "kind,projectId,projectOwner.email,assets,note\r\nproject,p1,a@b,\"{\"\"services\"\":[]}\",'=1\r\nproject,p2,,,\r\n";
        let records: Vec<_> = records_of_csv(file.as_bytes()).unwrap().collect();
        assert_eq!(records[0].0, 2);
        let expected = json!({"kind": "project", "projectId": "p1", "projectOwner": {"email": "a@b"},
            "assets": {"services": []}, "note": "=1"});
        assert_eq!(Value::Object(records[0].1.clone().unwrap()), expected);
        assert_eq!(
            Value::Object(records[1].1.clone().unwrap()),
            json!({"kind": "project", "projectId": "p2"})
        );
        for broken in ["kind,email\r\nperson\r\n", "kind,email\nperson\n"] {
            let (line, record) = records_of_csv(broken.as_bytes()).unwrap().next().unwrap();
            assert_eq!((line, record.is_err()), (2, true));
        }
    }
}
