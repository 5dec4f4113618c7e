//! Fields of records as arguments: `FIELD=TEXT`, `FIELD:=JSON`, and `FIELD=` for null.

use std::str::FromStr;

use serde_json::{Map, Value, json};

use crate::cli::{Failure, Result};
use crate::exchange::similar_field;

/// Fields that GraphQL's inputs have, by kind of record. All others are attributes.
const LEVELS: [&str; 5] = ["organization", "business", "department", "group", "team"];
const UNIT: &[&str] = &["key", "name", "type", "externalId", "parents", "attributes"];
const PERSON: &[&str] =
    &["email", "firstName", "lastName", "displayName", "externalId", "units", "attributes"];
const PROJECT: &[&str] =
    &["projectId", "projectName", "owner", "externalId", "repositories", "services", "units", "attributes"];

/// One field with its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FieldArg {
    name: String,
    value: Value,
}

impl FromStr for FieldArg {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| "use FIELD=TEXT, FIELD:=JSON, or FIELD= to remove it".to_owned())?;
        let (name, value) = match name.strip_suffix(':') {
            Some(name) => {
                (name, serde_json::from_str(value).map_err(|why| format!("{value} is not JSON: {why}"))?)
            }
            None if value.is_empty() => (name, Value::Null),
            None => (name, value.into()),
        };
        if name.is_empty() {
            return Err("the name of the field is missing".to_owned());
        }
        Ok(Self { name: name.to_owned(), value })
    }
}

/// Fields that have a meaning in files or answers and cannot be set here.
const REFUSED: [&str; 14] = [
    "kind",
    "op",
    "delete",
    "deleted",
    "_delete",
    "id",
    "assets",
    "children",
    "source",
    "revision",
    "createdAt",
    "updatedAt",
    "validFrom",
    "validTo",
];
/// Fields that every record of the kind has.
const REQUIRED: [&str; 6] = ["key", "name", "type", "email", "projectId", "projectName"];
const LISTS: [&str; 4] = ["parents", "units", "repositories", "services"];

/// A field under the name that inputs have for it, with its value.
fn named(kind: &str, name: &str, value: Value) -> Result<(String, Value)> {
    let usage = |why: String| Err(Failure::Usage(why));
    let (name, value) = match (kind, name) {
        ("orgUnit", "parent") if value.is_string() => ("parents", vec![value].into()),
        ("person" | "project", "unit") if value.is_string() => ("units", vec![value].into()),
        ("project", "owner.email" | "projectOwner.email") => ("owner", json!({ "email": value })),
        ("project", "owner" | "projectOwner") if value.is_string() => ("owner", json!({ "email": value })),
        _ => (name, value),
    };
    if REFUSED.contains(&name) {
        return usage(format!("{name} is no field of a record that can be set here"));
    }
    if value.is_null() && REQUIRED.contains(&name) {
        return usage(format!("{name} is required and cannot be removed"));
    }
    if value.is_null() && LEVELS.contains(&name) && kind != "orgUnit" {
        return usage(format!(
            "{name} cannot be removed; use `clade move`, or units= to take the record out of all units"
        ));
    }
    let value = if value.is_null() && LISTS.contains(&name) { json!([]) } else { value };
    Ok((name.to_owned(), value))
}

/// The members of an input, and notes about fields that became attributes.
///
/// # Errors
/// Wrong usage if a field is given twice, cannot be set, or cannot be removed.
pub(super) fn fields(kind: &str, args: Vec<FieldArg>) -> Result<(Map<String, Value>, Vec<String>)> {
    let known = match kind {
        "orgUnit" => UNIT,
        "person" => PERSON,
        _ => PROJECT,
    };
    let (mut input, mut attributes, mut notes) = (Map::new(), Map::new(), Vec::new());
    for FieldArg { name, value } in args {
        let (name, value) = named(kind, &name, value)?;
        let is_known = known.contains(&&*name) || kind != "orgUnit" && LEVELS.contains(&&*name);
        let (into, name) = match name.strip_prefix("attributes.") {
            Some(name) => (&mut attributes, name.to_owned()),
            None if is_known => (&mut input, name),
            None => {
                let hint = similar_field(kind, &name).map(|similar| format!("; did you mean {similar}?"));
                let done =
                    if value.is_null() { "no such attribute any more" } else { "kept as an attribute" };
                notes.push(format!("{done}: {name}{}", hint.unwrap_or_default()));
                (&mut attributes, name)
            }
        };
        if into.insert(name.clone(), value).is_some() {
            return Err(Failure::Usage(format!("{name} is given twice")));
        }
    }
    if !attributes.is_empty() {
        let given = input.entry("attributes").or_insert_with(|| Map::new().into());
        let Value::Object(given) = given else {
            return Err(Failure::Usage("attributes must be a JSON object: attributes:={…}".to_owned()));
        };
        if let Some(twice) = attributes.keys().find(|name| given.contains_key(*name)) {
            return Err(Failure::Usage(format!("{twice} is given twice")));
        }
        given.extend(attributes);
    }
    Ok((input, notes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(texts: &[&str]) -> Vec<FieldArg> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn texts_json_and_nothing_are_values() {
        let (input, notes) =
            fields("person", parsed(&["firstName=Ada", "lastName=", "desk:={\"floor\": 3}", "title=a=b"]))
                .unwrap();
        let expected = json!({ "firstName": "Ada", "lastName": null, "attributes": { "desk": { "floor": 3 }, "title": "a=b" } });
        assert_eq!(Value::Object(input), expected);
        assert_eq!(notes, ["kept as an attribute: desk", "kept as an attribute: title"]);
        let (_, notes) = fields("person", parsed(&["first_name=Ada"])).unwrap();
        assert_eq!(notes, ["kept as an attribute: first_name; did you mean firstName?"]);
    }

    #[test]
    fn what_is_no_field_is_refused() {
        for wrong in ["firstName", "=x", "desk:={", ":=1"] {
            assert!(wrong.parse::<FieldArg>().is_err(), "{wrong}");
        }
        assert!(fields("person", parsed(&["team=A", "team=B"])).is_err());
        assert!(fields("orgUnit", parsed(&["team=A"])).unwrap().1[0].contains("attribute"));
        for (kind, wrong) in
            [("person", "email="), ("orgUnit", "type="), ("person", "team="), ("project", "op=end")]
        {
            assert!(matches!(fields(kind, parsed(&[wrong])), Err(Failure::Usage(_))), "{wrong}");
        }
        assert!(fields("person", parsed(&["attributes:={\"a\":1}", "a=2"])).is_err());
    }

    #[test]
    fn names_of_files_are_understood() {
        let input = |kind, texts: &[&str]| Value::Object(fields(kind, parsed(texts)).unwrap().0);
        assert_eq!(input("orgUnit", &["parent=Corp"]), json!({ "parents": ["Corp"] }));
        assert_eq!(input("person", &["units="]), json!({ "units": [] }));
        assert_eq!(input("project", &["projectOwner.email=a@b"]), json!({ "owner": { "email": "a@b" } }));
        assert_eq!(input("project", &["owner=a@b"]), json!({ "owner": { "email": "a@b" } }));
        assert_eq!(input("person", &["attributes.site=Rome"]), json!({ "attributes": { "site": "Rome" } }));
    }
}
