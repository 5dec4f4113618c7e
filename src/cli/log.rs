//! `clade log`: prints the audit log, newest entry first.

use clap::Args;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use crate::cli::settings::Settings;
use crate::cli::target::Target;
use crate::cli::{Failure, Result, print_json, print_line};
use crate::directory::AuditRequest;
use crate::model::entity::Revision;
use crate::server::limits::{LOG_CHANGES_DEFAULT, LOG_CHANGES_MAX, LOG_ENTRIES_DEFAULT, LOG_ENTRIES_MAX};
use crate::wire::change::{LogRecord, record_name};

/// Maximum length of a value in the text, in characters; longer ones are truncated. JSON has them whole.
const VALUE_CHARS_MAX: usize = 60;
/// Fields that are not printed: they identify the record, which the line names already, and never change.
const OMITTED_FIELDS: [&str; 2] = ["id", "tokenId"];

#[derive(Debug, Args)]
pub(super) struct LogArgs {
    /// Start at this revision and go back in time [default: the newest]
    #[arg(long, value_name = "REVISION")]
    from: Option<u64>,
    /// Maximum number of log entries (commits)
    #[arg(long, value_name = "N", default_value_t = LOG_ENTRIES_DEFAULT as u64, value_parser = up_to(LOG_ENTRIES_MAX))]
    limit: u64,
    /// Maximum number of changes to list of each change set
    #[arg(long, value_name = "N", default_value_t = LOG_CHANGES_DEFAULT as u64, value_parser = up_to(LOG_CHANGES_MAX))]
    changes: u64,
    /// Only changes of one record, such as person:ada@corp.example. KIND is orgUnit, person, project, repository,
    /// service, mapping or token
    #[arg(long, value_name = "KIND:KEY")]
    record: Option<String>,
}

fn up_to(most: usize) -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(1..=most as u64)
}

impl LogArgs {
    pub(super) fn run(self, settings: &Settings) -> Result {
        let log = match Target::existing(settings)? {
            Target::Store(directory) => {
                let record = self.record.as_deref().map(record_name).transpose();
                let request = AuditRequest {
                    // --from is inclusive, `before` is exclusive.
                    before: self.from.map(|from| Revision(from).next()),
                    entries: usize::try_from(self.limit).unwrap_or(LOG_ENTRIES_MAX),
                    changes: usize::try_from(self.changes).unwrap_or(LOG_CHANGES_MAX),
                    record: record.map_err(|refusal| Failure::Usage(refusal.to_string()))?,
                };
                let found = directory.audit(&request)?;
                // Converted to JSON even for the text, so that local and remote logs are printed by the same code.
                serde_json::to_value(LogRecord::of(&found, &directory.view()))
            }
            Target::Server(client) => serde_json::from_reader(client.get(&self.path())?),
        };
        let log = log.map_err(|why| Failure::refused(format!("the log cannot be read: {why}")))?;
        if settings.json {
            return print_json(&log);
        }
        for entry in list(&log["data"]) {
            entry_lines(entry).iter().try_for_each(print_line)?;
        }
        if let Some(next) = log["next"].as_u64() {
            // `next` is an exclusive bound as well, hence the 1.
            eprintln!("there are older entries; continue with --from {}", next.saturating_sub(1));
        }
        Ok(())
    }

    fn path(&self) -> String {
        let before = self.from.map(|from| format!("&before={}", from.saturating_add(1)));
        let record = self.record.as_ref();
        let record =
            record.map(|record| format!("&record={}", utf8_percent_encode(record, NON_ALPHANUMERIC)));
        let (before, record) = (before.unwrap_or_default(), record.unwrap_or_default());
        format!("/api/v2/data/log?limit={}&changes={}{before}{record}", self.limit, self.changes)
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// One line per change: revision, time, actor, action, record, and the fields that changed.
fn entry_lines(entry: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (revision, at) = (&entry["revision"], text(&entry["at"]));
    let mut lines = Vec::new();
    for set in list(&entry["changeSets"]) {
        let actor = match set["description"].as_str() {
            Some(description) => format!("{} ({description})", text(&set["actor"])),
            None => text(&set["actor"]),
        };
        let changes = list(&set["changes"]);
        for change in changes {
            let (what, kind, key) = (text(&change["what"]), text(&change["kind"]), text(&change["key"]));
            let how = differences(&change["before"], &change["after"]);
            let how = if how.is_empty() { String::new() } else { format!("  {}", how.join(", ")) };
            lines.push(format!("{revision}  {at}  {actor}  {what} {kind} {key}{how}"));
        }
        // `count` is of all changes, the list stops at --changes.
        let more = set["count"].as_u64().unwrap_or_default().saturating_sub(changes.len() as u64);
        if more > 0 {
            lines.push(format!("{revision}  {at}  {actor}  and {more} more changes"));
        }
    }
    lines
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
