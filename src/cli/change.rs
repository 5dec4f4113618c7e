//! What commands that change records share: the record that a text names, the change itself, and what it did.
//!
//! Invariant: a dry run prints the same as the change, and changes nothing.

use clap::Args;
use serde_json::{Value, json};

use crate::cli::describe::{Described, RECORD};
use crate::cli::settings::Settings;
use crate::cli::show::not_found;
use crate::cli::{Failure, Result, ask, print_json, print_line};

const LOOKUP: &str =
    "query ($text: String!) { lookup(text: $text, exact: true) { kind key units { key } node { id ...record
    ... on OrgUnit { version } ... on Person { version } ... on Project { version } } } }";
const SEARCH: &str = "query ($text: String!) { search(text: $text, first: 3) { node { ...record } } }";
const APPLY: &str = "mutation ($changes: [ChangeInput!]!, $dryRun: Boolean!) {
    apply(changes: $changes, dryRun: $dryRun) { dryRun revision
        results { effect node { ...record } }
        summary { units { ...counts } people { ...counts } projects { ...counts } repositories { ...counts }
            services { ...counts } mappings { ...counts } made madeCount secondParents } } }
    fragment counts on ChangeCounts { created updated moved ended }";

/// Flags of every change.
#[derive(Debug, Args)]
pub(super) struct ChangeFlags {
    /// Check the change and print what it would do, without doing it
    #[arg(long)]
    pub(super) dry_run: bool,
}

/// A record that exists.
#[derive(Debug)]
pub(super) struct Existing {
    /// `ORG_UNIT`, `PERSON` or `PROJECT`.
    pub(super) kind: String,
    pub(super) key: String,
    /// Its global id.
    pub(super) id: String,
    /// Its version when it was looked up.
    pub(super) version: String,
    /// How it is called in the output.
    pub(super) line: String,
    /// The keys of the units directly above it.
    pub(super) units: Vec<String>,
}

/// The unit, person or project that a text names; `KIND:KEY` if records of several kinds are called so.
pub(super) fn existing(settings: &Settings, text: &str) -> Result<Existing> {
    let (kind, name) = match text.split_once(':') {
        Some(("orgUnit" | "unit", name)) => (Some("ORG_UNIT"), name),
        Some(("person", name)) => (Some("PERSON"), name),
        Some(("project", name)) => (Some("PROJECT"), name),
        _ => (None, text),
    };
    let variables = json!({ "text": name });
    let found = ask::data(settings, &format!("{LOOKUP}{RECORD}"), variables.clone())?;
    let all = list(&found["lookup"]).iter();
    let is_kept = |one: &&Value| ["ORG_UNIT", "PERSON", "PROJECT"].contains(&of(&one["kind"]));
    let all: Vec<&Value> = all.filter(is_kept).collect();
    let meant: Vec<&Value> =
        all.iter().copied().filter(|one| kind.is_none_or(|kind| one["kind"] == kind)).collect();
    // A record of another kind is reported as such.
    let found = if meant.is_empty() { all } else { meant };
    match found[..] {
        [one] if kind.is_some_and(|kind| one["kind"] != kind) => {
            let found = Described::of(&one["node"]);
            Err(Failure::refused(format!(
                "{name:?} is the {} {:?}, which is of another kind",
                found.kind, found.key
            )))
        }
        [one] => Ok(Existing {
            kind: of(&one["kind"]).to_owned(),
            key: of(&one["key"]).to_owned(),
            id: of(&one["node"]["id"]).to_owned(),
            version: of(&one["node"]["version"]).to_owned(),
            line: Described::of(&one["node"]).line(),
            units: list(&one["units"]).iter().map(|unit| of(&unit["key"]).to_owned()).collect(),
        }),
        [] => {
            let similar = ask::data(settings, &format!("{SEARCH}{RECORD}"), variables)?;
            Err(not_found(name, list(&similar["search"])))
        }
        _ => {
            let named = found.iter().map(|one| {
                let kind = if one["kind"] == "ORG_UNIT" {
                    "unit".to_owned()
                } else {
                    of(&one["kind"]).to_lowercase()
                };
                format!("{kind}:{}", of(&one["key"]))
            });
            let candidates: Vec<_> = named.collect();
            Err(Failure::Refused {
                message: format!("{name:?} is {} records; name one: {}", found.len(), candidates.join(", ")),
                members: json!({ "code": "ambiguous", "candidates": candidates }),
            })
        }
    }
}

/// Carries out one change, an input of GraphQL's `apply`, and prints what it did. `notes` are printed besides.
/// `ended` is the record that the change deletes, of which the answer has no more than the kind.
pub(super) fn apply(
    settings: &Settings,
    change: &Value,
    flags: &ChangeFlags,
    notes: &[String],
    ended: Option<&Existing>,
) -> Result {
    let variables = json!({ "changes": [change], "dryRun": flags.dry_run });
    let mut answer = ask::data(settings, &format!("{APPLY}{RECORD}"), variables).map_err(of_one_change)?;
    let applied = answer["apply"].take();
    if settings.json {
        return print_json(&applied);
    }
    for result in list(&applied["results"]) {
        let (effect, line) = match (of(&result["effect"]), ended) {
            ("DELETED", Some(record)) => ("ended".to_owned(), record.line.clone()),
            (effect, _) => (effect.to_lowercase(), Described::of(&result["node"]).line()),
        };
        let would_be = if flags.dry_run && effect != "unchanged" { "would be " } else { "" };
        print_line(format!("{would_be}{effect}: {line}"))?;
    }
    for note in effects(&applied["summary"]).iter().chain(notes) {
        print_line(format!("  {note}"))?;
    }
    let revision = &applied["revision"];
    if flags.dry_run {
        return print_line(format!("dry run: checked against revision {revision}, and nothing was changed"));
    }
    print_line(format!("revision {revision}"))
}

/// The refusal of the only change, without its place in a list of changes.
fn of_one_change(failure: Failure) -> Failure {
    match failure {
        Failure::Refused { message, members } => {
            let detail = members["refused"][0]["detail"].as_str().map(str::to_owned);
            Failure::Refused { message: detail.unwrap_or(message), members }
        }
        other => other,
    }
}

/// What was done to all records, also to those that the change does not name.
fn effects(summary: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    let counts = ["units", "people", "projects", "repositories", "services", "mappings"].map(|kind| {
        let told = ["created", "updated", "moved", "ended"].map(|what| (summary[kind][what].as_u64(), what));
        let told = told
            .into_iter()
            .filter_map(|(count, what)| Some(format!("{} {what}", count.filter(|it| *it > 0)?)));
        let told: Vec<_> = told.collect();
        (!told.is_empty()).then(|| format!("{kind} {}", told.join(", ")))
    });
    let counts: Vec<_> = counts.into_iter().flatten().collect();
    if !counts.is_empty() {
        lines.push(format!("in the directory: {}", counts.join("; ")));
    }
    for made in list(&summary["made"]) {
        lines.push(format!("made: {}", of(made)));
    }
    let more =
        summary["madeCount"].as_u64().unwrap_or_default().saturating_sub(list(&summary["made"]).len() as u64);
    if more > 0 {
        lines.push(format!("and {more} more units"));
    }
    for unit in list(&summary["secondParents"]) {
        lines.push(format!("warning: another parent was added, and the old one kept, of {}", of(unit)));
    }
    lines
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
