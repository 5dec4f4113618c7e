//! The `Origin` check of WebSockets: protection against cross-site WebSocket hijacking.
//!
//! Invariant: a browser page of another origin cannot open a socket, unless the operator lists its origin. The
//! same-origin policy does not cover WebSockets: browsers let every page connect, and send credentials, but name the
//! page's origin.

use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Uri, header};

/// Whether the request's origin is this server's own, or in `allowed`. True without `Origin`: only browsers send it.
pub(in crate::server) fn is_allowed_origin(headers: &HeaderMap, allowed: &[HeaderValue]) -> bool {
    // Two `Host` headers are ambiguous: a proxy may have checked the other one.
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => Authority::try_from(host.as_bytes()).ok(),
        _ => None,
    };
    headers
        .get_all(header::ORIGIN)
        .iter()
        .all(|origin| allowed.contains(origin) || host.as_ref().is_some_and(|host| is_at(origin, host)))
}

fn is_at(origin: &HeaderValue, host: &Authority) -> bool {
    let Some(uri) = origin.to_str().ok().and_then(|text| text.parse::<Uri>().ok()) else { return false };
    // Compared with the port, and without the scheme: behind a proxy that terminates TLS, this server does not know its
    // own scheme. An absent port is the default port of the scheme.
    let default_port = match uri.scheme_str() {
        Some("http") => 80,
        Some("https") => 443,
        _ => return false,
    };
    let port = |authority: &Authority| authority.port_u16().unwrap_or(default_port);
    uri.authority().is_some_and(|own| own.host().eq_ignore_ascii_case(host.host()) && port(own) == port(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_the_same_host_or_allowed() {
        let allowed = [HeaderValue::from_static("https://dash.example")];
        for (host, origin, expected) in [
            ("clade.example", None, true),
            ("clade.example", Some("https://clade.example"), true),
            ("Clade.example:443", Some("https://clade.example"), true),
            ("clade.example:80", Some("http://clade.example"), true),
            ("clade.example", Some("https://dash.example"), true),
            ("[::1]:7171", Some("http://[::1]:7171"), true),
            ("127.0.0.1:7171", Some("http://127.0.0.1:7171"), true),
            ("127.0.0.1:7171", Some("http://127.0.0.1:7172"), false),
            ("127.0.0.1:7171", Some("http://localhost:7171"), false),
            ("clade.example:443", Some("http://clade.example"), false),
            ("clade.example", Some("http://dash.example"), false),
            ("clade.example", Some("https://clade.example.evil.example"), false),
            ("clade.example", Some("https://evil.example"), false),
            ("clade.example", Some("chrome-extension://clade.example"), false),
            ("clade.example", Some("null"), false),
            ("clade.example", Some(""), false),
            ("", Some("https://clade.example"), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            assert_eq!(is_allowed_origin(&headers, &allowed), expected, "{host:?} {origin:?}");
        }
        let mut two = HeaderMap::new();
        two.append(header::HOST, HeaderValue::from_static("a.example"));
        two.append(header::ORIGIN, HeaderValue::from_static("http://a.example"));
        two.append(header::ORIGIN, HeaderValue::from_static("http://b.example"));
        assert!(!is_allowed_origin(&two, &allowed), "each origin counts");
        two.remove(header::HOST);
        assert!(!is_allowed_origin(&two, &allowed));
    }
}
