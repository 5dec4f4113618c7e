//! Rows of one record: an export with a row for each assignment names a person several times.
//!
//! Invariant: nothing depends on which row comes first. Lists and places add up, and values that differ are refused.

use std::collections::{BTreeSet, HashMap};
use std::io::Read;

use serde_json::{Map, Value};

use crate::error::Error;
use crate::exchange::csv::read::{CsvOptions, LISTS, ReadRow, rows};
use crate::exchange::end::has_op;
use crate::model::key::fold_email;
use crate::model::level::Level;
use crate::model::text::fold;
use crate::wire::column::LIST_SEPARATOR;

/// Maximum number of names that are noted.
const NOTED_MAX: usize = 5;

/// The records of a CSV file.
#[derive(Debug, Default)]
pub(crate) struct CsvFile {
    /// Each record with the number of its first line.
    pub(crate) records: Vec<(u64, ReadRow)>,
    /// What the user may not expect, for people.
    pub(crate) notes: Vec<String>,
}

/// Reads all records of a CSV file.
///
/// # Errors
/// If the header cannot be read, or the records have no kind.
pub(crate) fn read_csv<R: Read>(reader: R, options: CsvOptions) -> Result<CsvFile, Error> {
    let has_list_separator = options.list_separator.is_some();
    let mut file = CsvFile::default();
    let mut by_key: HashMap<(String, String), usize> = HashMap::new();
    let mut odd_names = BTreeSet::new();
    for (line, row) in rows(reader, options)? {
        let mut record = match row.and_then(with_placements) {
            Ok(record) => record,
            Err(why) => {
                file.records.push((line, Err(why)));
                continue;
            }
        };
        if !has_list_separator && odd_names.len() < NOTED_MAX {
            odd_names.extend(names_with_separators(&record));
        }
        let Some(key) = key_of(&record) else {
            file.records.push((line, Ok(record)));
            continue;
        };
        if let Some((first_line, Ok(first))) = by_key.get(&key).map(|at| &mut file.records[*at]) {
            if let Err(why) = join(first, &mut record, *first_line, &key.1) {
                file.records.push((line, Err(why)));
            }
        } else {
            by_key.insert(key, file.records.len());
            file.records.push((line, Ok(record)));
        }
    }
    for name in odd_names {
        file.notes.push(format!(
            "the unit name {name:?} holds a {LIST_SEPARATOR:?}; if these are several units: --list-separator '{LIST_SEPARATOR}'"
        ));
    }
    Ok(file)
}

fn names_with_separators(record: &Map<String, Value>) -> Vec<String> {
    let names = Level::ALL.iter().filter_map(|level| record.get(level.as_str())?.as_str());
    names.filter(|name| name.contains(LIST_SEPARATOR)).map(str::to_owned).collect()
}

/// Kind and key of a person or project, or of a unit with a key. `None` for a row that ends its record.
fn key_of(record: &Map<String, Value>) -> Option<(String, String)> {
    if has_op(record) {
        return None;
    }
    let kind = record.get("kind")?.as_str()?.trim().to_lowercase();
    let field = match kind.as_str() {
        "person" => "email",
        "project" => "projectId",
        "orgunit" => "key",
        _ => return None,
    };
    Some((kind, compared(field, record.get(field)?.as_str()?)))
}

/// A key in the form in which the index compares it.
fn compared(field: &str, key: &str) -> String {
    let key = key.trim();
    if field == "email" { fold_email(key) } else { fold(key) }.into_owned()
}

/// Replaces several values in one level field by a place for each.
fn with_placements(mut record: Map<String, Value>) -> ReadRow {
    let mut lists = Level::ALL.iter().filter(|level| record.get(level.as_str()).is_some_and(Value::is_array));
    let Some(level) = lists.next() else { return Ok(record) };
    if let Some(other) = lists.next() {
        let reason =
            format!("has several values, as {} has; which belong together is not known", level.as_str());
        return Err(Error::invalid(other.as_str(), "", reason));
    }
    let values = record.get_mut(level.as_str()).map(Value::take);
    let Some(Value::Array(values)) = values else { return Ok(record) };
    let levels = take_levels(&mut record);
    let place = |value| {
        let mut place = levels.clone();
        place.insert(level.as_str().to_owned(), value);
        Value::Object(place)
    };
    let places: Vec<Value> = values.into_iter().map(place).collect();
    if !places.is_empty() {
        record.insert("placements".to_owned(), places.into());
    }
    Ok(record)
}

/// Takes the level fields that have values.
fn take_levels(record: &mut Map<String, Value>) -> Map<String, Value> {
    let take = |level: &Level| {
        let value = record.shift_remove(level.as_str()).filter(|value| !value.is_null())?;
        Some((level.as_str().to_owned(), value))
    };
    Level::ALL.iter().filter_map(take).collect()
}

/// Adds a row to a record.
fn join(
    first: &mut Map<String, Value>,
    row: &mut Map<String, Value>,
    first_line: u64,
    key: &str,
) -> Result<(), Error> {
    join_places(first, row);
    for (field, value) in std::mem::take(row) {
        match first.get_mut(&field) {
            None => {
                first.insert(field, value);
            }
            Some(known) if *known == value => {}
            Some(known) => join_values(known, value, &field, first_line, key)?,
        }
    }
    Ok(())
}

