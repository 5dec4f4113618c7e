//! CSV reader: rows into records, with the names of the columns as fields.
//!
//! Invariant: no cell is lost. A cell without a column, and a row that is cut off, are errors.

use std::cell::Cell;
use std::io::{BufReader, Read};
use std::iter::Peekable;
use std::rc::Rc;

use serde_json::{Map, Value, json};

use crate::error::Error;
use crate::exchange::csv::formula::unguarded;
use crate::exchange::csv::header::{ColumnMapping, ColumnTarget, targets};
use crate::exchange::csv::separator::{CellEnds, first_lines};
use crate::model::level::Level;
use crate::wire::column::LIST_SEPARATOR;
use crate::wire::json;

/// Fields that are lists of references.
pub(super) const LISTS: [&str; 2] = ["units", "parents"];

/// How a CSV file is read.
#[derive(Debug, Clone, Default)]
pub(crate) struct CsvOptions {
    /// The separator of cells; detected from the header if absent.
    pub(crate) separator: Option<u8>,
    /// The separator of several values in one cell of a level field.
    pub(crate) list_separator: Option<char>,
    /// Fields of columns with other names.
    pub(crate) mapped: Vec<ColumnMapping>,
    /// The kind of records without a cell `kind`.
    pub(crate) kind: Option<String>,
}

/// A record, or why its line cannot be read.
pub(super) type ReadRow = Result<Map<String, Value>, Error>;

/// The records of a CSV file, each with the number of its line.
///
/// The header names the fields, without regard to case, blanks and `_`; a dotted name is a member of an object. Cells that
/// contain a JSON object or array are parsed. An empty cell means that the field is absent, and empty rows are skipped.
///
/// # Errors
/// For the whole file if the header cannot be read; for a single record if its line is not valid CSV.
pub fn records_of_csv<R: Read>(reader: R) -> Result<impl Iterator<Item = (u64, ReadRow)>, Error> {
    rows(reader, CsvOptions::default())
}

/// As [`records_of_csv`], with options.
pub(super) fn rows<R: Read>(
    reader: R,
    options: CsvOptions,
) -> Result<impl Iterator<Item = (u64, ReadRow)>, Error> {
    let mut reader = BufReader::with_capacity(1 << 16, reader);
    let unreadable =
        |why: &dyn std::fmt::Display| Error::malformed(format!("the CSV header cannot be read: {why}"));
    let first = first_lines(&mut reader, options.separator).map_err(|why| unreadable(&why))?;
    let text = std::io::Cursor::new(first.header).chain(reader);
    let (text, in_cell) = CellEnds::new(text, first.separator);
    let mut csv = ::csv::ReaderBuilder::new()
        .delimiter(first.separator)
        // CsvRows are compared with the header below: those of spreadsheets may have empty cells at the end.
        .flexible(true)
        .from_reader(text);
    let names: Vec<String> = csv
        .headers()
        .map_err(|why| if is_encoding(&why) { not_utf8() } else { unreadable(&why) })?
        .iter()
        .map(|name| name.trim().to_owned())
        .collect();
    let targets = targets(&names, options.kind.as_deref(), &options.mapped)?;
    // With CRLF line endings the `csv` reader takes the LF for the beginning of the next line, so its line numbers are
    // one too small. That shows after the header: its position is then still on line 1.
    let before = first.skipped + u64::from(csv.position().line() == 1);
    let header = CsvHeader { targets, options };
    Ok(CsvRows { lines: csv.into_records().peekable(), header, before, in_cell })
}

/// The rows of a CSV file as records.
struct CsvRows<R: Read> {
    lines: Peekable<::csv::StringRecordsIntoIter<R>>,
    header: CsvHeader,
    /// The number of lines that the `csv` reader does not count.
    before: u64,
    /// Whether the text read so far ends within a cell.
    in_cell: Rc<Cell<bool>>,
}

impl<R: Read> Iterator for CsvRows<R> {
    type Item = (u64, ReadRow);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let line = self.lines.next()?;
            let position = match &line {
                Ok(cells) => cells.position(),
                Err(why) => why.position(),
            };
            let number = position.map_or(0, ::csv::Position::line) + self.before;
            let cells = match line {
                Ok(cells) => cells,
                Err(why) if is_encoding(&why) => return Some((number, Err(not_utf8()))),
                Err(why) => {
                    return Some((number, Err(Error::malformed(format!("the line is not CSV: {why}")))));
                }
            };
            // A row of empty cells, as spreadsheets write them below the last one, is an empty line.
            if cells.iter().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            // Only the last row can be cut off.
            if self.lines.peek().is_none() && self.in_cell.get() {
                let detail = "the file ends in the middle of a cell, whose closing quote is missing";
                return Some((number, Err(Error::malformed(detail))));
            }
            return Some((number, self.header.record(&cells)));
        }
    }
}

