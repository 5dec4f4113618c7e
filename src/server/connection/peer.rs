//! The peer of a connection: its IP address, or its IPv6 network, as the key of limits by address.

use std::net::{IpAddr, Ipv6Addr};

/// The address of the client that sent a request, for logs.
#[derive(Debug, Clone, Copy)]
pub(in crate::server) struct ClientAddress(pub(in crate::server) IpAddr);

/// The address of a client. Of an IPv6 address only the /64 network counts.
// One IPv6 host can use every address of its /64, and would pass every limit by address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::server) struct Peer(IpAddr);

impl Peer {
    pub(in crate::server) fn of(address: IpAddr) -> Self {
        // On a dual-stack listener, IPv4 clients have addresses such as ::ffff:10.0.0.1. All of them share one /64.
        Self(match address.to_canonical() {
            IpAddr::V6(six) => {
                let [a, b, c, d, ..] = six.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
            four @ IpAddr::V4(_) => four,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_network_of_ipv6_is_one_peer() {
        let peer = |text: &str| Peer::of(text.parse().unwrap());
        assert_eq!(peer("2001:db8::1"), peer("2001:db8::ffff:1"));
        assert_ne!(peer("2001:db8::1"), peer("2001:db8:0:1::1"));
        assert_eq!(peer("::ffff:10.0.0.1"), peer("10.0.0.1"));
        assert_ne!(peer("10.0.0.2"), peer("10.0.0.1"));
    }
}
