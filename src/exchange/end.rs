//! Lines that end a record: `"op": "end"` beside the key of the record, or beside the two ends of a mapping.
//!
//! Invariant: such a line changes nothing but what it ends. Its other fields are not read, so that a line of an export
//! with `op` added ends its record.

use std::cmp::Reverse;
use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::directory::View;
use crate::error::Error;
use crate::exchange::kept::is_bare;
use crate::model::command::{
    Beneath, Command, Create, Delete, DeleteUnit, EndMapping, EndRef, LinkUnits, MappingFields, PersonFields,
    PersonRef, ProjectFields, ProjectRef,
};
use crate::model::key::{Email, Name, ProjectId, UnitKey, fold_email};
use crate::model::mapping::{MappingId, MappingType};
use crate::model::reference::UnitRef;
use crate::model::text::fold;
use crate::wire::fields::{FieldInput, Fields};
use crate::wire::mapping::end_ref;

/// Names that other systems mark deleted records by, in their bare form.
const RESERVED: [&str; 2] = ["deleted", "delete"];

/// Takes `op` from a record, and returns whether it ends the record.
///
/// # Errors
/// [`Error::Invalid`] for another value, and for fields that look as if they were meant to delete the record.
// Kept as attributes, as other fields are, they would leave the record in place and look as if they had not. Those that
// say of a record that it is not deleted are dropped: many systems export them with every record.
pub(super) fn takes_end(record: &mut Map<String, Value>) -> Result<bool, Error> {
    for word in RESERVED {
        for name in names_of(record, word) {
            if let Some(value) = record.shift_remove(&name).filter(|value| !is_no(value)) {
                let given = if name == word { String::new() } else { format!(", given as {name:?}") };
                let reason = format!(
                    "is a reserved word{given}; a line with \"op\": \"end\" ends its record; what is meant to be kept \
                     belongs into attributes"
                );
                return Err(Error::invalid(word, &text_of(&value), reason));
            }
        }
    }
    let mut is_end = false;
    for name in names_of(record, "op") {
        match record.shift_remove(&name) {
            Some(value) if !is_given(&value) => {}
            Some(Value::String(op)) if op.trim().eq_ignore_ascii_case("end") => is_end = true,
            None => {}
            Some(other) => {
                let reason = "must be \"end\", which ends the record, or be left out";
                return Err(Error::invalid("op", &text_of(&other), reason));
            }
        }
    }
    Ok(is_end)
}

/// Whether a record has an `op` that is not empty.
pub(super) fn has_op(record: &Map<String, Value>) -> bool {
    record.iter().any(|(name, value)| is_bare(name, "op") && is_given(value))
}

/// The names in a record whose bare form is `word`.
fn names_of(record: &Map<String, Value>, word: &str) -> Vec<String> {
    record.keys().filter(|name| is_bare(name, word)).cloned().collect()
}

fn is_given(value: &Value) -> bool {
    !value.is_null() && value.as_str().is_none_or(|text| !text.trim().is_empty())
}

