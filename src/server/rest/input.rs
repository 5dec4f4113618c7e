//! From the wire to commands: people, projects and units.

use crate::error::Error;
use crate::model::command::{OwnerFields, Patch, PersonFields, Placement, ProjectFields, UnitFields};
use crate::model::key::{Email, ExternalId, Name, ProjectId, UnitKey};
use crate::model::level::{Level, UnitType};
use crate::model::reference::UnitRef;
use crate::server::rest::assets;
use crate::server::rest::fields::{Fields, Given, Manner, wrong};
use serde_json::Value;

/// Reads what is said of a person.
pub(super) fn person(mut given: Fields) -> Result<PersonFields, Error> {
    given.drop_read_only(&[])?;
    let is_new = given.manner() == Manner::Create;
    Ok(PersonFields {
        email: given.required("email", is_new, Email::parse)?,
        first_name: given.optional("firstName", Name::parse)?,
        last_name: given.optional("lastName", Name::parse)?,
        display_name: given.optional("displayName", Name::parse)?,
        external_id: given.optional("externalId", ExternalId::parse)?,
        placement: placement(&mut given)?,
        attributes: given.attributes()?,
    })
}

/// Reads what is said of a project.
pub(super) fn project(mut given: Fields) -> Result<ProjectFields, Error> {
    given.drop_read_only(&[])?;
    let manner = given.manner();
    let project_id = given.required("projectId", manner == Manner::Create, ProjectId::parse)?;
    let name = given.required("projectName", manner != Manner::Merge, Name::parse)?;
    let owner = owner(&mut given)?;
    let external_id = given.optional("externalId", ExternalId::parse)?;
    let placement = placement(&mut given)?;
    let (repositories, services) = assets::assets(&mut given)?;
    let attributes = given.attributes()?;
    Ok(ProjectFields { project_id, name, owner, external_id, attributes, repositories, services, placement })
}

fn owner(given: &mut Fields) -> Result<Patch<OwnerFields>, Error> {
    let manner = given.manner();
    let mut owner = match given.object("projectOwner")? {
        Given::Value(owner) => owner,
        Given::Null => return Ok(Given::Null.patch(manner)),
        Given::Absent => return Ok(Given::Absent.patch(manner)),
    };
    let fields = OwnerFields {
        first_name: owner.text("firstName", "projectOwner.firstName", Name::parse)?.patch(manner),
        last_name: owner.text("lastName", "projectOwner.lastName", Name::parse)?.patch(manner),
        email: owner.text("email", "projectOwner.email", Email::parse)?.patch(manner),
    };
    given.keep("projectOwner", owner.into_rest());
    Ok(Patch::Set(fields))
}

/// Reads what is said of a unit.
pub(super) fn unit(mut given: Fields) -> Result<UnitFields, Error> {
    given.drop_read_only(&["level", "totals", "depth", "parentKey"])?;
    let key = given.required("key", false, UnitKey::parse)?;
    let is_new = given.manner() == Manner::Create;
    let fields = UnitFields {
        name: given.required("name", is_new && key.is_none(), Name::parse)?,
        key,
        unit_type: given.required("type", false, UnitType::parse)?,
        external_id: given.optional("externalId", ExternalId::parse)?,
        parents: parents(&mut given)?,
        attributes: given.attributes()?,
    };
    Ok(fields)
}

fn parents(given: &mut Fields) -> Result<Option<Vec<UnitRef>>, Error> {
    let many = match given.any("parents") {
        Given::Value(Value::Array(items)) => {
            Some(items.into_iter().map(|item| unit_ref("parents", item)).collect::<Result<Vec<_>, _>>()?)
        }
        Given::Value(other) => return Err(wrong("parents", &other, "an array of units")),
        Given::Null | Given::Absent => None,
    };
    let parent = given.any("parent");
    let shown = match &parent {
        Given::Value(Value::String(text)) => text.clone(),
        Given::Value(other) => other.to_string(),
        Given::Null | Given::Absent => "null".to_owned(),
    };
    let one = match parent {
        Given::Value(value) => Some(vec![unit_ref("parent", value)?]),
        Given::Null if given.manner() != Manner::Create => Some(Vec::new()),
        Given::Null | Given::Absent => None,
    };
    match (one, many) {
        (Some(_), Some(_)) => {
            Err(Error::invalid("parent", &shown, "is given beside parents; give one of the two"))
        }
        (one, many) => Ok(one.or(many)),
    }
}

