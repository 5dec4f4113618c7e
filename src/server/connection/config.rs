//! Configuration of an exposed server: rate limits, quotas, connections, CORS origins, TLS, and timeouts.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use axum::http::{HeaderValue, Uri};
use ipnet::IpNet;

use crate::server::connection::tls::Tls;
use crate::server::limits::{
    CONNECTIONS_PER_PEER, HEADER_READ_TIMEOUT, REQUESTS_AT_ONCE, REQUESTS_PER_SECOND, STALL_TIMEOUT,
    UNAUTHENTICATED_REQUESTS_PER_SECOND,
};

/// The settings of an exposed server. The defaults suit a server behind a proxy or in a private network.
///
/// ```
/// use clade::server::Exposure;
///
/// let exposure = Exposure { cors_origins: vec!["https://dash.corp.example".parse()?], ..Exposure::default() };
/// assert_eq!(exposure.cors_origins[0].as_header(), "https://dash.corp.example");
/// assert!(exposure.tls.is_none(), "plain HTTP is the default");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Exposure {
    /// Maximum requests per second of one token; 0 for no limit. More are refused with 429.
    pub requests_per_second: u32,
    /// Maximum requests in flight; one token may have half of them. More are refused with 503 and `Retry-After`.
    pub requests_at_once: usize,
    /// Maximum open connections of one address. More are closed at once, without a response.
    pub connections_per_peer: usize,
    /// Maximum attempts to authenticate per second of one address, new WebSockets included. More are refused with 429.
    pub unauthenticated_per_second: NonZeroU32,
    /// Proxies whose `Forwarded` and `X-Forwarded-For` headers say which address a request came from. None by default.
    pub trusted_proxies: Vec<IpNet>,
    /// The origins whose pages may use the API (CORS). None by default.
    pub cors_origins: Vec<Origin>,
    /// The certificate and key for HTTPS; `None` is plain HTTP.
    pub tls: Option<Tls>,
    /// The timeouts for slow clients.
    pub timeouts: ConnectionTimeouts,
}

/// Timeouts for slow clients.
///
/// ```
/// use std::time::Duration;
///
/// use clade::server::app::{ConnectionTimeouts, Exposure};
/// use clade::server::limits::HEADER_READ_TIMEOUT;
///
/// let defaults = Exposure::default();
/// let timeouts = ConnectionTimeouts { stalled: Duration::from_secs(10), ..defaults.timeouts };
/// let exposure = Exposure { timeouts, ..defaults };
/// assert_eq!(exposure.timeouts.headers, HEADER_READ_TIMEOUT, "the other keeps its default");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct ConnectionTimeouts {
    /// Maximum time for the TLS handshake, and for the headers of each request.
    pub headers: Duration,
    /// Idle timeout: maximum time without a new request, and without progress of a response.
    pub stalled: Duration,
}

impl Default for Exposure {
    fn default() -> Self {
        Self {
            requests_per_second: REQUESTS_PER_SECOND,
            requests_at_once: REQUESTS_AT_ONCE,
            connections_per_peer: CONNECTIONS_PER_PEER,
            unauthenticated_per_second: UNAUTHENTICATED_REQUESTS_PER_SECOND,
            trusted_proxies: Vec::new(),
            cors_origins: Vec::new(),
            tls: None,
            timeouts: ConnectionTimeouts { headers: HEADER_READ_TIMEOUT, stalled: STALL_TIMEOUT },
        }
    }
}

/// An origin as browsers send it: `https://dash.corp.example`, with a port if it is not the scheme's default.
///
/// ```
/// use clade::server::app::Origin;
///
/// let origin: Origin = "HTTPS://Dash.Corp.Example/".parse()?;
/// assert_eq!(origin.as_header(), "https://dash.corp.example");
/// assert!("*".parse::<Origin>().is_err(), "each origin has to be named");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(HeaderValue);

/// The error for a text that is not a valid [`Origin`].
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
        // With or without a slash at the end, which browsers leave out of the header.
        let uri: Uri = text.trim_end_matches('/').parse().map_err(|_| NoOrigin)?;
        let (Some(scheme @ ("http" | "https")), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(NoOrigin);
        };
        let rest = uri.path_and_query().map_or("", |rest| rest.as_str());
        // Wildcards are refused, not ignored: they would look accepted, and then match no request.
        if !matches!(rest, "" | "/") || authority.as_str().contains(['@', '*']) {
            return Err(NoOrigin);
        }
        // Browsers send origins in lower case, and they are compared byte by byte.
        let written = format!("{scheme}://{authority}").to_ascii_lowercase();
        HeaderValue::from_str(&written).map(Self).map_err(|_| NoOrigin)
    }
}

impl Origin {
    /// The value of the `Origin` header.
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
