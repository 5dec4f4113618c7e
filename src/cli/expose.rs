//! How far `clade serve` stands in the open: its flags, and the same settings in the file.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Deserialize;

use crate::cli::{Failure, Result};
use crate::server::app::{Exposure, Origin, Tls};

/// Every setting of exposure, where it was made.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Expose {
    /// Whether to ask for a token [default: token]
    #[arg(long, env = "CLADE_AUTH", value_enum)]
    pub(super) auth: Option<Auth>,
    /// The certificate for HTTPS, PEM, with those that lead to its authority behind it
    #[arg(long, env = "CLADE_TLS_CERT", value_name = "FILE")]
    pub(super) tls_cert: Option<PathBuf>,
    /// The private key of that certificate, PEM
    #[arg(long, env = "CLADE_TLS_KEY", value_name = "FILE")]
    pub(super) tls_key: Option<PathBuf>,
    /// The sites whose pages may ask
    #[arg(
        long,
        env = "CLADE_CORS_ORIGIN",
        value_name = "ORIGIN",
        value_delimiter = ',',
        help = "A site whose pages may ask, such as https://dash.example; repeat it for more [default: none]"
    )]
    pub(super) cors_origin: Vec<String>,
    /// How many requests a token may send a second; 0 for any number [default: 1000]
    #[arg(long, env = "CLADE_RATE_LIMIT", value_name = "REQUESTS")]
    pub(super) rate_limit: Option<u32>,
    /// How many requests are worked on at once, and half of them of one token; more are told to come back
    /// [default: 1024]
    #[arg(long, env = "CLADE_REQUESTS_AT_ONCE", value_name = "REQUESTS")]
    pub(super) requests_at_once: Option<NonZeroUsize>,
    /// How many connections one address may have open [default: 1024]
    #[arg(long, env = "CLADE_CONNECTIONS_PER_PEER", value_name = "CONNECTIONS")]
    pub(super) connections_per_peer: Option<NonZeroUsize>,
}

/// Who may ask.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Auth {
    /// Holders of a token
    #[default]
    Token,
    /// Whoever reaches the server, which then listens on loopback alone
    None,
}

impl Expose {
    /// These, and where they say nothing, `others`.
    pub(super) fn or(self, others: Self) -> Self {
        let keeps_certificate = self.tls_cert.is_some() || self.tls_key.is_some();
        let (tls_cert, tls_key) =
            if keeps_certificate { (self.tls_cert, self.tls_key) } else { (others.tls_cert, others.tls_key) };
        Self {
            auth: self.auth.or(others.auth),
            tls_cert,
            tls_key,
            cors_origin: if self.cors_origin.is_empty() { others.cors_origin } else { self.cors_origin },
            rate_limit: self.rate_limit.or(others.rate_limit),
            requests_at_once: self.requests_at_once.or(others.requests_at_once),
            connections_per_peer: self.connections_per_peer.or(others.connections_per_peer),
        }
    }

    /// Whether no token is asked for. Only where no other machine reaches the server.
    pub(super) fn is_open(&self, address: SocketAddr) -> Result<bool> {
        match self.auth.unwrap_or_default() {
            Auth::Token => Ok(false),
            Auth::None if address.ip().is_loopback() => Ok(true),
            Auth::None => Err(Failure::Usage(format!(
                "--auth none lets whoever reaches the server do everything, so it may listen on loopback alone, and {} \
                 is none; listen on 127.0.0.1, or leave --auth none out",
                address.ip()
            ))),
        }
    }

    /// As the server takes them.
    pub(super) fn exposure(self) -> Result<Exposure> {
        let usual = Exposure::default();
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
                .map_err(|why| Failure::Usage(format!("--cors-origin {text:?} is none: {why}")))
        };
        Ok(Exposure {
            requests_a_second: self.rate_limit.unwrap_or(usual.requests_a_second),
            requests_at_once: self.requests_at_once.map_or(usual.requests_at_once, NonZeroUsize::get),
            connections_a_peer: self.connections_per_peer.map_or(usual.connections_a_peer, NonZeroUsize::get),
            cors_origins: self
                .cors_origin
                .iter()
                .filter(|text| !text.is_empty())
                .map(origin)
                .collect::<Result<_>>()?,
            tls,
            patience: usual.patience,
        })
    }
}
