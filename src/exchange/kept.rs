//! Fields of imported records that no record of their kind has, and that are kept as attributes: counted by name, so that
//! a misspelled field is noticed.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::error::Error;
use crate::model::attributes::AttributesPatch;
use crate::model::command::{Command, Create};
use crate::model::level::Level;
use crate::wire::{mapping, person, project, unit};

/// Maximum number of names in an answer.
// Names come from the input. A file with a million different ones must not make an answer of a million entries.
const NAMES_MAX: usize = 100;
/// Minimum similarity of a known name that is proposed for an unknown one.
const SIMILARITY_MIN: f64 = 0.85;

/// The unknown fields of one record.
#[derive(Debug, Default)]
pub(crate) struct UnknownFields {
    kind: &'static str,
    names: Vec<String>,
}

/// The number of records that have an unknown field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeptField {
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) records: u64,
}

/// The unknown fields of all records of an input.
#[derive(Debug, Default)]
pub(crate) struct KeptFields(BTreeMap<(&'static str, String), u64>);

impl UnknownFields {
    /// The fields that `command` keeps as attributes, without those that the record itself has put into `attributes`.
    pub(super) fn of(kind: &'static str, own: &[String], command: &Command) -> Self {
        let names = match attributes(command) {
            Some(AttributesPatch::Merge(all) | AttributesPatch::Replace(all)) if all.len() > own.len() => {
                all.keys().filter(|name| !own.contains(name)).cloned().collect()
            }
            _ => Vec::new(),
        };
        Self { kind, names }
    }

    /// Refuses the first of them.
    pub(super) fn refuse(&self) -> Result<(), Error> {
        let Some(name) = self.names.first() else { return Ok(()) };
        let similar = similar_field(self.kind, name);
        Err(Error::UnknownField { kind: self.kind, name: name.clone(), similar })
    }
}

impl KeptFields {
    /// Counts the unknown fields of a record.
    pub(crate) fn add(&mut self, unknown: UnknownFields) {
        for name in unknown.names {
            let key = (unknown.kind, name);
            *self.0.entry(key).or_default() += 1;
        }
    }

    /// The number of fields, and the first 100 of them, those of the most records first.
    pub(crate) fn into_fields(self) -> (u64, Vec<KeptField>) {
        let count = self.0.len() as u64;
        let mut fields: Vec<_> =
            self.0.into_iter().map(|((kind, name), records)| KeptField { kind, name, records }).collect();
        fields.sort_by_key(|field| std::cmp::Reverse(field.records));
        fields.truncate(NAMES_MAX);
        (count, fields)
    }
}

/// The names that a record puts into `attributes` itself.
pub(super) fn own_attributes(record: &Map<String, Value>) -> Vec<String> {
    record
        .get("attributes")
        .and_then(Value::as_object)
        .map(|members| members.keys().cloned().collect())
        .unwrap_or_default()
}

fn attributes(command: &Command) -> Option<&AttributesPatch> {
    match command {
        Command::CreateUnit(Create { fields, .. }) => Some(&fields.attributes),
        Command::CreatePerson(Create { fields, .. }) => Some(&fields.attributes),
        Command::CreateProject(Create { fields, .. }) => Some(&fields.attributes),
        Command::CreateMapping(Create { fields, .. }) => Some(&fields.attributes),
        Command::LinkUnits(link) => Some(&link.attributes),
        _ => None,
    }
}

/// The field of a record of this kind that was probably meant by `name`.
pub(crate) fn similar_field(kind: &str, name: &str) -> Option<&'static str> {
    let wanted = bare(name);
    let known = fields_of(kind);
    if let Some(same) = known.iter().find(|field| bare(field) == wanted) {
        return Some(same);
    }
    let rated = known.iter().map(|field| (strsim::jaro_winkler(&bare(field), &wanted), *field));
    let nearest = rated.max_by(|(one, _), (other, _)| one.total_cmp(other));
    let nearest = nearest.filter(|(similarity, _)| *similarity >= SIMILARITY_MIN).map(|(_, field)| field);
    // The last word of a name of several: `name` for `displayName`.
    let longer = || known.iter().copied().rfind(|field| wanted.len() > 3 && bare(field).ends_with(&wanted));
    nearest.or_else(longer)
}

/// A name without case, `_`, `-`, and blanks.
pub(super) fn bare(name: &str) -> String {
    bare_letters(name).collect()
}

/// Whether the bare form of a name is `word`.
pub(super) fn is_bare(name: &str, word: &str) -> bool {
    bare_letters(name).eq(word.chars())
}

fn bare_letters(name: &str) -> impl Iterator<Item = char> {
    let letters = name.chars().filter(|letter| !matches!(letter, '_' | '-') && !letter.is_whitespace());
    letters.flat_map(char::to_lowercase)
}

/// The fields of a record of this kind that an import reads.
pub(super) fn fields_of(kind: &str) -> Vec<&'static str> {
    let levels = Level::ALL.map(Level::as_str);
    let mut known = vec!["kind", "attributes"];
    match kind {
        "orgUnit" => {
            known.extend(unit::FIELDS.iter().map(|field| field.column.name));
            known.extend(["parent", "parents"]);
        }
        "person" => {
            known.extend(person::FIELDS.iter().map(|field| field.column.name));
            known.extend(levels);
            known.extend(["units", "placements"]);
        }
        "project" => {
            known.extend(project::FIELDS.iter().map(|field| field.column.name));
            known.extend(levels);
            known.extend(["units", "placements", "assets"]);
        }
        _ => {
            known.extend(mapping::FIELDS.iter().map(|field| field.column.name));
            known.extend(["parent", "parentType", "child", "childType"]);
        }
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_similar_field_is_proposed() {
        for (kind, name, expected) in [
            ("person", "First Name", Some("firstName")),
            ("person", "e-mail", Some("email")),
            ("person", "name", Some("displayName")),
            ("person", "unit", Some("units")),
            ("orgUnit", "parnet", Some("parent")),
            ("project", "name", Some("projectName")),
            ("person", "manager", None),
            ("person", "floor", None),
        ] {
            assert_eq!(similar_field(kind, name), expected, "{name}");
        }
    }
}