fn is_encoding(why: &::csv::Error) -> bool {
    matches!(why.kind(), ::csv::ErrorKind::Utf8 { .. })
}

fn not_utf8() -> Error {
    Error::malformed("the line is not UTF-8; name the encoding of the file, such as --encoding windows-1252")
}

/// The columns of a file.
struct CsvHeader {
    targets: Vec<Option<ColumnTarget>>,
    options: CsvOptions,
}

impl CsvHeader {
    fn record(&self, cells: &::csv::StringRecord) -> ReadRow {
        let needed = self.targets.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        if cells.len() < needed {
            let detail = format!(
                "the row has {} cells, and the header {needed}; a cell with a separator or line break needs quotes",
                cells.len()
            );
            return Err(Error::malformed(detail));
        }
        let mut record = Map::new();
        for (at, cell) in cells.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
            match self.targets.get(at).and_then(Option::as_ref) {
                Some(target) => self.put(&mut record, target, cell),
                None if cell.trim().is_empty() => {}
                None => {
                    let detail = format!("the cell {cell:?} in column {} has no name in the header", at + 1);
                    return Err(Error::malformed(detail));
                }
            }
        }
        if let Some(kind) = &self.options.kind {
            // A `kind` cell of the row wins.
            record.entry("kind").or_insert_with(|| kind.clone().into());
        }
        Ok(record)
    }

    fn put(
        &self,
        record: &mut Map<String, Value>,
        ColumnTarget { field, member }: &ColumnTarget,
        cell: &str,
    ) {
        let Some(member) = member else {
            if let Some(value) = self.value(field, cell) {
                record.insert(field.clone(), value);
            }
            return;
        };
        let value = if field == "assets" { assets(member, cell) } else { Some(value_of_cell(cell)) };
        let Some(value) = value else { return };
        let inner = record.entry(field.clone()).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(inner) = inner {
            inner.insert(member.clone(), value);
        }
    }

    /// The value of a cell; `None` for a list without any entry.
    fn value(&self, field: &str, cell: &str) -> Option<Value> {
        let value = value_of_cell(cell);
        let Value::String(text) = &value else { return Some(value) };
        let is_level = Level::ALL.iter().any(|level| level.as_str() == field);
        let separator = match self.options.list_separator {
            Some(separator) if is_level || LISTS.contains(&field) => separator,
            None if LISTS.contains(&field) => LIST_SEPARATOR,
            _ => return Some(value),
        };
        if is_level && !text.contains(separator) { Some(value) } else { Some(list(text, separator)?.into()) }
    }
}

/// The entries of a cell; `None` if it has none.
// An empty list would remove what the record has: that takes a cell `[]`, and not one that looks empty.
fn list(text: &str, separator: char) -> Option<Vec<&str>> {
    let entries: Vec<&str> = text.split(separator).map(str::trim).filter(|item| !item.is_empty()).collect();
    (!entries.is_empty()).then_some(entries)
}

