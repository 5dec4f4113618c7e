//! Lines that end a record: `"op": "end"` beside the key of the record, or beside the two ends of a mapping.
//!
//! Invariant: such a line changes nothing but what it ends. Its other fields are not read, so that a line of an export
//! with `op` added ends its record.

use std::cmp::Reverse;
use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::directory::View;
use crate::error::Error;
use crate::model::command::{
    Beneath, Command, Create, Delete, DeleteUnit, EndMapping, EndRef, PersonFields, PersonRef, ProjectFields,
    ProjectRef,
};
use crate::model::key::{Email, Name, ProjectId, UnitKey};
use crate::model::mapping::{MappingId, MappingType};
use crate::model::reference::UnitRef;
use crate::model::text::fold;
use crate::wire::fields::{FieldInput, Fields};
use crate::wire::mapping::end_ref;

/// Names that other systems mark deleted records by.
const RESERVED: [&str; 3] = ["deleted", "delete", "_delete"];

/// Takes `op` from a record, and returns whether it ends the record.
///
/// # Errors
/// [`Error::Invalid`] for another value, and for fields that look as if they were meant to delete the record.
// Kept as attributes, as other fields are, they would leave the record in place and look as if they had not.
pub(super) fn takes_end(record: &mut Map<String, Value>) -> Result<bool, Error> {
    let is_given =
        |value: &Value| !value.is_null() && value.as_str().is_none_or(|text| !text.trim().is_empty());
    for name in RESERVED {
        if let Some(value) = record.get(name).filter(|value| is_given(value)) {
            let reason = "is a reserved word; a line with \"op\": \"end\" ends its record; what is meant to be kept belongs \
                          into attributes";
            return Err(Error::invalid(name, &text_of(value), reason));
        }
    }
    match record.shift_remove("op").filter(is_given) {
        None => Ok(false),
        Some(Value::String(op)) if op.trim().eq_ignore_ascii_case("end") => Ok(true),
        Some(other) => Err(Error::invalid(
            "op",
            &text_of(&other),
            "must be \"end\", which ends the record, or be left out",
        )),
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

/// The lines that end a person or project that another line writes.
pub(super) fn contradicting<L: Copy>(commands: &[(L, Command)]) -> Vec<(L, Error)> {
    let mut ended = HashMap::new();
    for (line, command) in commands {
        match command {
            Command::DeletePerson(Delete { target: PersonRef::Email(email), .. }) => {
                ended.insert(("person", fold(email.as_str())), (*line, email.to_string()));
            }
            Command::DeleteProject(Delete { target: ProjectRef::ProjectId(id), .. }) => {
                ended.insert(("project", fold(id.as_str())), (*line, id.to_string()));
            }
            _ => {}
        }
    }
    if ended.is_empty() {
        return Vec::new();
    }
    let written = commands.iter().filter_map(|(_, command)| match command {
        Command::CreatePerson(Create { fields: PersonFields { email: Some(email), .. }, .. }) => {
            Some(("person", fold(email.as_str())))
        }
        Command::CreateProject(Create { fields: ProjectFields { project_id: Some(id), .. }, .. }) => {
            Some(("project", fold(id.as_str())))
        }
        _ => None,
    });
    let both: Vec<_> = written.filter_map(|key| ended.remove(&key)).collect();
    let refused = |(line, key): (L, String)| {
        (
            line,
            Error::invalid(
                "op",
                "end",
                format!("contradicts another line, which writes {key}; leave one out"),
            ),
        )
    };
    both.into_iter().map(refused).collect()
}
