//! Network exposure of `clade serve`: authentication, TLS, CORS, rate and connection limits, as flags and settings.
//!
//! Invariant: without authentication the server listens on a loopback address only.

use std::net::{IpAddr, SocketAddr};
use std::num::{NonZeroU32, NonZeroUsize, ParseIntError};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::cli::{Failure, Result};
use crate::server::app::{Exposure, IpNet, Origin, Tls};

/// The network exposure settings.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Network")]
pub(super) struct Expose {
    /// How requests are authenticated
    #[arg(long, env = "CLADE_AUTH", value_enum, default_value_t)]
    auth: Auth,
    /// The TLS certificate for HTTPS (PEM), followed by its intermediate certificates
    #[arg(long, env = "CLADE_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The private key of the TLS certificate (PEM)
    #[arg(long, env = "CLADE_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Origins that CORS allows
    #[arg(
        long,
        env = "CLADE_CORS_ORIGIN",
        value_name = "ORIGIN",
        value_delimiter = ',',
        help = "Allow cross-origin requests (CORS) from an origin, such as https://dash.example; can be repeated"
    )]
    cors_origin: Vec<String>,
    /// Rate limit: maximum requests per second and token; 0 for no limit
    #[arg(
        long,
        env = "CLADE_RATE_LIMIT",
        value_name = "REQUESTS",
        default_value_t = Exposure::default().requests_per_second
    )]
    rate_limit: u32,
    /// Maximum number of concurrent requests, at most half of them with the same token; further requests are refused
    /// with a Retry-After header
    #[arg(
        long,
        env = "CLADE_REQUESTS_AT_ONCE",
        value_name = "REQUESTS",
        value_parser = at_least_one,
        default_value_t = Exposure::default().requests_at_once
    )]
    requests_at_once: usize,
    /// Maximum number of open connections per client address
    #[arg(
        long,
        env = "CLADE_CONNECTIONS_PER_PEER",
        value_name = "CONNECTIONS",
        value_parser = at_least_one,
        default_value_t = Exposure::default().connections_per_peer
    )]
    connections_per_peer: usize,
    /// Rate limit: maximum attempts to authenticate per second and client address, new WebSockets included
    #[arg(
        long,
        env = "CLADE_UNAUTHENTICATED_RATE",
        value_name = "REQUESTS",
        default_value_t = Exposure::default().unauthenticated_per_second
    )]
    unauthenticated_rate: NonZeroU32,
    /// Proxies whose forwarding headers are believed
    #[arg(
        long,
        env = "CLADE_TRUSTED_PROXY",
        value_name = "CIDR",
        value_delimiter = ',',
        help = "Take the client's address from Forwarded or X-Forwarded-For if a request comes from this network, such as \
                10.0.0.0/8, or address; can be repeated"
    )]
    trusted_proxy: Vec<String>,
}

/// Parses a number that must not be zero.
pub(super) fn at_least_one(text: &str) -> std::result::Result<usize, ParseIntError> {
    text.parse().map(NonZeroUsize::get)
}

/// How requests are authenticated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Auth {
    /// Every request needs a token
    #[default]
    Token,
    /// No authentication: everyone who can connect may do everything; allowed on a loopback address only
    None,
}

impl Expose {
    /// Whether the server needs no authentication.
    ///
    /// `address` is the one that the listener has bound, so that a host name such as `localhost` is resolved.
    ///
    /// # Errors
    /// Wrong usage if authentication is off and `address` can be reached from other machines.
    pub(super) fn is_open(&self, address: SocketAddr) -> Result<bool> {
        match self.auth {
            Auth::Token => Ok(false),
            Auth::None if address.ip().is_loopback() => Ok(true),
            Auth::None => Err(Failure::Usage(format!(
                "--auth none gives full access to everyone who can connect, so it is allowed on loopback addresses only, \
                 and {} is not one; use --listen 127.0.0.1:7171, or remove --auth none",
                address.ip()
            ))),
        }
    }

    /// The settings in the form that the server takes, with its defaults for what is not set.
    ///
    /// # Errors
    /// Wrong usage if certificate or key are missing or unreadable, or an origin or network is malformed.
    pub(super) fn exposure(self) -> Result<Exposure> {
        let defaults = Exposure::default();
        let tls = match (self.tls_cert, self.tls_key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => {
                Some(Tls::read(&certificate, &key).map_err(|why| Failure::Usage(why.to_string()))?)
            }
            _ => {
                let both = "HTTPS needs both a certificate and its key: --tls-cert and --tls-key";
                return Err(Failure::Usage(both.to_owned()));
            }
        };
        let origin = |text: &String| {
            text.trim()
                .parse::<Origin>()
                .map_err(|why| Failure::Usage(format!("--cors-origin {text:?} is not an origin: {why}")))
        };
        let network = |text: &String| {
            // A single address is a network of one.
            let text = text.trim();
            text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).map_err(|_| {
                Failure::Usage(format!(
                    "--trusted-proxy {text:?} is not a network; use one such as 10.0.0.0/8 or fd00::/8, or an address"
                ))
            })
        };
        Ok(Exposure {
            unauthenticated_per_second: self.unauthenticated_rate,
            trusted_proxies: self
                .trusted_proxy
                .iter()
                // As for origins.
                .filter(|text| !text.is_empty())
                .map(network)
                .collect::<Result<_>>()?,
            requests_per_second: self.rate_limit,
            requests_at_once: self.requests_at_once,
            connections_per_peer: self.connections_per_peer,
            cors_origins: self
                .cors_origin
                .iter()
                // `--cors-origin ""` allows none, which overrides the origins of the settings file.
                .filter(|text| !text.is_empty())
                .map(origin)
                .collect::<Result<_>>()?,
            tls,
            timeouts: defaults.timeouts,
        })
    }
}