/// A unit as a body names it: a text, or names from an ancestor downwards.
pub(super) fn unit_ref(field: &'static str, value: Value) -> Result<UnitRef, Error> {
    match value {
        Value::String(text) if text.trim().is_empty() => {
            Err(Error::invalid(field, &text, "must not be empty"))
        }
        Value::String(text) => Ok(UnitRef::Text(text.trim().to_owned())),
        Value::Array(names) => path(field, names).map(UnitRef::Path),
        other => Err(wrong(field, &other, "a string, or an array of names")),
    }
}

/// Names from an ancestor downwards.
pub(super) fn path(field: &'static str, names: Vec<Value>) -> Result<Vec<String>, Error> {
    if names.is_empty() {
        return Err(Error::invalid(field, "[]", "must name a unit"));
    }
    let name = |value| match value {
        Value::String(name) => Name::parse(&name).map(|name| name.to_string()).map_err(|no| no.about(field)),
        other => Err(wrong(field, &other, "a string, or an array of names")),
    };
    names.into_iter().map(name).collect()
}

/// Reads the five level fields.
fn placement(given: &mut Fields) -> Result<Placement, Error> {
    let manner = given.manner();
    let mut levels = Vec::with_capacity(Level::ALL.len());
    for level in Level::ALL {
        let name = level.as_str();
        levels.push(given.text(name, name, Name::parse)?);
    }
    let levels: [Given<Name>; 5] = levels.try_into().expect("there are five levels");
    if levels.iter().all(|level| *level == Given::Absent) {
        return Ok(Placement::Keep);
    }
    if manner == Manner::Merge {
        return Ok(Placement::PatchLevels(levels.map(|level| level.patch(manner))));
    }
    let names = levels.map(Given::value);
    Ok(if names.iter().all(Option::is_none) { Placement::Keep } else { Placement::Levels(names) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(manner: Manner, value: &Value) -> Fields {
        Fields::new(value.as_object().unwrap().clone(), manner)
    }

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    #[test]
    fn levels_are_a_path_and_blank_ones_are_not_there() {
        let body = json!({"email": "a@b", "organization": "Corp", "business": "", "team": null});
        let person = person(fields(Manner::Create, &body)).unwrap();
        assert_eq!(person.placement, Placement::Levels([Some(name("Corp")), None, None, None, None]));
    }

    #[test]
    fn a_patch_tells_absent_levels_from_removed_ones() {
        let patched = person(fields(Manner::Merge, &json!({"group": "G", "team": null}))).unwrap();
        let expected = [Patch::Keep, Patch::Keep, Patch::Keep, Patch::Set(name("G")), Patch::Clear];
        assert_eq!(patched.placement, Placement::PatchLevels(expected));
        let kept = person(fields(Manner::Replace, &json!({"team": null}))).unwrap();
        assert_eq!(kept.placement, Placement::Keep);
    }

    #[test]
    fn what_is_required_is_named() {
        for (manner, body, code, field) in [
            (Manner::Create, json!({}), "missing-field", "projectId"),
            (Manner::Create, json!({"projectId": "p"}), "missing-field", "projectName"),
            (Manner::Replace, json!({}), "missing-field", "projectName"),
            (Manner::Merge, json!({"projectName": null}), "invalid", "projectName"),
            (Manner::Create, json!({"projectId": 7}), "invalid", "projectId"),
            (Manner::Merge, json!({"projectOwner": {"email": "x"}}), "invalid", "projectOwner.email"),
        ] {
            let refusal = project(fields(manner, &body)).unwrap_err();
            assert_eq!((refusal.code(), refusal.field()), (code, Some(field)), "{body}");
        }
    }

    #[test]
    fn a_unit_is_given_one_parent_or_many() {
        let many =
            unit(fields(Manner::Create, &json!({"name": "U", "parents": ["A", ["B", "C/D"]]}))).unwrap();
        let expected = vec![UnitRef::from("A"), UnitRef::Path(vec!["B".into(), "C/D".into()])];
        assert_eq!(many.parents, Some(expected));
        let both = json!({"name": "U", "parent": "A", "parents": ["B"]});
        assert!(unit(fields(Manner::Create, &both)).is_err());
        let none = unit(fields(Manner::Create, &json!({"name": "U", "parent": null}))).unwrap();
        assert_eq!(none.parents, None);
    }
}
