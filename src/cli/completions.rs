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

/// The units whose keys begin with `current`.
pub(super) fn units(current: &OsStr) -> Vec<CompletionCandidate> {
    const UNITS: &str = "query($text: String!, $first: Int!) {
        found: orgUnits(filter: { key: { startsWith: $text } }, first: $first) { nodes { key name type } } }";
    found(UNITS, current, |unit| (&unit["key"], format!("{} ({})", text(&unit["name"]), text(&unit["type"]))))
}

/// The units, people and projects whose keys begin with `current`.
pub(super) fn records(current: &OsStr) -> Vec<CompletionCandidate> {
    const PEOPLE: &str = "query($text: String!, $first: Int!) {
        found: people(filter: { email: { startsWith: $text } }, first: $first) { nodes { email name } } }";
    const PROJECTS: &str = "query($text: String!, $first: Int!) {
        found: projects(filter: { projectId: { startsWith: $text } }, first: $first) {
            nodes { projectId projectName } } }";
    let people = found(PEOPLE, current, |person| (&person["email"], text(&person["name"])));
    let projects = found(PROJECTS, current, |project| (&project["projectId"], text(&project["projectName"])));
    units(current).into_iter().chain(people).chain(projects).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The nodes that `query` finds, each as its key and a description; none if the store or server cannot be read.
// No error either: the shell would print it into the line that is being typed.
fn found(
    query: &str,
    current: &OsStr,
    candidate: impl Fn(&Value) -> (&Value, String),
) -> Vec<CompletionCandidate> {
    let answer = || -> Result<Value> {
        let settings = Settings::of(&GlobalArgs::default(), &SettingsFile::read()?);
        let variables = json!({ "text": current.to_string_lossy(), "first": CANDIDATES_MAX });
        ask::data(&settings, query, variables)
    };
    let answer = answer().unwrap_or_default();
    let nodes = answer["found"]["nodes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let candidates = nodes.iter().map(|node| {
        let (key, description) = candidate(node);
        CompletionCandidate::new(text(key)).help(Some(description.into()))
    });
    candidates.collect()
}
