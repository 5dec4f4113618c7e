//! `clade health`: health check of a running server by its readiness endpoint. It needs no token.
//!
//! Meant for supervisors of containers whose image contains no other HTTP client.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use clap::Args;
use serde_json::Value;

use crate::cli::client::Client;
use crate::cli::settings::Settings;
use crate::cli::{Failure, Result, print_json, print_line};

#[derive(Debug, Args)]
pub(super) struct HealthArgs {}

impl HealthArgs {
    #[expect(clippy::unused_self, reason = "every command is run so")]
    pub(super) fn run(self, settings: &Settings) -> Result {
        if settings.is_data_flagged {
            return Err(Failure::Usage(
                "health checks a running server, not a store; use --server URL instead of --data".to_owned(),
            ));
        }
        let client = match &settings.server {
            Some(url) => Client::probing(url),
            None => Client::probing_this_machine(&local_url(settings)),
        };
        // A server that is not ready responds with 503, which `get` turns into a failure and exit code 1.
        let response: Value = serde_json::from_reader(client.get("/readyz")?)
            .map_err(|why| Failure::refused(format!("the server there is not Clade: {why}")))?;
        if settings.json {
            print_json(&response)
        } else {
            print_line(response["status"].as_str().unwrap_or("?"))
        }
    }
}

/// The URL on which `clade serve` listens when it runs on this machine with the same settings.
fn local_url(settings: &Settings) -> String {
    let listen = settings.listen.clone();
    // 0.0.0.0 and [::] mean "all interfaces" to a listener and are no valid destination everywhere, so the loopback
    // address of the same family is used.
    let address = listen.parse::<SocketAddr>().map(|address| match address.ip() {
        ip if !ip.is_unspecified() => address,
        IpAddr::V4(_) => SocketAddr::from((Ipv4Addr::LOCALHOST, address.port())),
        IpAddr::V6(_) => SocketAddr::from((Ipv6Addr::LOCALHOST, address.port())),
    });
    format!("{}://{}", settings.scheme, address.map_or(listen, |address| address.to_string()))
}
