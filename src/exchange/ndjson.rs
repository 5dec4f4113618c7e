//! NDJSON reader: parses a line (one record) into a command. A line is the body of a POST request plus `kind`.

use serde_json::{Map, Value};

use crate::error::Error;
use crate::exchange::end::{ending, takes_end};
use crate::exchange::kept::{UnknownFields, own_attributes};
use crate::exchange::order::in_order;
use crate::model::command::{Command, Create, IfExists};
use crate::wire::fields::{FieldInput, Fields, UpdateMode};
use crate::wire::json::{self, json_kind};
use crate::wire::{mapping, person, project, unit};

/// The values of `kind`.
pub(super) const KINDS: [&str; 4] = ["orgUnit", "person", "project", "mapping"];

/// Fields that are ids, or refer to records by theirs.
const IDS: [&str; 9] =
    ["key", "projectId", "externalId", "attribute1", "attribute2", "parent", "child", "parents", "units"];

/// Parses one line of NDJSON: the body of a POST request plus `kind`.
///
/// # Errors
/// The first problem of the line, as JSON or as a record.
pub fn command_of_line(line: &[u8], if_exists: IfExists) -> Result<Command, Error> {
    read_line(line, ReadOptions { if_exists, is_strict: false }).map(|read| read.command)
}

/// As [`command_of_line`], with the fields that the record does not have.
pub(crate) fn read_line(line: &[u8], options: ReadOptions) -> Result<ReadRecord, Error> {
    match json::parse_line(line)? {
        Value::Object(record) => read_record(record, options),
        other => Err(Error::NotAnObject { what: "a line", found: json_kind(&other) }),
    }
}

/// Parses all lines that are not empty into commands, in the order in which they can be applied.
///
/// Applying a command fails if its record exists already.
///
/// # Errors
/// The problem of the first line that cannot be read, or a cycle of units.
pub fn commands_of_lines(lines: &[u8]) -> Result<Vec<Command>, Error> {
    let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let commands =
        lines.map(|line| Ok(((), command_of_line(line, IfExists::Refuse)?))).collect::<Result<_, Error>>()?;
    let commands = in_order(commands).map_err(|mut cycle| cycle.remove(0).1)?;
    Ok(commands.into_iter().map(|((), command)| command).collect())
}

/// Converts one record (the body of a POST request plus `kind`) into a command.
///
/// # Errors
/// The first problem of the record.
pub fn command_of_record(record: Map<String, Value>, if_exists: IfExists) -> Result<Command, Error> {
    read_record(record, ReadOptions { if_exists, is_strict: false }).map(|read| read.command)
}

/// How records are read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReadOptions {
    pub(crate) if_exists: IfExists,
    /// Whether a field that records of the kind do not have is refused, and not kept as an attribute.
    pub(crate) is_strict: bool,
}

/// A record as a command, and its fields that records of the kind do not have.
#[derive(Debug)]
pub(crate) struct ReadRecord {
    pub(crate) command: Command,
    pub(crate) unknown: UnknownFields,
}

/// As [`command_of_record`], with the fields that the record does not have.
pub(crate) fn read_record(record: Map<String, Value>, options: ReadOptions) -> Result<ReadRecord, Error> {
    let mut record = record;
    for field in IDS {
        numbers_as_texts(record.get_mut(field));
    }
    let own = own_attributes(&record);
    let (kind, command) = command_of(record, options.if_exists)?;
    let unknown = UnknownFields::of(kind, &own, &command);
    if options.is_strict {
        unknown.refuse()?;
    }
    Ok(ReadRecord { command, unknown })
}

/// Whole numbers become texts, also in a list: systems export the ids of records as numbers.
fn numbers_as_texts(value: Option<&mut Value>) {
    let Some(value) = value else { return };
    match value {
        // Numbers with a fraction, or too large for 64 bits, may have been rounded by the parser.
        Value::Number(number) if !number.is_f64() => *value = number.to_string().into(),
        Value::Array(items) => items.iter_mut().for_each(|item| numbers_as_texts(Some(item))),
        _ => {}
    }
}

