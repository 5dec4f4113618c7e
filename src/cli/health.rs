//! `clade health`: whether a server can serve, for supervisors of containers that bring no other client. It needs no
//! token.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use clap::Args;
use serde_json::Value;

use crate::cli::client::Client;
use crate::cli::settings::{Settings, variable};
use crate::cli::{Failure, Result, say, say_json};

#[derive(Debug, Args)]
pub(super) struct HealthArgs {}

impl HealthArgs {
    #[expect(clippy::unused_self, reason = "every command is run so")]
    pub(super) fn run(self, settings: &Settings) -> Result {
        if settings.is_data_flagged {
            return Err(Failure::Usage("health asks a server; name it with --server".to_owned()));
        }
        let client = match &settings.server {
            Some(url) => Client::probing(url),
            None => Client::probing_this_machine(&here(settings)),
        };
        let answer: Value = serde_json::from_reader(client.get("/readyz")?)
            .map_err(|why| Failure::refused(format!("what answers there is no Clade: {why}")))?;
        if settings.json { say_json(&answer) } else { say(answer["status"].as_str().unwrap_or("?")) }
    }
}

/// Where `clade serve` with the same settings listens. What listens on every address is asked on loopback.
fn here(settings: &Settings) -> String {
    let listen = settings.listen(variable("CLADE_LISTEN").and_then(|text| text.into_string().ok()));
    let address = listen.parse::<SocketAddr>().map(|address| match address.ip() {
        ip if !ip.is_unspecified() => address,
        IpAddr::V4(_) => SocketAddr::from((Ipv4Addr::LOCALHOST, address.port())),
        IpAddr::V6(_) => SocketAddr::from((Ipv6Addr::LOCALHOST, address.port())),
    });
    let scheme = if settings.serves_https() { "https" } else { "http" };
    format!("{scheme}://{}", address.map_or(listen, |address| address.to_string()))
}