/// Whether a value is absent or says no.
fn is_no(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_u64() == Some(0),
        Value::String(text) => matches!(&*text.trim().to_lowercase(), "" | "false" | "no" | "0"),
        _ => false,
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The command that ends a record of this kind.
pub(super) fn ending(kind: &str, mut body: Fields) -> Result<Command, Error> {
    let beneath = body.text("children", "children", beneath)?;
    if kind != "orgUnit" && matches!(beneath, FieldInput::Value(_)) {
        return Err(Error::invalid(
            "children",
            "",
            "says what becomes of the children of a unit; leave it out",
        ));
    }
    let if_revision = None;
    Ok(match kind {
        "orgUnit" => {
            let target = unit(&mut body)?;
            Command::DeleteUnit(DeleteUnit {
                target,
                if_revision,
                beneath: beneath.value().unwrap_or_default(),
            })
        }
        "person" => {
            let target = PersonRef::Email(required(&mut body, "email", Email::parse)?);
            Command::DeletePerson(Delete { target, if_revision })
        }
        "project" => {
            let target = ProjectRef::ProjectId(required(&mut body, "projectId", ProjectId::parse)?);
            Command::DeleteProject(Delete { target, if_revision })
        }
        _ => mapping(&mut body)?,
    })
}

fn beneath(word: &str) -> Result<Beneath, Error> {
    match word.trim().to_lowercase().as_str() {
        "refuse" => Ok(Beneath::Refuse),
        "lift" => Ok(Beneath::Lift),
        "end" => Ok(Beneath::End),
        _ => Err(Error::invalid("children", word, "must be one of refuse, lift, end")),
    }
}

fn required<T>(
    body: &mut Fields,
    field: &'static str,
    parse: impl FnOnce(&str) -> Result<T, Error>,
) -> Result<T, Error> {
    body.text(field, field, parse)?.value().ok_or(Error::Missing { field })
}

fn unit(body: &mut Fields) -> Result<UnitRef, Error> {
    if let Some(key) = body.text("key", "key", UnitKey::parse)?.value() {
        return Ok(UnitRef::Key(key));
    }
    // A name beneath a parent would have to be looked up among its children, and lines of exports have keys.
    if let Some(field) = ["parent", "parents"].into_iter().find(|field| body.has(field)) {
        let reason = "cannot name the unit to end; send its key, or a name that only one unit has";
        return Err(Error::invalid(field, "", reason));
    }
    let name = body.text("name", "name", Name::parse)?.value().ok_or(Error::Missing { field: "key" })?;
    Ok(UnitRef::Text(name.to_string()))
}

fn mapping(body: &mut Fields) -> Result<Command, Error> {
    if let Some(target) = body.text("id", "id", MappingId::parse)?.value() {
        return Ok(Command::DeleteMapping(Delete { target, if_revision: None }));
    }
    let mapping_type = body.text("mappingType", "mappingType", MappingType::parse)?.value();
    let is_link = body.has("parent") || body.has("child");
    let [first, second] = if is_link { ["parent", "child"] } else { ["attribute1", "attribute2"] };
    let mut end = |field| end_ref(body, field)?.ok_or(Error::Missing { field });
    let (from, to): (EndRef, EndRef) = (end(first)?, end(second)?);
    let mapping_type = if is_link { Some(MappingType::ParentChild) } else { mapping_type };
    Ok(Command::EndMapping(EndMapping { mapping_type, from, to }))
}

/// Sorts the commands that delete units so that those at the bottom of the hierarchy come first.
// A unit that has children is not deleted. A file that ends a unit and all that is beneath it names them in any order.
pub(crate) fn lowest_first<L>(commands: &mut [(L, Command)], view: &View) {
    let begin = commands.iter().rposition(|(_, command)| !matches!(command, Command::DeleteUnit(_)));
    let units = &mut commands[begin.map_or(0, |last| last + 1)..];
    units.sort_by_cached_key(|(_, command)| {
        let Command::DeleteUnit(delete) = command else { return Reverse(0) };
        Reverse(view.find_unit(&delete.target).map_or(0, |unit| view.levels_above(unit, None)))
    });
}

/// What a line ends or writes: a kind, and a key as the index compares it.
type LineSubject = (&'static str, String);

/// The lines that end a record that another line writes.
pub(super) fn contradicting<L: Copy>(commands: &[(L, Command)]) -> Vec<(L, Error)> {
    let ended: HashSet<LineSubject> = commands.iter().flat_map(|(_, command)| ended_by(command)).collect();
    if ended.is_empty() {
        return Vec::new();
    }
    let written = commands.iter().flat_map(|(_, command)| written_by(command));
    let both: HashSet<LineSubject> = written.filter(|subject| ended.contains(subject)).collect();
    let refused = |(line, command): &(L, Command)| {
        let (_, key) = ended_by(command).into_iter().find(|subject| both.contains(subject))?;
        let reason = format!("contradicts another line, which writes {key}; leave one out");
        Some((*line, Error::invalid("op", "end", reason)))
    };
    commands.iter().filter_map(refused).collect()
}

fn ended_by(command: &Command) -> Vec<LineSubject> {
    match command {
        Command::DeletePerson(Delete { target: PersonRef::Email(email), .. }) => {
            vec![("person", email.folded().into_owned())]
        }
        Command::DeleteProject(Delete { target: ProjectRef::ProjectId(id), .. }) => {
            vec![("project", fold(id.as_str()).into_owned())]
        }
        Command::DeleteUnit(DeleteUnit { target: UnitRef::Key(key), .. }) => {
            vec![("key", fold(key.as_str()).into_owned())]
        }
        Command::DeleteUnit(DeleteUnit { target: UnitRef::Text(text), .. }) => {
            ["key", "name"].map(|kind| (kind, fold(text).into_owned())).into()
        }
        Command::EndMapping(EndMapping { mapping_type, from, to }) => {
            let ends = pair(text_of_end(from), text_of_end(to));
            let types = MappingType::ALL.into_iter().filter(|it| mapping_type.is_none_or(|only| only == *it));
            types.map(MappingType::as_str).chain([ANY_MAPPING]).map(|kind| (kind, ends.clone())).collect()
        }
        _ => Vec::new(),
    }
}

/// A mapping whose type is to be derived from its ends.
const ANY_MAPPING: &str = "mapping";

fn written_by(command: &Command) -> Vec<LineSubject> {
    match command {
        Command::CreatePerson(Create { fields: PersonFields { email: Some(email), .. }, .. }) => {
            vec![("person", email.folded().into_owned())]
        }
        Command::CreateProject(Create { fields: ProjectFields { project_id: Some(id), .. }, .. }) => {
            vec![("project", fold(id.as_str()).into_owned())]
        }
        Command::CreateUnit(Create { fields, .. }) => {
            let key = fields.key.as_ref().map(|key| ("key", fold(key.as_str()).into_owned()));
            let name = fields.name.as_ref().map(|name| ("name", fold(name.as_str()).into_owned()));
            key.into_iter().chain(name).collect()
        }
        Command::CreateMapping(Create {
            fields: MappingFields { mapping_type, from: Some(from), to: Some(to), .. },
            ..
        }) => {
            let kind = mapping_type.map_or(ANY_MAPPING, MappingType::as_str);
            vec![(kind, pair(text_of_end(from), text_of_end(to)))]
        }
        Command::LinkUnits(LinkUnits { parent, child, .. }) => {
            let ends = pair(text_of_unit(&parent.reference), text_of_unit(&child.reference));
            vec![(MappingType::ParentChild.as_str(), ends)]
        }
        _ => Vec::new(),
    }
}

/// Both ends of a mapping, as one text. Those of a person and a project may be swapped, those of two units not.
fn pair(from: String, to: String) -> String {
    let is_swapped = from.contains('@') && !to.contains('@');
    let (from, to) = if is_swapped { (to, from) } else { (from, to) };
    format!("the mapping of {from} and {to}")
}

fn text_of_end(end: &EndRef) -> String {
    match end {
        EndRef::Text(text) => fold_email(text).into_owned(),
        EndRef::Path(names) => fold(&names.join("/")).into_owned(),
        EndRef::Unit(key) => fold(key.as_str()).into_owned(),
        EndRef::Person(email) => email.folded().into_owned(),
        EndRef::Project(id) => fold(id.as_str()).into_owned(),
        EndRef::Id(id) => format!("#{}", id.0),
    }
}

fn text_of_unit(unit: &UnitRef) -> String {
    fold_email(&unit.shown()).into_owned()
}
