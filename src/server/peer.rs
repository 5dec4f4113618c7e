//! Where a connection comes from, and how many of them one address may have.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Who is at the other end. Of IPv6 the network alone: one host has as many addresses there as it likes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Peer(IpAddr);

impl Peer {
    pub(super) fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(six) => {
                let [a, b, c, d, ..] = six.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
            four @ IpAddr::V4(_) => four,
        })
    }
}

/// The places for connections: so many in all, and so many for each peer.
#[derive(Debug, Clone)]
pub(super) struct Places {
    all: Arc<Semaphore>,
    taken: Arc<Mutex<HashMap<Peer, usize>>>,
    a_peer: usize,
}

/// The place of one connection, free again once this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    peer: Peer,
    places: Places,
    _of_all: OwnedSemaphorePermit,
}

impl Places {
    pub(super) fn new(all: usize, a_peer: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), taken: Arc::default(), a_peer }
    }

    /// One of all, as soon as one is free.
    pub(super) async fn one(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.all).acquire_owned().await.expect("the places are never closed")
    }

    /// It, for this peer, unless that has its share already.
    pub(super) fn give(&self, peer: Peer, of_all: OwnedSemaphorePermit) -> Option<Place> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let its = taken.entry(peer).or_default();
        if *its >= self.a_peer {
            return None;
        }
        *its += 1;
        Some(Place { peer, places: self.clone(), _of_all: of_all })
    }
}

impl Place {
    pub(super) fn peer(&self) -> Peer {
        self.peer
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(its) = taken.get_mut(&self.peer) {
            *its -= 1;
            if *its == 0 {
                taken.remove(&self.peer);
            }
        }
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

    #[tokio::test]
    async fn a_place_is_given_back() {
        let places = Places::new(3, 1);
        let peer = |last| Peer::of(IpAddr::from([10, 0, 0, last]));
        let first = places.give(peer(1), places.one().await).unwrap();
        assert!(places.give(peer(1), places.one().await).is_none());
        assert!(places.give(peer(2), places.one().await).is_some());
        drop(first);
        assert!(places.give(peer(1), places.one().await).is_some());
        assert!(places.taken.lock().unwrap().is_empty() && places.all.available_permits() == 3);
    }
}
