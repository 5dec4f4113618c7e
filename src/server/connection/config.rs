//! How far a server stands in the open: what it takes from one client, and from all of them at once.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use axum::http::{HeaderValue, Uri};

use crate::server::connection::tls::Tls;
use crate::server::limits::{
    CONNECTIONS_PER_PEER, HEADER_READ_TIMEOUT, REQUESTS_PER_SECOND, REQUESTS_AT_ONCE, STALL_TIMEOUT,
};

/// The settings of a server in the open. The default ones suit a server that a proxy or a network keeps from the world.
#[derive(Debug, Clone)]
pub struct Exposure {
    /// How many requests a token may send a second; 0 for any number.
    pub requests_a_second: u32,
    /// How many requests are worked on at once, and half of them of one token; more are told to come back.
    pub requests_at_once: usize,
    /// How many connections one address may have open; more are closed at once.
    pub connections_a_peer: usize,
    /// The pages of which other sites may ask.
    pub cors_origins: Vec<Origin>,
    /// The certificate, for HTTPS.
    pub tls: Option<Tls>,
    /// How long slow clients are borne.
    pub patience: ConnectionTimeouts,
}

/// How long slow clients are borne.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionTimeouts {
    /// Until the TLS handshake is done, and until the headers of each request are there.
    pub headers: Duration,
    /// While nothing moves on a connection: no new request, and nothing of an answer taken.
    pub stalled: Duration,
}

impl Default for Exposure {
    fn default() -> Self {
        Self {
            requests_a_second: REQUESTS_PER_SECOND,
            requests_at_once: REQUESTS_AT_ONCE,
            connections_a_peer: CONNECTIONS_PER_PEER,
            cors_origins: Vec::new(),
            tls: None,
            patience: ConnectionTimeouts { headers: HEADER_READ_TIMEOUT, stalled: STALL_TIMEOUT },
        }
    }
}

/// A site as browsers name it: `https://dash.corp.example`, with its port where that is not the usual one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(HeaderValue);

/// Why a text is no [`Origin`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoOrigin;

impl fmt::Display for NoOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "an origin is a scheme and a host as a browser writes them, such as https://dash.example or \
             http://localhost:3000, without a path; name each one",
        )
    }
}

impl std::error::Error for NoOrigin {}

impl FromStr for Origin {
    type Err = NoOrigin;

    fn from_str(text: &str) -> Result<Self, NoOrigin> {
        let uri: Uri = text.trim_end_matches('/').parse().map_err(|_| NoOrigin)?;
        let (Some(scheme @ ("http" | "https")), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(NoOrigin);
        };
        let rest = uri.path_and_query().map_or("", |rest| rest.as_str());
        if !matches!(rest, "" | "/") || authority.as_str().contains(['@', '*']) {
            return Err(NoOrigin);
        }
        let written = format!("{scheme}://{authority}").to_ascii_lowercase();
        HeaderValue::from_str(&written).map(Self).map_err(|_| NoOrigin)
    }
}

impl Origin {
    /// As the header `Origin` has it.
    #[must_use]
    pub fn as_header(&self) -> &HeaderValue {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_and_a_host() {
        for (text, written) in [
            ("https://dash.example", Some("https://dash.example")),
            ("http://localhost:3000/", Some("http://localhost:3000")),
            ("HTTPS://Dash.Example", Some("https://dash.example")),
            ("http://[::1]:80", Some("http://[::1]:80")),
            ("*", None),
            ("null", None),
            ("https://*.example", None),
            ("dash.example", None),
            ("https://dash.example/path", None),
            ("https://dash.example?x=1", None),
            ("https://ada@dash.example", None),
            ("ftp://dash.example", None),
            ("", None),
        ] {
            let origin = text.parse::<Origin>().ok();
            assert_eq!(origin.as_ref().map(|origin| origin.as_header().to_str().unwrap()), written, "{text}");
        }
    }
}
