//! Protection of a server without tokens (`--auth none`) from pages in a browser: checks of `Host` and `Origin` against
//! DNS rebinding and cross-site requests.
//!
//! Such a server listens on loopback alone, and every client has all rights. A page in a browser on the same machine
//! can reach it too, under a host name of its own that resolves to loopback, or from its own site. Browsers name both
//! in headers that a page cannot change.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, Uri, header};

use crate::server::connection::config::Origin;
use crate::server::response::problem::{Problem, Result};

/// Refuses requests that a page of another site may have sent; pages of `allowed` origins may.
///
/// # Errors
/// 403 `forbidden`.
pub(in crate::server) fn require_local(request: &Request, allowed: &[Origin]) -> Result<()> {
    let host = host(request.uri(), request.headers());
    if !host.as_ref().is_some_and(is_loopback) {
        let detail = "this server runs without tokens and only accepts loopback hosts, such as http://127.0.0.1 or \
                      http://localhost";
        return Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail));
    }
    // Requests without `Origin` pass: clients other than browsers send none. Browsers leave it out of a GET alone whose
    // response the page may not read.
    let mut origins = request.headers().get_all(header::ORIGIN).iter();
    let is_own = |origin: &axum::http::HeaderValue| {
        let own = origin.to_str().ok().and_then(|text| text.parse::<Uri>().ok());
        own.and_then(|uri| uri.authority().cloned()) == host
            || allowed.iter().any(|allowed| allowed.as_header() == origin)
    };
    if origins.all(is_own) {
        Ok(())
    } else {
        let detail =
            "this server runs without tokens and refuses pages of other sites; --cors-origin allows one";
        Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail))
    }
}

/// The host of a request; `None` if there is none, or the url and the header name different ones.
fn host(uri: &Uri, headers: &HeaderMap) -> Option<Authority> {
    let mut sent = headers.get_all(header::HOST).iter();
    // HTTP/2 and absolute-form requests have it in the url, others in the header.
    match (uri.authority(), sent.next(), sent.next()) {
        (Some(authority), None, None) => Some(authority.clone()),
        (None, Some(host), None) => Authority::try_from(host.as_bytes()).ok(),
        (Some(authority), Some(host), None) if authority.as_str().as_bytes() == host.as_bytes() => {
            Some(authority.clone())
        }
        _ => None,
    }
}

fn is_loopback(authority: &Authority) -> bool {
    let host = authority.host();
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    // `localhost@evil.example` and its like: with user information, what is read as the host depends on the parser.
    !authority.as_str().contains('@')
        && (host.eq_ignore_ascii_case("localhost")
            || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    #[test]
    fn only_loopback_hosts_and_own_origins_are_accepted() {
        let allowed = ["http://localhost:3000".parse().unwrap()];
        for (host, origin, is_accepted) in [
            (Some("127.0.0.1:7171"), None, true),
            (Some("127.8.9.10"), None, true),
            (Some("[::1]:7171"), None, true),
            (Some("LocalHost:7171"), None, true),
            (Some("localhost:7171"), Some("http://localhost:7171"), true),
            (Some("localhost:7171"), Some("http://localhost:3000"), true),
            (Some("localhost:7171"), Some("http://localhost:4000"), false),
            (Some("localhost:7171"), Some("https://evil.example"), false),
            (Some("localhost:7171"), Some("null"), false),
            (Some("evil.example:7171"), None, false),
            (Some("localhost.evil.example"), None, false),
            (Some("127.0.0.1.evil.example"), None, false),
            (Some("127.0.0.1@evil.example"), None, false),
            (Some("localhost@localhost"), None, false),
            (Some("10.0.0.1"), None, false),
            (Some("0.0.0.0:7171"), None, false),
            (Some(""), None, false),
            (None, None, false),
        ] {
            let mut request = Request::builder().uri("/api/v2/data/people");
            for (name, value) in [("host", host), ("origin", origin)] {
                if let Some(value) = value {
                    request = request.header(name, value);
                }
            }
            let request = request.body(Body::empty()).unwrap();
            assert_eq!(require_local(&request, &allowed).is_ok(), is_accepted, "{host:?} {origin:?}");
        }
    }

    #[test]
    fn url_and_header_must_name_the_same_host() {
        let accepts = |uri: &str, hosts: &[&str]| {
            let request = Request::builder().uri(uri);
            let request = hosts.iter().fold(request, |request, host| request.header("host", *host));
            require_local(&request.body(Body::empty()).unwrap(), &[]).is_ok()
        };
        assert!(accepts("http://localhost/x", &[]) && accepts("http://localhost/x", &["localhost"]));
        assert!(
            !accepts("http://localhost/x", &["evil.example"]) && !accepts("/x", &["localhost", "localhost"])
        );
    }
}
