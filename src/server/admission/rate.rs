//! Rate limits: a number of requests a second for each token, and fewer for an address without a good one.
//!
//! What is remembered is bounded: of more callers than are remembered those who were silent for longest are forgotten,
//! and begin anew. A good token is never slowed by what its neighbours try.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use quick_cache::sync::Cache;

use crate::model::token::Actor;
use crate::server::connection::peer::Peer;
use crate::server::limits::{RATE_BUCKETS_MAX, UNAUTHENTICATED_REQUESTS_PER_SECOND};
use crate::server::response::problem::Problem;

/// As the IETF's draft has them (draft-ietf-httpapi-ratelimit-headers).
pub(in crate::server) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
pub(in crate::server) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

type RateBucket = RateLimiter<NotKeyed, InMemoryState, DefaultClock, StateInformationMiddleware>;

/// The buckets of all callers.
#[derive(Debug)]
pub(in crate::server) struct Rates {
    /// None where any number is taken.
    tokens: Option<Rate<Actor>>,
    peers: Rate<Peer>,
}

/// One policy, and the bucket of each caller.
#[derive(Debug)]
struct Rate<K> {
    quota: Quota,
    name: &'static str,
    policy: HeaderValue,
    buckets: Cache<K, Arc<RateBucket>>,
    clock: DefaultClock,
}

/// What is left to a caller.
#[derive(Debug, Clone)]
pub(in crate::server) struct Remaining {
    policy: HeaderValue,
    left: HeaderValue,
}

/// Why a caller has to wait, and for how long.
#[derive(Debug)]
pub(in crate::server) struct TooMany {
    left: Remaining,
    wait: Duration,
}

impl Rates {
    /// Any number from those whose tokens are good, for 0 requests a second.
    pub(in crate::server) fn new(requests_a_second: u32) -> Self {
        let a_second = NonZeroU32::new(requests_a_second);
        Self {
            tokens: a_second.map(|a_second| Rate::new("token", a_second)),
            peers: Rate::new(
                "refused",
                a_second.map_or(UNAUTHENTICATED_REQUESTS_PER_SECOND, |a_second| a_second.min(UNAUTHENTICATED_REQUESTS_PER_SECOND)),
            ),
        }
    }

    /// Counts a request of `actor`'s, where those are counted.
    pub(in crate::server) fn of_token(&self, actor: &Actor) -> Result<Option<Remaining>, TooMany> {
        self.tokens.as_ref().map(|rate| rate.take(actor)).transpose()
    }

    /// Counts a request without a good token.
    pub(in crate::server) fn of_refused(&self, peer: Peer) -> Result<Remaining, TooMany> {
        self.peers.take(&peer)
    }
}

impl<K: Clone + Eq + std::hash::Hash> Rate<K> {
    fn new(name: &'static str, a_second: NonZeroU32) -> Self {
        let policy = format!("\"{name}\";q={a_second};w=1");
        Self {
            quota: Quota::per_second(a_second),
            name,
            policy: HeaderValue::try_from(policy).expect("a word and numbers are ASCII"),
            buckets: Cache::new(RATE_BUCKETS_MAX),
            clock: DefaultClock::default(),
        }
    }

    fn take(&self, caller: &K) -> Result<Remaining, TooMany> {
        let new = || {
            let bucket = RateLimiter::direct_with_clock(self.quota, self.clock.clone());
            Ok::<_, std::convert::Infallible>(Arc::new(bucket.with_middleware()))
        };
        let Ok(bucket) = self.buckets.get_or_insert_with(caller, new);
        match bucket.check() {
            Ok(state) => Ok(self.left(state.remaining_burst_capacity())),
            Err(refused) => {
                let wait = refused.wait_time_from(self.clock.now());
                Err(TooMany { left: self.left(0), wait })
            }
        }
    }

    fn left(&self, count: u32) -> Remaining {
        let text = format!("\"{}\";r={count};t=1", self.name);
        let left = HeaderValue::try_from(text).expect("a word and numbers are ASCII");
        Remaining { policy: self.policy.clone(), left }
    }
}

impl Remaining {
    /// Writes it into the headers of an answer.
    pub(in crate::server) fn write(self, headers: &mut HeaderMap) {
        headers.insert(RATE_LIMIT_POLICY, self.policy);
        headers.insert(RATE_LIMIT, self.left);
    }
}

impl TooMany {
    fn seconds(&self) -> u64 {
        self.wait.as_secs() + 1
    }
}

/// For where there are no headers.
impl From<&TooMany> for Problem {
    fn from(too_many: &TooMany) -> Self {
        let seconds = too_many.seconds();
        let detail = format!("that were too many requests in a second; go on in {seconds} s");
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate-limited", detail).with("retryAfter", seconds)
    }
}

impl IntoResponse for TooMany {
    fn into_response(self) -> Response {
        let seconds = self.seconds();
        let mut response = Problem::from(&self).into_response();
        self.left.write(response.headers_mut());
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_asker_has_its_own_number_and_0_is_no_limit() {
        assert!(Rates::new(0).of_token(&Actor::Local).unwrap().is_none());
        let rates = Rates::new(1);
        let peer = |last| Peer::of([10, 0, 0, last].into());
        let text = |left: Result<Remaining, TooMany>| left.map(|left| left.left.to_str().unwrap().to_owned());
        assert_eq!(text(rates.of_refused(peer(1))).unwrap(), "\"refused\";r=0;t=1");
        // A second may have passed, but not between each two of these.
        let refused = (0..1_000).find_map(|_| rates.of_refused(peer(1)).err()).unwrap();
        let answer = refused.into_response();
        assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(answer.headers()[header::RETRY_AFTER], "1");
        assert_eq!(answer.headers()[RATE_LIMIT_POLICY], "\"refused\";q=1;w=1");
        assert!(rates.of_refused(peer(2)).is_ok() && rates.of_token(&Actor::Local).is_ok());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let rates = Rates::new(2);
        for asker in 0..3 * u32::try_from(RATE_BUCKETS_MAX).unwrap() {
            let _counted = rates.of_refused(Peer::of(std::net::Ipv4Addr::from_bits(asker).into()));
        }
        assert!(rates.peers.buckets.len() <= RATE_BUCKETS_MAX);
    }
}
