//! `clade check`: verifies the integrity of a store (file, log, graph, rules) and runs the data-quality checks.
//!
//! Invariant: only integrity problems change the exit code. Data-quality findings never do.

use clap::Args;
use serde_json::{Value, json};
use ureq::SendBody;

use crate::cli::client::Client;
use crate::cli::doctor::{self, EXAMPLES_MAX};
use crate::cli::settings::Settings;
use crate::cli::{Failure, Result, print_json, print_line};
use crate::directory::Directory;
use crate::wire::check::CheckAnswer;
use crate::wire::finding::DoctorReport;

#[derive(Debug, Args)]
#[command(
    after_help = "The exit code is 0 if the store is intact and 1 if it is damaged. Data-quality findings (duplicate \
                  names, people and projects without a unit, unknown owners and so on) do not change it; they are \
                  for you to judge. With --json all of them are written."
)]
pub(super) struct CheckArgs {
    /// List all data-quality findings instead of a few examples of each kind
    #[arg(long)]
    all: bool,
}

impl CheckArgs {
    pub(super) fn run(self, settings: &Settings) -> Result {
        let list_all = self.all || settings.json;
        let (mut checked, doctor) = match &settings.server {
            None => {
                // `examine` also opens a damaged store, as far as its log can be read. The directory is `None` when
                // the records cannot be loaded; the JSON then has `null` for `doctor`.
                let (checked, directory) = Directory::examine(settings.data())?;
                let examples_max = if list_all { usize::MAX } else { EXAMPLES_MAX };
                let doctor = directory
                    .map(|directory| json!(DoctorReport::with_examples(&directory.view(), examples_max)));
                (json!(CheckAnswer::from(checked)), doctor.unwrap_or_default())
            }
            Some(server) => {
                let client = Client::new(server)?;
                let checked = client.post("/api/v2/data/check", "application/json", SendBody::none())?;
                (checked, doctor::fetch(&client, list_all)?)
            }
        };
        let problems = checked["findings"].as_array().map_or(0, Vec::len);
        let printed = if settings.json {
            checked["doctor"] = doctor;
            print_json(&checked)
        } else {
            print(&checked, &doctor)
        };
        match printed {
            // A broken pipe (`clade check | head`) must not hide the damage from the exit code.
            Ok(()) | Err(Failure::OutputClosed) if problems > 0 => Err(damaged(settings, problems)),
            other => other,
        }
    }
}

fn print(checked: &Value, doctor: &Value) -> Result {
    let count = |name: &str| checked[name].as_u64().unwrap_or_default();
    print_line(format!(
        "checked revision {}: {} changes in the log; {} entities, {} mappings and {} tokens, including ended ones",
        count("revision"),
        count("changes"),
        count("entities"),
        count("mappings"),
        count("tokens"),
    ))?;
    let findings = checked["findings"].as_array().map_or(&[][..], Vec::as_slice);
    for finding in findings {
        print_line(format!("  {}", finding.as_str().unwrap_or_default()))?;
    }
    if findings.is_empty() {
        print_line("the store is intact")?;
    }
    if doctor.is_null() {
        return print_line("the records cannot be loaded, so the data-quality checks were skipped");
    }
    doctor::print(doctor)
}

fn damaged(settings: &Settings, problems: usize) -> Failure {
    if settings.json {
        // The JSON result lists the problems already. An error object after it would be a second JSON document.
        return Failure::AlreadyPrinted;
    }
    let noun = if problems == 1 { "problem" } else { "problems" };
    Failure::Refused {
        message: format!(
            "the store has {problems} integrity {noun}, listed above; unless a line says what to do, restore a backup"
        ),
        members: json!({}),
    }
}
