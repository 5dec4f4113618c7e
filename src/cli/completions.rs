//! `clade completions`: completion of commands, flags and keys in a shell.

use std::ffi::OsStr;
use std::io;

use clap::Args;
use clap::builder::PossibleValuesParser;
use clap_complete::CompletionCandidate;
use clap_complete::env::Shells;
use serde_json::{Value, json};

use crate::cli::settings::{GlobalArgs, Settings};
use crate::cli::settings_file::SettingsFile;
use crate::cli::{Failure, Result, ask};

/// The variable by which the shell asks this program for candidates.
pub(super) const ASKED: &str = "COMPLETE";
/// Maximum number of keys that are offered.
const CANDIDATES_MAX: usize = 200;

#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_parser = PossibleValuesParser::new(Shells::builtins().names()))]
    shell: String,
}

impl CompletionsArgs {
    pub(super) fn run(self) -> Result {
        let shells = Shells::builtins();
        let shell = shells.completer(&self.shell).ok_or_else(|| Failure::Usage(self.shell.clone()))?;
        Ok(shell.write_registration(ASKED, "clade", "clade", "clade", &mut io::stdout())?)
    }
}

const UNITS: &str =
    "units: orgUnits(filter: { key: { startsWith: $text } }, first: $first) { nodes { key name type } }";
const PEOPLE: &str = "people(filter: { email: { startsWith: $text } }, first: $first) { nodes { key: email name: displayName } }";
const PROJECTS: &str = "projects(filter: { projectId: { startsWith: $text } }, first: $first) {
    nodes { key: projectId name: projectName } }";

/// The units whose keys begin with `current`.
pub(super) fn units(current: &OsStr) -> Vec<CompletionCandidate> {
    found(&[UNITS], current)
}

/// The units, people and projects whose keys begin with `current`.
pub(super) fn records(current: &OsStr) -> Vec<CompletionCandidate> {
    found(&[UNITS, PEOPLE, PROJECTS], current)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The nodes that the fields find, each as its key and its name; none if the store or server cannot be read.
// No error either: the shell would print it into the line that is being typed.
fn found(fields: &[&str], current: &OsStr) -> Vec<CompletionCandidate> {
    let answer = || -> Result<Value> {
        let settings = Settings::of(&GlobalArgs::default(), &SettingsFile::read()?);
        let query = format!("query($text: String!, $first: Int!) {{ {} }}", fields.join(" "));
        let variables = json!({ "text": current.to_string_lossy(), "first": CANDIDATES_MAX });
        ask::data(&settings, &query, variables)
    };
    let Ok(Value::Object(answer)) = answer() else { return Vec::new() };
    let nodes = answer.values().filter_map(|list| list["nodes"].as_array()).flatten();
    let candidates = nodes.map(|node| {
        let unit_type = node["type"].as_str().map(|unit_type| format!(" ({unit_type})")).unwrap_or_default();
        let description = format!("{}{unit_type}", text(&node["name"]));
        CompletionCandidate::new(text(&node["key"])).help(Some(description.into()))
    });
    candidates.collect()
}