fn command_of(mut record: Map<String, Value>, if_exists: IfExists) -> Result<(&'static str, Command), Error> {
    let is_end = takes_end(&mut record)?;
    let mut fields = Fields::new(record, UpdateMode::Create);
    // `kind` is removed first: fields that are left over at the end become attributes of the record.
    let kind = match fields.text("kind", "kind", kind)? {
        FieldInput::Value(kind) => kind,
        FieldInput::Null | FieldInput::Absent => return Err(Error::Missing { field: "kind" }),
    };
    if is_end {
        return Ok((kind, ending(kind, fields)?));
    }
    let command = match kind {
        "orgUnit" => Command::CreateUnit(Create { fields: unit::unit(fields)?, if_exists }),
        "person" => Command::CreatePerson(Create { fields: person::person(fields)?, if_exists }),
        "project" => Command::CreateProject(Create { fields: project::project(fields)?, if_exists }),
        _ => mapping::created(fields, if_exists)?,
    };
    Ok((kind, command))
}

fn kind(word: &str) -> Result<&'static str, Error> {
    let known = KINDS.into_iter().find(|kind| kind.eq_ignore_ascii_case(word.trim()));
    known.ok_or_else(|| Error::invalid("kind", word, "must be one of orgUnit, person, project, mapping"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::order::{Stage, stage};

    #[test]
    fn kind_selects_the_command() {
        for (line, expected) in [
            (r#"{"kind":"orgUnit","name":"Corp"}"#, Ok(Stage::Hierarchy)),
            (r#"{"kind":"PERSON","email":"a@b"}"#, Ok(Stage::People)),
            (r#"{"kind":"project","projectId":"p","projectName":"P"}"#, Ok(Stage::Projects)),
            (r#"{"kind":"mapping","parent":"a","child":"b"}"#, Ok(Stage::Hierarchy)),
            (r#"{"kind":"mapping","attribute1":"a","attribute2":"b"}"#, Ok(Stage::Mappings)),
            (r#"{"kind":"mapping","attribute1":"a","attribute2":"b","op":"end"}"#, Ok(Stage::EndMappings)),
            (r#"{"kind":"mapping","parent":"a","child":"b","op":"end"}"#, Ok(Stage::EndMappings)),
            (r#"{"kind":"person","email":"a@b","op":"END","team":7}"#, Ok(Stage::EndRecords)),
            (r#"{"kind":"project","projectId":"p","op":"end"}"#, Ok(Stage::EndRecords)),
            (r#"{"kind":"orgUnit","name":"Corp","op":"end","children":"lift"}"#, Ok(Stage::EndUnits)),
            (r#"{"kind":"orgUnit","name":"Corp","op":"end","parent":"x"}"#, Err("invalid")),
            (r#"{"kind":"orgUnit","name":"Corp","op":"end","children":"x"}"#, Err("invalid")),
            (r#"{"kind":"person","email":"a@b","op":"end","children":"end"}"#, Err("invalid")),
            (r#"{"kind":"person","op":"end"}"#, Err("missing-field")),
            (r#"{"kind":"person","email":"a@b","op":"delete"}"#, Err("invalid")),
            (r#"{"kind":"person","email":"a@b","deleted":true}"#, Err("invalid")),
            (r#"{"kind":"person","email":"a@b","_delete":"yes"}"#, Err("invalid")),
            (r#"{"kind":"person","email":"a@b","op":null,"deleted":""}"#, Ok(Stage::People)),
            (r#"{"kind":"person","email":"a@b","Deleted":true}"#, Err("invalid")),
            (r#"{"kind":"person","email":"a@b","DE-LETE":"1"}"#, Err("invalid")),
            (r#"{"kind":"person","email":"a@b","Op":"end"}"#, Ok(Stage::EndRecords)),
            (r#"{"kind":"person","email":"a@b","_op":"delete"}"#, Err("invalid")),
            (r#"{"kind":"mapping"}"#, Err("missing-field")),
            (r#"{"kind":"team"}"#, Err("invalid")),
            (r#"{"email":"a@b"}"#, Err("missing-field")),
            ("[1]", Err("invalid")),
            ("{", Err("malformed")),
        ] {
            let read = command_of_line(line.as_bytes(), IfExists::Refuse);
            assert_eq!(read.as_ref().map(stage).map_err(Error::code), expected, "{line}");
        }
    }

    #[test]
    fn what_is_not_deleted_is_kept_without_saying_so() {
        for no in ["false", "null", "0", "\"\"", "\" No\"", "\"FALSE\"", "\"0\""] {
            let line = format!(r#"{{"kind":"person","email":"a@b","Deleted":{no}}}"#);
            let options = ReadOptions { if_exists: IfExists::Refuse, is_strict: true };
            assert!(read_line(line.as_bytes(), options).is_ok(), "{no}");
        }
    }
}
