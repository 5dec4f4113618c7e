//! CSV writer (RFC 4180), and in `csv/` the reader. Cells contain texts as they are, and objects and arrays as JSON.
//!
//! Invariant: no cell can be executed as a formula by a spreadsheet (CSV injection), and reading restores the exact
//! text. A `'` is put before texts that begin with `=`, `+`, `-`, `@`, a tab, a carriage return, or a `'` itself.

mod formula;
mod header;
mod read;
mod rows;
mod separator;

use serde_json::Value;

use crate::wire::column::Cell;

use self::formula::guarded;

pub(crate) use self::header::ColumnMapping;
pub(crate) use self::read::CsvOptions;
pub use self::read::records_of_csv;
pub(crate) use self::rows::{CsvFile, read_csv};

/// The byte order mark of UTF-8.
pub(crate) const MARK: &[u8] = "\u{feff}".as_bytes();

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
}
