//! CSV, in and out. Cells hold texts as they are, objects and lists as JSON, and nothing that a spreadsheet would run.
//!
//! A text that begins with `=`, `+`, `-`, `@`, a tab or a carriage return would be taken for a formula, so a
//! `'` is put before it, and before a `'` too, so that reading takes away just what writing put there.

use std::borrow::Cow;
use std::io::Read;

use serde_json::{Map, Value};

use crate::error::Error;
use crate::wire::cell::Cell;
use crate::wire::json;

/// What a spreadsheet may take for the beginning of a formula, and the mark against it.
const RISKY: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\''];

/// A record, or why its line is none.
type ReadRecord = Result<Map<String, Value>, Error>;

/// Writes one line of cells (RFC 4180).
pub(crate) fn line<C: AsRef<str>>(cells: impl Iterator<Item = C>, out: &mut Vec<u8>) {
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        let text = cell.as_ref();
        if text.contains(['"', ',', '\n', '\r']) {
            out.push(b'"');
            out.extend_from_slice(text.replace('"', "\"\"").as_bytes());
            out.push(b'"');
        } else {
            out.extend_from_slice(text.as_bytes());
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// A value as a cell.
pub(crate) fn cell(value: Option<&Cell<'_>>) -> String {
    match value {
        None => String::new(),
        Some(Cell::Text(text)) => guarded(text).into_owned(),
        Some(Cell::Made(text) | Cell::Json(Value::String(text))) => guarded(text).into_owned(),
        Some(Cell::Time(moment)) => moment.to_string(),
        Some(Cell::Number(number)) => number.to_string(),
        Some(other) if other.is_empty() => String::new(),
        Some(other) => serde_json::to_string(other).unwrap_or_default(),
    }
}

fn guarded(text: &str) -> Cow<'_, str> {
    if text.starts_with(RISKY) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// The text that a cell was written for.
pub(crate) fn unguarded(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if text.starts_with(RISKY) => text,
        _ => cell,
    }
}

/// The records of a CSV file with their line numbers: a header names the fields, a dotted one a member of an
/// object, and cells that are JSON objects or lists are read as such. An empty cell is no field at all.
///
/// # Errors
/// Of the whole, when there is no header; of one record, when its line is no CSV.
pub fn records_of_csv<R: Read>(reader: R) -> Result<impl Iterator<Item = (u64, ReadRecord)>, Error> {
    let mut csv = ::csv::ReaderBuilder::new().flexible(false).from_reader(reader);
    let header: Vec<String> = csv
        .headers()
        .map_err(|fault| Error::malformed(format!("the file has no header that can be read: {fault}")))?
        .iter()
        .map(|name| name.trim().trim_start_matches('\u{feff}').to_owned())
        .collect();
    // The reader counts a line as begun at the line feed before it, where lines end in CR LF.
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
    fn a_cell_holds_what_the_record_says_and_runs_nothing() {
        for (value, expected) in [
            (None, ""),
            (Some(Cell::Text("x")), "x"),
            (Some(Cell::Text("=1+1")), "'=1+1"),
            (Some(Cell::Made("'=x".to_owned())), "''=x"),
            (Some(Cell::List(vec![Cell::Text("k")])), "[\"k\"]"),
            (Some(Cell::List(Vec::new())), ""),
            (Some(Cell::Object(vec![("a", None), ("b", Some(Cell::Number(7)))])), "{\"a\":null,\"b\":7}"),
            (Some(Cell::Json(&json!(-7))), "-7"),
            (Some(Cell::Json(&json!({}))), ""),
        ] {
            assert_eq!(cell(value.as_ref()), expected, "{value:?}");
        }
    }

    #[test]
    fn a_line_quotes_what_must_be() {
        let mut out = Vec::new();
        line(["a", "", "b,c", "say \"x\"", "two\nlines"].into_iter(), &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), "a,,\"b,c\",\"say \"\"x\"\"\",\"two\nlines\"\r\n");
    }

    #[test]
    fn reading_takes_away_what_writing_put_there() {
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
