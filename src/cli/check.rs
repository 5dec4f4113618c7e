//! `clade check`: store against graph against rules, and what the doctor says of the data.

use clap::Args;
use serde_json::{Value, json};
use ureq::SendBody;

use crate::cli::client::Client;
use crate::cli::doctor::{self, EXAMPLES};
use crate::cli::settings::Settings;
use crate::cli::{Failure, Result, say, say_json};
use crate::directory::Directory;
use crate::wire::check::CheckAnswer;
use crate::wire::finding::DoctorAnswer;

#[derive(Debug, Args)]
#[command(
    after_help = "The exit code is 0 where the store is whole, whatever the doctor finds about its data: names that \
                  come twice, people and projects in no unit, unknown owners and the like are for you to judge. \
                  With --json all of them are written."
)]
pub(super) struct CheckArgs {
    /// List everything that the doctor finds, not just some examples
    #[arg(long)]
    all: bool,
}

impl CheckArgs {
    pub(super) fn run(self, settings: &Settings) -> Result {
        let is_whole = self.all || settings.json;
        let (mut checked, told) = match &settings.server {
            None => {
                let (checked, directory) = Directory::examine(settings.data())?;
                let most = if is_whole { usize::MAX } else { EXAMPLES };
                let told =
                    directory.map(|directory| json!(DoctorAnswer::with_examples(&directory.view(), most)));
                (json!(CheckAnswer::from(checked)), told.unwrap_or_default())
            }
            Some(server) => {
                let client = Client::new(server)?;
                let checked = client.post("/api/v2/data/check", "application/json", SendBody::none())?;
                (checked, doctor::ask(&client, is_whole)?)
            }
        };
        let wrong = checked["findings"].as_array().map_or(0, Vec::len);
        let shown = if settings.json {
            checked["doctor"] = told;
            say_json(&checked)
        } else {
            show(&checked, &told)
        };
        match shown {
            // Whoever has read enough is still owed the exit code.
            Ok(()) | Err(Failure::Gone) if wrong > 0 => Err(told_wrong(settings, wrong)),
            other => other,
        }
    }
}

fn show(checked: &Value, doctor: &Value) -> Result {
    let count = |name: &str| checked[name].as_u64().unwrap_or_default();
    say(format!(
        "examined revision {}: {} facts in the log; {} entities, {} mappings and {} tokens, ended ones included",
        count("revision"),
        count("changes"),
        count("entities"),
        count("mappings"),
        count("tokens"),
    ))?;
    let findings = checked["findings"].as_array().map_or(&[][..], Vec::as_slice);
    for finding in findings {
        say(format!("  {}", finding.as_str().unwrap_or_default()))?;
    }
    if findings.is_empty() {
        say("nothing is wrong")?;
    }
    if doctor.is_null() {
        return say("the records cannot be loaded, so the doctor has seen none");
    }
    doctor::show(doctor)
}

fn told_wrong(settings: &Settings, found: usize) -> Failure {
    if settings.json {
        return Failure::Silent;
    }
    let things = if found == 1 { "thing is" } else { "things are" };
    Failure::Refused {
        message: format!("{found} {things} wrong, as told above; where that says no more, restore a backup"),
        facts: json!({}),
    }
}
