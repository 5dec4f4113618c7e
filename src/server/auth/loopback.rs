//! Without tokens, whoever reaches the server may do everything. It listens on loopback alone then, but a page in a
//! browser on the same machine reaches that too: by a name of its own that leads there (DNS rebinding), or from its own
//! site. Both are told by what every browser says of a request.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, Uri, header};

use crate::server::connection::config::Origin;
use crate::server::response::problem::{Problem, Result};

/// Refuses what a page of another site may have sent.
pub(in crate::server) fn from_this_machine(request: &Request, welcome: &[Origin]) -> Result<()> {
    let host = host(request.uri(), request.headers());
    if !host.as_ref().is_some_and(is_loopback) {
        let detail = "this server has no tokens and answers to loopback names alone, such as http://127.0.0.1 or \
                      http://localhost";
        return Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail));
    }
    let mut origins = request.headers().get_all(header::ORIGIN).iter();
    let is_own = |origin: &axum::http::HeaderValue| {
        let own = origin.to_str().ok().and_then(|text| text.parse::<Uri>().ok());
        own.and_then(|uri| uri.authority().cloned()) == host
            || welcome.iter().any(|welcome| welcome.as_header() == origin)
    };
    if origins.all(is_own) {
        Ok(())
    } else {
        let detail =
            "this server has no tokens and takes nothing from pages of other sites; --cors-origin names some";
        Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail))
    }
}

/// The host that a request asks for, if it is just one.
fn host(uri: &Uri, headers: &HeaderMap) -> Option<Authority> {
    let mut given = headers.get_all(header::HOST).iter();
    match (uri.authority(), given.next(), given.next()) {
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
    !authority.as_str().contains('@')
        && (host.eq_ignore_ascii_case("localhost")
            || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    #[test]
    fn only_loopback_names_and_own_pages_get_in() {
        let welcome = ["http://localhost:3000".parse().unwrap()];
        for (host, origin, is_taken) in [
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
            assert_eq!(from_this_machine(&request, &welcome).is_ok(), is_taken, "{host:?} {origin:?}");
        }
    }

    #[test]
    fn a_host_said_twice_must_be_one() {
        let asked = |uri: &str, hosts: &[&str]| {
            let request = Request::builder().uri(uri);
            let request = hosts.iter().fold(request, |request, host| request.header("host", *host));
            from_this_machine(&request.body(Body::empty()).unwrap(), &[]).is_ok()
        };
        assert!(asked("http://localhost/x", &[]) && asked("http://localhost/x", &["localhost"]));
        assert!(!asked("http://localhost/x", &["evil.example"]) && !asked("/x", &["localhost", "localhost"]));
    }
}
