//! The address of a client behind trusted proxies: `Forwarded` (RFC 7239) and `X-Forwarded-For`.
//!
//! Invariant: the headers of a peer that is no trusted proxy are never believed, and neither is what stands to the left of
//! an untrusted address: its client wrote it.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName, header};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The client of a request that came from `peer`: the rightmost address in the header that is no trusted proxy, or the
/// leftmost one if all are. `peer` itself if that is no trusted proxy, or the headers are missing, malformed or
/// contradict each other.
pub(super) fn client(headers: &HeaderMap, peer: IpAddr, trusted: &[IpNet]) -> IpAddr {
    // On a dual-stack listener, IPv4 peers have addresses such as ::ffff:10.0.0.1.
    let peer = peer.to_canonical();
    if !is_trusted(peer, trusted) {
        return peer;
    }
    let standard = values(headers, &header::FORWARDED, forwarded_for);
    let common = values(headers, &X_FORWARDED_FOR, address);
    let found = match (standard, common) {
        (None, None) => None,
        (Some(chain), None) | (None, Some(chain)) => rightmost(chain, trusted),
        // A proxy sets one of them and may pass on the other, which its client can set to anything.
        (Some(standard), Some(common)) => {
            let found = rightmost(standard, trusted);
            found.filter(|found| rightmost(common, trusted) == Some(*found))
        }
    };
    found.unwrap_or(peer)
}

fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&address))
}

/// The elements of all headers of this name, from left to right, each an address or `None` if it has none; `None`
/// without such a header.
fn values(
    headers: &HeaderMap,
    name: &HeaderName,
    parse: impl Fn(&str) -> Option<IpAddr>,
) -> Option<Vec<Option<IpAddr>>> {
    let mut lines = headers.get_all(name).iter().peekable();
    lines.peek()?;
    Some(
        lines
            .flat_map(|line| line.to_str().unwrap_or_default().split(',').map(&parse).collect::<Vec<_>>())
            .collect(),
    )
}

fn rightmost(chain: Vec<Option<IpAddr>>, trusted: &[IpNet]) -> Option<IpAddr> {
    let mut leftmost = None;
    for address in chain.into_iter().rev() {
        // A malformed or hidden address ends the chain that can be followed.
        let address = address?;
        if !is_trusted(address, trusted) {
            return Some(address);
        }
        leftmost = Some(address);
    }
    leftmost
}

/// The address in the parameter `for` of one element of `Forwarded`.
// No quoted text may contain a comma or semicolon here: only addresses are wanted, which have none.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let parameter = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| value.trim().trim_matches('"').to_owned())
    };
    address(&element.split(';').find_map(parameter)?)
}

/// An IP address, with or without a port; an IPv6 address may be in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let parsed = bare.parse().ok().or_else(|| text.parse().ok().map(|socket: SocketAddr| socket.ip()));
    parsed.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rightmost_untrusted_address_is_the_client() {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        for (peer, headers, expected) in [
            ("10.0.0.1", &[("x-forwarded-for", "192.0.2.7")][..], "192.0.2.7"),
            ("::ffff:10.0.0.1", &[("x-forwarded-for", "192.0.2.7")], "192.0.2.7"),
            ("192.0.2.1", &[("x-forwarded-for", "192.0.2.7")], "192.0.2.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &[("x-forwarded-for", "6.6.6.6, 192.0.2.7 ,10.0.0.9")], "192.0.2.7"),
            ("10.0.0.1", &[("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "192.0.2.7")], "192.0.2.7"),
            ("10.0.0.1", &[("x-forwarded-for", "10.0.0.8, 10.0.0.9")], "10.0.0.8"),
            ("10.0.0.1", &[("x-forwarded-for", "192.0.2.7, unknown")], "10.0.0.1"),
            ("10.0.0.1", &[("x-forwarded-for", "192.0.2.7:4711")], "192.0.2.7"),
            ("fd00::1", &[("x-forwarded-for", "[2001:db8::7]:4711")], "2001:db8::7"),
            ("10.0.0.1", &[("x-forwarded-for", "")], "10.0.0.1"),
            ("10.0.0.1", &[("forwarded", "for=192.0.2.7;proto=https")], "192.0.2.7"),
            ("10.0.0.1", &[("forwarded", "For=\"[2001:db8::7]:47\", for=10.0.0.9")], "2001:db8::7"),
            ("10.0.0.1", &[("forwarded", "for=_hidden")], "10.0.0.1"),
            ("10.0.0.1", &[("forwarded", "proto=https")], "10.0.0.1"),
            ("10.0.0.1", &[("forwarded", "for=\"6.6.6.6, for=192.0.2.7")], "192.0.2.7"),
            ("10.0.0.1", &[("forwarded", "for=192.0.2.7"), ("x-forwarded-for", "192.0.2.7")], "192.0.2.7"),
            ("10.0.0.1", &[("forwarded", "for=6.6.6.6"), ("x-forwarded-for", "192.0.2.7")], "10.0.0.1"),
        ] {
            let map = headers.iter().fold(HeaderMap::new(), |mut map, (name, value)| {
                map.append(HeaderName::from_static(name), value.parse().unwrap());
                map
            });
            let found = client(&map, peer.parse().unwrap(), &trusted);
            assert_eq!(found, expected.parse::<IpAddr>().unwrap(), "{peer} {headers:?}");
        }
    }
}
