//! One record a line: from NDJSON and CSV to commands. Bulk requests and the command line's import both read so.

use std::io::Read;

use axum::http::StatusCode;
use serde_json::{Map, Value};

use crate::error::Error;
use crate::model::command::{Command, Create, IfExists};
use crate::server::json;
use crate::server::request::body::json_kind;
use crate::server::response::problem::{Problem, Result};
use crate::server::rest::csv_text::unguarded;
use crate::server::rest::fields::{Fields, Given, Manner};
use crate::server::rest::order::in_order;
use crate::server::rest::{input, mapping_input};

/// The words of `kind`.
const KINDS: [&str; 4] = ["orgUnit", "person", "project", "mapping"];

/// Reads one line of NDJSON: the body of a POST, plus `kind`.
///
/// # Errors
/// 400 for what is no JSON object, 422 for one that is no record.
pub fn command_of_line(line: &[u8], if_exists: IfExists) -> Result<Command> {
    match json::parse_line(line)? {
        Value::Object(record) => Ok(command_of_record(record, if_exists)?),
        other => Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid",
            format!("a line must be a JSON object, not {}", json_kind(&other)),
        )),
    }
}

/// The commands of all lines that are not empty, each refused where its record is there already, in the order in which
/// they can succeed.
///
/// # Errors
/// Why the first line that cannot be taken is none.
pub fn commands_of_lines(lines: &[u8]) -> Result<Vec<Command>> {
    let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let commands =
        lines.map(|line| Ok(((), command_of_line(line, IfExists::Refuse)?))).collect::<Result<_>>()?;
    let commands = in_order(commands).map_err(|mut cycle| Problem::from(cycle.remove(0).1))?;
    Ok(commands.into_iter().map(|((), command)| command).collect())
}

/// Reads one record: the body of a POST, plus `kind`.
///
/// # Errors
/// What is wrong with it.
pub fn command_of_record(record: Map<String, Value>, if_exists: IfExists) -> Result<Command, Error> {
    let mut fields = Fields::new(record, Manner::Create);
    let kind = match fields.text("kind", "kind", kind)? {
        Given::Value(kind) => kind,
        Given::Null | Given::Absent => return Err(Error::Missing { field: "kind" }),
    };
    Ok(match kind {
        "orgUnit" => Command::CreateUnit(Create { fields: input::unit(fields)?, if_exists }),
        "person" => Command::CreatePerson(Create { fields: input::person(fields)?, if_exists }),
        "project" => Command::CreateProject(Create { fields: input::project(fields)?, if_exists }),
        _ => mapping_input::created(fields, if_exists)?,
    })
}

fn kind(word: &str) -> Result<&'static str, Error> {
    let known = KINDS.into_iter().find(|kind| kind.eq_ignore_ascii_case(word.trim()));
    known.ok_or_else(|| Error::invalid("kind", word, "must be one of orgUnit, person, project, mapping"))
}

/// The records of a CSV file with their line numbers: a header names the fields, a dotted one a member of an
/// object, and cells that are JSON objects or lists are read as such. An empty cell is no field at all.
///
/// # Errors
/// Of the whole, when there is no header; of one record, when its line is no CSV.
pub fn records_of_csv<R: Read>(reader: R) -> Result<impl Iterator<Item = (u64, Result<Map<String, Value>>)>> {
    let mut csv = csv::ReaderBuilder::new().flexible(false).from_reader(reader);
    let header: Vec<String> = csv
        .headers()
        .map_err(|fault| Problem::malformed(format!("the file has no header that can be read: {fault}")))?
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
        let number = position.map_or(0, csv::Position::line) + behind;
        let record = line
            .map(|cells| record_of_cells(&header, &cells))
            .map_err(|fault| Problem::malformed(format!("the line is not CSV: {fault}")));
        Some((number, record))
    }))
}

fn record_of_cells(header: &[String], cells: &csv::StringRecord) -> Map<String, Value> {
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
    fn a_line_says_what_it_is() {
        for (line, expected) in [
            (r#"{"kind":"orgUnit","name":"Corp"}"#, Ok(0)),
            (r#"{"kind":"PERSON","email":"a@b"}"#, Ok(1)),
            (r#"{"kind":"project","projectId":"p","projectName":"P"}"#, Ok(2)),
            (r#"{"kind":"mapping","parent":"a","child":"b"}"#, Ok(0)),
            (r#"{"kind":"mapping","attribute1":"a","attribute2":"b"}"#, Ok(3)),
            (r#"{"kind":"mapping"}"#, Err("missing-field")),
            (r#"{"kind":"team"}"#, Err("invalid")),
            (r#"{"email":"a@b"}"#, Err("missing-field")),
            ("[1]", Err("invalid")),
            ("{", Err("malformed")),
        ] {
            let read = command_of_line(line.as_bytes(), IfExists::Refuse);
            assert_eq!(
                read.as_ref().map(crate::server::rest::order::rank).map_err(|problem| problem.code),
                expected,
                "{line}"
            );
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
