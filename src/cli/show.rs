//! `clade show`: what a text names, and where it belongs.

use std::io::Write;

use clap::Args;
use clap_complete::ArgValueCompleter;
use serde_json::{Value, json};

use crate::cli::describe::{Described, RECORD};
use crate::cli::numbers::counted;
use crate::cli::pager::Output;
use crate::cli::printable::printable;
use crate::cli::settings::Settings;
use crate::cli::{Failure, Result, ask, completions, print_json};

const QUERY: &str = "query ($text: String!) {
    lookup(text: $text) { paths units { key name type } node { ...record } } }";
const SEARCH: &str = "query ($text: String!) { search(text: $text, first: 3) { node { ...record } } }";

#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// A unit (key, external id, path or name), an email, a project id, the URL of a repository, the identifier of a
    /// service, or a whole name
    #[arg(value_name = "KEY|EMAIL|PROJECT|URL|SERVICE", add = ArgValueCompleter::new(completions::records))]
    text: String,
}

impl ShowArgs {
    pub(super) fn run(self, settings: &Settings) -> Result {
        let variables = json!({ "text": self.text });
        let found = ask::data(settings, &format!("{QUERY}{RECORD}"), variables.clone())?;
        let found = list(&found["lookup"]);
        if found.is_empty() {
            let similar = ask::data(settings, &format!("{SEARCH}{RECORD}"), variables)?;
            return Err(not_found(&self.text, list(&similar["search"])));
        }
        if settings.json {
            let records = found.iter().map(|found| {
                let mut record = Described::of(&found["node"]).to_json();
                record["paths"] = found["paths"].clone();
                record["units"] = found["units"].clone();
                record
            });
            return print_json(&records.collect());
        }
        let mut out = Output::of(settings);
        for (at, found) in found.iter().enumerate() {
            if at > 0 {
                writeln!(out)?;
            }
            for line in lines(found) {
                writeln!(out, "{}", printable(&line))?;
            }
        }
        out.finish()
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The failure that names what is similar to what was not found.
pub(super) fn not_found(text: &str, similar: &[Value]) -> Failure {
    let similar: Vec<Described<'_>> = similar.iter().map(|hit| Described::of(&hit["node"])).collect();
    let mut message = format!("nothing is called {text:?}");
    let named = similar.iter().map(|one| format!("the {} {:?}", one.kind, one.key)).collect::<Vec<_>>();
    if !named.is_empty() {
        message = format!("{message}; did you mean {}?", named.join(", or "));
    }
    let similar: Vec<Value> = similar.iter().map(Described::to_json).collect();
    Failure::Refused {
        message,
        members: json!({ "code": "not-found", "reference": text, "similar": similar }),
    }
}

/// The record, one fact a line.
fn lines(found: &Value) -> Vec<String> {
    let node = &found["node"];
    let record = Described::of(node);
    let name = record.name.as_ref().map(|name| format!("  {name}")).unwrap_or_default();
    let mut lines = vec![format!("{} {}{name}", record.kind, record.key)];
    let mut fact = |what: &str, value: String| {
        if !value.is_empty() {
            lines.push(format!("  {what:<13} {value}"));
        }
    };
    fact("type", text(&node["type"]).to_owned());
    for path in list(&found["paths"]) {
        let names: Vec<&str> = list(path).iter().map(text).collect();
        // Without the record itself, which the first line names.
        let above = names.split_last().map_or(&[][..], |(_, above)| above);
        fact("path", above.join(" > "));
    }
    let units = list(&found["units"]).iter().map(|unit| {
        let [key, name, unit_type] = ["key", "name", "type"].map(|field| text(&unit[field]));
        if key == name { format!("{name} ({unit_type})") } else { format!("{name} ({unit_type}, {key})") }
    });
    fact("units", units.collect::<Vec<_>>().join(", "));
    if let Some(totals) = node["totals"].as_object() {
        let nouns = [
            ("units", "unit", "units"),
            ("people", "person", "people"),
            ("projects", "project", "projects"),
            ("repositories", "repository", "repositories"),
            ("services", "service", "services"),
        ];
        let total = |(field, one, several)| {
            counted(totals.get(field).and_then(Value::as_u64).unwrap_or_default(), one, several)
        };
        fact("totals", nouns.map(total).join(", "));
    }
    fact("owner", text(&node["owner"]["email"]).to_owned());
    fact("project", text(&node["project"]["projectId"]).to_owned());
    for repository in list(&node["repositories"]) {
        let [name, url] = ["name", "url"].map(|field| text(&repository[field]));
        fact("repository", format!("{name}  {url}").trim_end().to_owned());
    }
    for service in list(&node["services"]) {
        let [name, identifier] = ["name", "identifier"].map(|field| text(&service[field]));
        fact("service", format!("{name}  {identifier}").trim_end().to_owned());
    }
    lines
}