fn join_values(
    known: &mut Value,
    value: Value,
    field: &str,
    first_line: u64,
    key: &str,
) -> Result<(), Error> {
    let is_list = LISTS.contains(&field) || ["placements", "repositories", "services"].contains(&field);
    match (known, value) {
        (known, value) if fold_text(known, &value, field) => {}
        (Value::Array(known), Value::Array(more)) if is_list => {
            for item in more {
                if !known.contains(&item) {
                    known.push(item);
                }
            }
        }
        (Value::Object(known), Value::Object(more)) => {
            for (member, value) in more {
                match known.get_mut(&member) {
                    None => {
                        known.insert(member, value);
                    }
                    Some(known) if *known == value => {}
                    Some(known) => join_values(known, value, &member, first_line, key)?,
                }
            }
        }
        (known, value) => {
            let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            return Err(Error::RowsDisagree {
                field: field.to_owned(),
                key: key.to_owned(),
                first_line,
                values: (text(known), text(&value)),
            });
        }
    }
    Ok(())
}

/// Whether two values are the same key, written in two ways.
fn fold_text(known: &Value, value: &Value, field: &str) -> bool {
    let is_key = matches!(field, "kind" | "email" | "key" | "projectId");
    let folded = |value: &Value| value.as_str().map(|text| compared(field, text));
    is_key && folded(known).is_some() && folded(known) == folded(value)
}

/// Adds the place that the level fields of a row name.
fn join_places(first: &mut Map<String, Value>, row: &mut Map<String, Value>) {
    let is_level = |record: &Map<String, Value>| {
        Level::ALL.iter().any(|level| record.get(level.as_str()).is_some_and(|it| !it.is_null()))
    };
    let same = Level::ALL.iter().all(|level| first.get(level.as_str()) == row.get(level.as_str()));
    if same || !is_level(row) && !row.contains_key("placements") {
        return;
    }
    for record in [first, row] {
        if is_level(record) {
            let levels = take_levels(record);
            let places = record.entry("placements").or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(places) = places {
                places.push(Value::Object(levels));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(text: &str) -> Vec<(u64, Result<Value, String>)> {
        let options = CsvOptions { kind: Some("person".to_owned()), ..CsvOptions::default() };
        let records = read_csv(text.as_bytes(), options).unwrap().records;
        let plain = |row: ReadRow| row.map(Value::Object).map_err(|why| why.to_string());
        records.into_iter().map(|(line, row)| (line, plain(row))).collect()
    }

    #[test]
    fn rows_of_one_person_add_up() {
        let rows = read(
            "email,firstName,organization,team,units\na@b,Ann,Corp,Red,x\nA@B,,Corp,Blue,y;x\na@b,Ann,,,\nc@d,,Corp,Red,\n",
        );
        assert_eq!(rows.len(), 2);
        assert_eq!(
            rows[0].1,
            Ok(
                json!({"kind": "person", "email": "a@b", "firstName": "Ann", "units": ["x", "y"], "placements": [
                {"organization": "Corp", "team": "Red"}, {"organization": "Corp", "team": "Blue"}]})
            )
        );
        assert_eq!(
            rows[1].1,
            Ok(json!({"kind": "person", "email": "c@d", "organization": "Corp", "team": "Red"}))
        );
    }

    #[test]
    fn rows_that_disagree_are_refused_with_both_lines() {
        let rows = read("email,firstName\na@b,Ann\nb@c,B\na@b,Anna\n");
        assert_eq!((rows.len(), rows[2].0), (3, 4));
        let why = rows[2].1.clone().unwrap_err();
        assert!(why.contains("line 2") && why.contains("firstName"), "{why}");
    }

    #[test]
    fn a_row_that_ends_a_record_is_not_joined() {
        let rows = read("email,firstName,Op\na@b,Ann,\na@b,,end\n");
        assert_eq!(rows.len(), 2, "{rows:?}");
    }

    #[test]
    fn emails_of_one_domain_are_one_key() {
        let rows = read("email,firstName,lastName\na@bücher.example,Ann,\na@xn--bcher-kva.example,,B\n");
        assert_eq!(rows.len(), 1, "{rows:?}");
    }

    #[test]
    fn several_teams_in_one_cell_are_several_places() {
        let rows = read("email,organization,team\na@b,Corp,\"[\"\"Red\"\",\"\"Blue\"\"]\"\n");
        assert_eq!(
            rows[0].1,
            Ok(json!({"kind": "person", "email": "a@b", "placements": [
                {"organization": "Corp", "team": "Red"}, {"organization": "Corp", "team": "Blue"}]}))
        );
        let both =
            read("email,organization,team\na@b,\"[\"\"A\"\",\"\"B\"\"]\",\"[\"\"Red\"\",\"\"Blue\"\"]\"\n");
        assert!(both[0].1.is_err());
    }

    #[test]
    fn a_separator_in_a_name_is_noted() {
        let options = CsvOptions { kind: Some("person".to_owned()), ..CsvOptions::default() };
        let notes = read_csv("email,team\na@b,Red;Blue\n".as_bytes(), options).unwrap().notes;
        assert!(notes[0].contains("\"Red;Blue\"") && notes[0].contains("--list-separator"), "{notes:?}");
    }
}
