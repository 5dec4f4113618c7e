//! `clade health`: whether a server can serve, for supervisors of containers that bring no other client. It needs no token.

use clap::Args;
use serde_json::Value;

use crate::cli::client::Client;
use crate::cli::settings::Settings;
use crate::cli::{Failure, Result, say, say_json};

/// Where `clade serve` listens unless told otherwise.
const SERVER: &str = "http://127.0.0.1:7171";

#[derive(Debug, Args)]
pub(super) struct Health {}

impl Health {
    #[expect(clippy::unused_self, reason = "every command is run so")]
    pub(super) fn run(self, settings: &Settings) -> Result {
        if settings.is_data_flagged {
            return Err(Failure::Usage("health asks a server; name it with --server".to_owned()));
        }
        let client = Client::without_token(settings.server.as_deref().unwrap_or(SERVER));
        let answer: Value = serde_json::from_reader(client.get("/readyz")?)
            .map_err(|why| Failure::refused(format!("what answers there is no Clade: {why}")))?;
        if settings.json { say_json(&answer) } else { say(answer["status"].as_str().unwrap_or("?")) }
    }
}
