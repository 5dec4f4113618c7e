//! `clade log`: who changed what, the newest first.

use clap::Args;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use crate::cli::settings::Settings;
use crate::cli::target::Target;
use crate::cli::{Failure, Result, say, say_json};
use crate::directory::AuditRequest;
use crate::model::entity::Revision;
use crate::server::limits::{LOG_CHANGES_DEFAULT, LOG_CHANGES_MAX, LOG_ENTRIES_DEFAULT, LOG_ENTRIES_MAX};
use crate::wire::change::{LogRecord, record_name};

/// Longer values are cut short for people.
const SHOWN_MAX: usize = 60;
/// What a record is called, and not how it is.
const SILENT: [&str; 2] = ["id", "tokenId"];

#[derive(Debug, Args)]
pub(super) struct LogArgs {
    /// Begin with this revision, and go back from there [default: the newest]
    #[arg(long, value_name = "REVISION")]
    from: Option<u64>,
    /// At most so many entries
    #[arg(long, value_name = "N", default_value_t = LOG_ENTRIES_DEFAULT as u64, value_parser = up_to(LOG_ENTRIES_MAX))]
    limit: u64,
    /// At most so many changes of what one caller changed at once
    #[arg(long, value_name = "N", default_value_t = LOG_CHANGES_DEFAULT as u64, value_parser = up_to(LOG_CHANGES_MAX))]
    changes: u64,
    /// Only changes of one record, such as person:ada@corp.example: orgUnit, person, project, repository, service,
    /// mapping or token, and its key
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
                let asked = AuditRequest {
                    before: self.from.map(|from| Revision(from).next()),
                    entries: usize::try_from(self.limit).unwrap_or(LOG_ENTRIES_MAX),
                    changes: usize::try_from(self.changes).unwrap_or(LOG_CHANGES_MAX),
                    record: record.map_err(|refusal| Failure::Usage(refusal.to_string()))?,
                };
                let found = directory.audit(&asked)?;
                serde_json::to_value(LogRecord::of(&found, &directory.view()))
            }
            Target::Server(client) => serde_json::from_reader(client.get(&self.path())?),
        };
        let log = log.map_err(|why| Failure::refused(format!("the log cannot be read: {why}")))?;
        if settings.json {
            return say_json(&log);
        }
        for entry in list(&log["data"]) {
            entry_lines(entry).iter().try_for_each(say)?;
        }
        if let Some(next) = log["next"].as_u64() {
            eprintln!("there is more: --from {}", next.saturating_sub(1));
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

/// One line a change: revision, time, actor, what happened to which record, and how.
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
        let more = set["count"].as_u64().unwrap_or_default().saturating_sub(changes.len() as u64);
        if more > 0 {
            lines.push(format!("{revision}  {at}  {actor}  and {more} more changes"));
        }
    }
    lines
}

/// The fields that differ, each as `name: before → after`; of a record that came or went, what it has or had.
fn differences(before: &Value, after: &Value) -> Vec<String> {
    let empty = Map::new();
    let fields = |value: &Value| flat(value.as_object().unwrap_or(&empty));
    let (was, is) = (fields(before), fields(after));
    let mut names: Vec<&String> = was.keys().collect();
    names.extend(is.keys().filter(|name| !was.contains_key(*name)));
    let mut told = Vec::new();
    for name in names.into_iter().filter(|name| !SILENT.contains(&name.as_str())) {
        let (was, is) = (was.get(name).unwrap_or(&Value::Null), is.get(name).unwrap_or(&Value::Null));
        if was == is {
            continue;
        }
        told.push(match (before.is_null(), after.is_null()) {
            (true, _) => format!("{name}: {}", shown(is)),
            (_, true) => format!("{name}: {}", shown(was)),
            _ => format!("{name}: {} → {}", shown(was), shown(is)),
        });
    }
    told
}

/// The fields with those of nested objects beside them: `attributes.site`.
fn flat(fields: &Map<String, Value>) -> Map<String, Value> {
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

fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_differs_is_told() {
        let before = json!({"email": "ada@c.example", "firstName": null, "attributes": {"a": 1, "b": [1]}});
        let after = json!({"email": "ada@c.example", "firstName": "Ada", "attributes": {"b": [1], "c": "x"}});
        let told = differences(&before, &after);
        assert_eq!(
            told,
            ["firstName: null → \"Ada\"", "attributes.a: 1 → null", "attributes.c: null → \"x\""]
        );
        let created = differences(&Value::Null, &json!({"id": "7", "name": "Ada", "externalId": null}));
        assert_eq!(created, ["name: \"Ada\""]);
        assert_eq!(differences(&json!({"name": "Ada"}), &Value::Null), ["name: \"Ada\""]);
    }

    #[test]
    fn long_values_are_cut_short_between_characters() {
        let shown = shown(&json!("ö".repeat(100)));
        assert!(shown.ends_with('…') && shown.chars().count() == SHOWN_MAX + 1, "{shown}");
    }
}
