//! Records in the output of `clade find` and `clade show`: kind, key, name, and the units that hold them.

use serde_json::{Value, json};

/// The fields of a record that are read.
// Aliases, because fields of one name must be of one type in all kinds of records.
pub(super) const RECORD: &str = " fragment record on Node { __typename
    ... on OrgUnit { key name type parents { key name }
        totals { units people projects repositories services } }
    ... on Person { email displayName firstName lastName units { key name } }
    ... on Project { projectId projectName owner { email } units { key name }
        repositories { name url } services { name identifier } }
    ... on Repository { repository: name platform url project { projectId projectName units { key name } } }
    ... on Service { service: name identifier project { projectId projectName units { key name } } } }";

/// A record.
pub(super) struct Described<'r> {
    node: &'r Value,
    /// `unit`, `person` and so on.
    pub(super) kind: &'static str,
    /// What other commands call it by; for a repository its URL.
    pub(super) key: &'r str,
    /// Its name, if that is not its key.
    pub(super) name: Option<String>,
    /// The units that hold it.
    pub(super) units: Vec<&'r str>,
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

impl<'r> Described<'r> {
    pub(super) fn of(node: &'r Value) -> Self {
        let named = |name: &'r Value| name.as_str().map(str::to_owned);
        let (kind, key, name, units) = match text(&node["__typename"]) {
            "OrgUnit" => ("unit", &node["key"], named(&node["name"]), &node["parents"]),
            "Person" => ("person", &node["email"], person_name(node), &node["units"]),
            "Project" => ("project", &node["projectId"], named(&node["projectName"]), &node["units"]),
            "Repository" => {
                let url = if node["url"].is_null() { &node["repository"] } else { &node["url"] };
                ("repository", url, named(&node["repository"]), &node["project"]["units"])
            }
            _ => {
                let identifier =
                    if node["identifier"].is_null() { &node["service"] } else { &node["identifier"] };
                ("service", identifier, named(&node["service"]), &node["project"]["units"])
            }
        };
        let key = text(key);
        let units = units.as_array().map_or(&[][..], Vec::as_slice).iter().map(|unit| text(&unit["name"]));
        Self { node, kind, key, name: name.filter(|name| name != key), units: units.collect() }
    }

    /// One line: kind, key, name, units.
    pub(super) fn line(&self) -> String {
        let name = self.name.as_ref().map(|name| format!("  {name}")).unwrap_or_default();
        let units =
            if self.units.is_empty() { String::new() } else { format!("  in {}", self.units.join(", ")) };
        format!("{:<10}  {}{name}{units}", self.kind, self.key)
    }

    pub(super) fn to_json(&self) -> Value {
        let mut record = self.node.clone();
        if let Some(record) = record.as_object_mut() {
            record.remove("__typename");
        }
        json!({ "kind": self.kind, "key": self.key, "name": self.name, "record": record })
    }
}

/// The display name of a person, or first and last name.
fn person_name(person: &Value) -> Option<String> {
    if let Some(name) = person["displayName"].as_str() {
        return Some(name.to_owned());
    }
    let names = [&person["firstName"], &person["lastName"]].into_iter().filter_map(Value::as_str);
    let name = names.collect::<Vec<_>>().join(" ");
    (!name.is_empty()).then_some(name)
}
