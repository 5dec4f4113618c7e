//! Fields of records as arguments: `FIELD=TEXT`, `FIELD:=JSON`, and `FIELD=` for null.

use std::str::FromStr;

use serde_json::{Map, Value};

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

/// The members of an input, and notes about fields that became attributes.
///
/// # Errors
/// Wrong usage if a field is given twice.
pub(super) fn fields(kind: &str, args: Vec<FieldArg>) -> Result<(Map<String, Value>, Vec<String>)> {
    let known = match kind {
        "orgUnit" => UNIT,
        "person" => PERSON,
        _ => PROJECT,
    };
    let (mut input, mut attributes, mut notes) = (Map::new(), Map::new(), Vec::new());
    for FieldArg { name, value } in args {
        let is_known = known.contains(&&*name) || kind != "orgUnit" && LEVELS.contains(&&*name);
        if !is_known {
            let hint = similar_field(kind, &name).map(|similar| format!("; did you mean {similar}?"));
            notes.push(format!("kept as an attribute: {name}{}", hint.unwrap_or_default()));
        }
        let into = if is_known { &mut input } else { &mut attributes };
        if into.insert(name.clone(), value).is_some() {
            return Err(Failure::Usage(format!("{name} is given twice")));
        }
    }
    if !attributes.is_empty() {
        let given = input.entry("attributes").or_insert_with(|| Map::new().into());
        let Value::Object(given) = given else {
            return Err(Failure::Usage("attributes must be a JSON object: attributes:={…}".to_owned()));
        };
        given.extend(attributes);
    }
    Ok((input, notes))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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
    }
}
