//! The text output of `clade log`: a line for each commit, or for each change.

use serde_json::{Map, Value};

use crate::cli::numbers::counted;

/// Maximum length of a value in the text, in characters; longer ones are truncated. JSON has them whole.
const VALUE_CHARS_MAX: usize = 60;
/// Fields that are not printed: they identify the record, which the line names already, and never change.
const OMITTED_FIELDS: [&str; 2] = ["id", "tokenId"];
/// Maximum number of changes that the line of a commit names one by one; more are counted.
const NAMED_MAX: usize = 3;

/// The items of a JSON array.
pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// One line per change set: revision, time, actor, and what it did.
pub(super) fn summary_lines(entry: &Value) -> Vec<String> {
    let sets = list(&entry["changeSets"]).iter();
    sets.map(|set| format!("{}  {}", heading(entry, set), outline(set))).collect()
}

/// One line per change: revision, time, actor, action, record, and the fields that changed.
pub(super) fn change_lines(entry: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    for set in list(&entry["changeSets"]) {
        let heading = heading(entry, set);
        let mut moves = Vec::new();
        for change in list(&set["changes"]) {
            let message = text(&change["message"]);
            let is_created_or_ended = change["before"].is_null() || change["after"].is_null();
            let how = differences(&change["before"], &change["after"]);
            let how = if how.is_empty() { String::new() } else { format!("  {}", how.join(", ")) };
            if text(&change["kind"]) != "mapping" {
                // Not the message, which has the names of the changed fields but not their values.
                let [what, kind, key] = ["what", "kind", "key"].map(|name| text(&change[name]));
                lines.push(format!("{heading}  {what} {kind} {key}{how}"));
            } else if !is_created_or_ended {
                lines.push(format!("{heading}  {message}{how}"));
            } else if !moves.contains(&message) {
                // A move is two changes, which have the same message.
                moves.push(message);
                lines.push(format!("{heading}  {message}"));
            }
        }
        let omitted = set["omitted"].as_u64().unwrap_or_default();
        if omitted > 0 {
            lines.push(format!("{heading}  and {}", counted(omitted, "more change", "more changes")));
        }
    }
    lines
}

fn heading(entry: &Value, set: &Value) -> String {
    let actor = match set["description"].as_str() {
        Some(description) => format!("{} ({description})", text(&set["actor"])),
        None => text(&set["actor"]).to_owned(),
    };
    format!("{}  {}  {actor}", entry["revision"], text(&entry["at"]))
}

/// What a change set did: each change if they are few, or else their number by kind.
fn outline(set: &Value) -> String {
    let mut messages: Vec<&str> =
        list(&set["changes"]).iter().map(|change| text(&change["message"])).collect();
    messages.dedup();
    if set["omitted"] == 0 && messages.len() <= NAMED_MAX {
        return messages.join("; ");
    }
    let mut parts = Vec::new();
    for what in ["created", "updated", "ended"] {
        let counts = list(&set["summary"]).iter().filter(|count| count["what"] == what);
        let counts: Vec<String> = counts.map(of_kind).collect();
        if !counts.is_empty() {
            parts.push(format!("{what} {}", counts.join(", ")));
        }
    }
    parts.join("; ")
}

fn of_kind(count: &Value) -> String {
    let (one, several) = match text(&count["kind"]) {
        "orgUnit" => ("unit", "units"),
        "person" => ("person", "people"),
        "project" => ("project", "projects"),
        "repository" => ("repository", "repositories"),
        "service" => ("service", "services"),
        "mapping" => ("mapping", "mappings"),
        "token" => ("token", "tokens"),
        other => (other, other),
    };
    counted(count["count"].as_u64().unwrap_or_default(), one, several)
}

/// The fields that differ, each as `name: before → after`; for a created or ended record, its non-null fields.
fn differences(before: &Value, after: &Value) -> Vec<String> {
    let empty = Map::new();
    let fields = |value: &Value| flatten(value.as_object().unwrap_or(&empty));
    let (was, is) = (fields(before), fields(after));
    // The old names in their order, then the new ones: a set would lose the order in which records list their fields.
    let mut names: Vec<&String> = was.keys().collect();
    names.extend(is.keys().filter(|name| !was.contains_key(*name)));
    let mut lines = Vec::new();
    for name in names.into_iter().filter(|name| !OMITTED_FIELDS.contains(&name.as_str())) {
        // An absent field counts as null, so a created record does not list its empty fields.
        let (was, is) = (was.get(name).unwrap_or(&Value::Null), is.get(name).unwrap_or(&Value::Null));
        if was == is {
            continue;
        }
        lines.push(match (before.is_null(), after.is_null()) {
            (true, _) => format!("{name}: {}", truncated(is)),
            (_, true) => format!("{name}: {}", truncated(was)),
            _ => format!("{name}: {} → {}", truncated(was), truncated(is)),
        });
    }
    lines
}

/// The fields, with the members of nested objects as fields with dotted names: `attributes.site`.
fn flatten(fields: &Map<String, Value>) -> Map<String, Value> {
    let mut all = Map::new();
    for (name, value) in fields {
        match value {
            Value::Object(inner) => {
                all.extend(inner.iter().map(|(of, value)| (format!("{name}.{of}"), value.clone())));
            }
            other => _ = all.insert(name.clone(), other.clone()),
        }
    }
    all
}

fn truncated(value: &Value) -> String {
    let text = value.to_string();
    // By characters, not bytes: slicing inside a UTF-8 sequence would panic.
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn few_changes_are_named_and_many_are_counted() {
        let change = |message: &str| json!({"kind": "mapping", "message": message});
        let moved = change("Gears moved from Bikes to Lamps");
        let few = json!({"omitted": 0, "changes": [change("created person ada"), moved, moved]});
        assert_eq!(outline(&few), "created person ada; Gears moved from Bikes to Lamps");
        let count = |kind, what, count| json!({"kind": kind, "what": what, "count": count});
        let many = json!({"omitted": 7, "changes": [], "summary": [
            count("orgUnit", "created", 839), count("person", "created", 1_509), count("mapping", "ended", 1)]});
        assert_eq!(outline(&many), "created 839 units, 1,509 people; ended 1 mapping");
    }

    #[test]
    fn only_changed_fields_are_listed() {
        let before = json!({"email": "ada@c.example", "firstName": null, "attributes": {"a": 1, "b": [1]}});
        let after = json!({"email": "ada@c.example", "firstName": "Ada", "attributes": {"b": [1], "c": "x"}});
        let changed = differences(&before, &after);
        assert_eq!(
            changed,
            ["firstName: null → \"Ada\"", "attributes.a: 1 → null", "attributes.c: null → \"x\""]
        );
        let created = differences(&Value::Null, &json!({"id": "7", "name": "Ada", "externalId": null}));
        assert_eq!(created, ["name: \"Ada\""]);
        assert_eq!(differences(&json!({"name": "Ada"}), &Value::Null), ["name: \"Ada\""]);
    }

    #[test]
    fn long_values_are_truncated_between_characters() {
        let text = truncated(&json!("ö".repeat(100)));
        assert!(text.ends_with('…') && text.chars().count() == VALUE_CHARS_MAX + 1, "{text}");
    }
}
