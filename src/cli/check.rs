//! `clade check`: store against graph against rules.

use clap::Args;
use serde_json::json;
use ureq::SendBody;

use crate::cli::settings::Settings;
use crate::cli::target::Target;
use crate::cli::{Failure, Result, say, say_json};
use crate::server::rest::CheckAnswer;

#[derive(Debug, Args)]
pub(super) struct Check {}

impl Check {
    #[expect(clippy::unused_self, reason = "every command is run the same way")]
    pub(super) fn run(self, settings: &Settings) -> Result {
        let checked = match Target::existing(settings)? {
            Target::Store(directory) => json!(CheckAnswer::from(directory.check()?)),
            Target::Server(client) => {
                client.post("/api/v2/data/check", "application/json", SendBody::none())?
            }
        };
        let findings = checked["findings"].as_array().cloned().unwrap_or_default();
        if settings.json {
            say_json(&checked)?;
        } else {
            let count = |name: &str| checked[name].as_u64().unwrap_or_default();
            say(format!(
                "examined revision {}: {} facts in the log; {} entities, {} mappings and {} tokens, ended ones included",
                count("revision"),
                count("changes"),
                count("entities"),
                count("mappings"),
                count("tokens"),
            ))?;
            for finding in &findings {
                say(format!("  {}", finding.as_str().unwrap_or_default()))?;
            }
        }
        match findings.len() {
            0 if settings.json => Ok(()),
            0 => say("nothing is wrong"),
            found => Err(told(settings, found)),
        }
    }
}

fn told(settings: &Settings, found: usize) -> Failure {
    if settings.json {
        return Failure::Silent;
    }
    let things = if found == 1 { "thing is" } else { "things are" };
    Failure::Refused {
        message: format!("{found} {things} wrong; restore a backup, or report it"),
        facts: json!({}),
    }
}