/// The repositories or services of a cell: JSON, or URLs and names. `None` for a cell without any.
fn assets(member: &str, cell: &str) -> Option<Value> {
    let value = value_of_cell(cell);
    let Value::String(text) = &value else { return Some(value) };
    let asset = |text: &str| match member {
        "services" => json!({ "identifier": text }),
        // An address of any form has a colon: `https://…`, `git@host:path`.
        _ if text.contains(':') => json!({ "url": text }),
        _ => json!({ "name": text }),
    };
    Some(list(text, LIST_SEPARATOR)?.into_iter().map(asset).collect())
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

    fn read(text: &str) -> Vec<(u64, ReadRow)> {
        records_of_csv(text.as_bytes()).unwrap().collect()
    }

    fn only(text: &str) -> Value {
        let mut rows = read(text);
        assert_eq!(rows.len(), 1, "{rows:?}");
        Value::Object(rows.remove(0).1.unwrap())
    }

    #[test]
    fn csv_reads_dotted_columns_and_json_cells() {
        let file = "kind,projectId,projectOwner.email,assets,note\r\nproject,p1,a@b,\"{\"\"services\"\":[]}\",'=1\r\nproject,p2,,,\r\n";
        let records = read(file);
        assert_eq!((records[0].0, records[1].0), (2, 3));
        let expected = json!({"kind": "project", "projectId": "p1", "projectOwner": {"email": "a@b"},
            "assets": {"services": []}, "note": "=1"});
        assert_eq!(Value::Object(records[0].1.clone().unwrap()), expected);
        assert_eq!(
            Value::Object(records[1].1.clone().unwrap()),
            json!({"kind": "project", "projectId": "p2"})
        );
    }

    #[test]
    fn rows_that_are_cut_off_or_too_long_are_refused() {
        for (broken, line) in [
            ("kind,email\r\nperson\r\n", 2),
            ("kind,email\nperson\n", 2),
            ("kind,email\nperson,a@b,c\n", 2),
            ("kind,email,\nperson,a@b,c\n", 2),
            ("sep=,\nkind,email\nperson\n", 3),
            ("kind,email\nperson,\"a@b\n", 2),
            ("kind,email\nperson,\"a@b\"\"", 2),
        ] {
            let (number, record) = read(broken).remove(0);
            assert_eq!((number, record.is_err()), (line, true), "{broken:?}");
        }
        assert_eq!(read("kind,email\n5\" pipe,a@b\n").len(), 1);
    }

    #[test]
    fn empty_rows_and_columns_at_the_end_are_skipped() {
        let rows = read("email,firstName,team,,\r\nlea@corp,Lea,Ost,,\r\n,,,,\r\n ,,,,,,\r\n");
        assert_eq!(rows.len(), 1);
        assert_eq!(only("email,team\na@b,Ost,,\n"), json!({"email": "a@b", "team": "Ost"}));
    }

    #[test]
    fn headers_are_known_without_case_blanks_and_underscores() {
        assert_eq!(
            only("Email;First Name;last_name;Project Owner.E-Mail;Cost Centre\na@b;A;B;c@d;7\n"),
            json!({"email": "a@b", "firstName": "A", "lastName": "B", "projectOwner": {"email": "c@d"}, "Cost Centre": "7"})
        );
        let options = |mapped: &[&str]| CsvOptions {
            mapped: mapped.iter().map(|text| ColumnMapping::parse(text).unwrap()).collect(),
            ..CsvOptions::default()
        };
        let file = "Work Email,Boss\na@b,c@d\n";
        let mut mapped = rows(file.as_bytes(), options(&["email=work email", "manager=Boss"])).unwrap();
        assert_eq!(
            Value::Object(mapped.next().unwrap().1.unwrap()),
            json!({"email": "a@b", "manager": "c@d"})
        );
        assert!(rows(file.as_bytes(), options(&["email=Mail"])).is_err());
        assert!(ColumnMapping::parse("email").is_err());
    }

    #[test]
    fn a_field_has_one_column() {
        for header in ["email,firstName,First Name", "a,a", "attributes.x,attributes", "repositories,assets"]
        {
            let Err(why) = records_of_csv(header.as_bytes()) else { panic!("{header}") };
            assert!(why.to_string().contains("both give"), "{why}");
        }
        assert!(records_of_csv("projectOwner.email,projectOwner.firstName,,".as_bytes()).is_ok());
    }

    #[test]
    fn a_list_without_any_entry_is_an_absent_field() {
        for cell in ["\" \"", ";", " ; ;"] {
            let file =
                format!("email,units,parents,repositories,services\na@b,{cell},{cell},{cell},{cell}\n");
            assert_eq!(only(&file), json!({"email": "a@b"}), "{cell}");
        }
        assert_eq!(only("email,units\na@b,[]\n"), json!({"email": "a@b", "units": []}));
        let options = CsvOptions { list_separator: Some(';'), ..CsvOptions::default() };
        let mut split = rows("email,organization,team\na@b,Corp,;\n".as_bytes(), options).unwrap();
        assert_eq!(
            Value::Object(split.next().unwrap().1.unwrap()),
            json!({"email": "a@b", "organization": "Corp"})
        );
    }

    #[test]
    fn lists_are_split() {
        assert_eq!(
            only(
                "units,parents,repositories,services,team\na; b,\"[\"\"x;y\"\"]\",https://h/o/r;tool,api,Red;Blue\n"
            ),
            json!({"units": ["a", "b"], "parents": ["x;y"], "team": "Red;Blue", "assets": {
                "repositories": [{"url": "https://h/o/r"}, {"name": "tool"}], "services": [{"identifier": "api"}]}})
        );
        let options = CsvOptions { list_separator: Some('/'), ..CsvOptions::default() };
        let mut split = rows("units,team,displayName\na/b,Red / Blue,A/B\n".as_bytes(), options).unwrap();
        assert_eq!(
            Value::Object(split.next().unwrap().1.unwrap()),
            json!({"units": ["a", "b"], "team": ["Red", "Blue"], "displayName": "A/B"})
        );
    }
}
