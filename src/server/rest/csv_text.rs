//! CSV cells: texts as they are, objects and lists as JSON, and nothing that a spreadsheet would run.
//!
//! A text that begins with `=`, `+`, `-`, `@`, a tab or a carriage return would be taken for a formula, so a
//! `'` is put before it, and before a `'` too, so that reading takes away just what writing put there.

use std::borrow::Cow;

use serde_json::Value;

/// What a spreadsheet may take for the beginning of a formula, and the mark against it.
const RISKY: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\''];

/// Writes one line of cells (RFC 4180).
pub(super) fn line<C: AsRef<str>>(cells: impl Iterator<Item = C>, out: &mut Vec<u8>) {
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

/// The cell of a record in a column, which may be dotted.
pub(super) fn cell(record: &Value, column: &str) -> String {
    let value = column.split('.').try_fold(record, |value, name| value.get(name));
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => guarded(text).into_owned(),
        Some(Value::Object(members)) if members.is_empty() => String::new(),
        Some(Value::Array(items)) if items.is_empty() => String::new(),
        Some(other) => other.to_string(),
    }
}

fn guarded(text: &str) -> Cow<'_, str> {
    if text.starts_with(RISKY) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// The text that a cell was written for.
pub(super) fn unguarded(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if text.starts_with(RISKY) => text,
        _ => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_cell_holds_what_the_record_says_and_runs_nothing() {
        let record =
            json!({"a": "x", "b": {"c": "=1+1", "d": null}, "e": ["k"], "f": {}, "g": -7, "h": "'=x"});
        for (column, expected) in [
            ("a", "x"),
            ("b.c", "'=1+1"),
            ("b.d", ""),
            ("b.z", ""),
            ("e", "[\"k\"]"),
            ("f", ""),
            ("g", "-7"),
            ("h", "''=x"),
        ] {
            assert_eq!(cell(&record, column), expected, "{column}");
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
}
