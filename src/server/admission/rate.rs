//! Rate limits by token bucket (GCRA): requests per second of each token, and of each address without a valid token.
//!
//! Invariant: the number of buckets is bounded; those that were not used lately are evicted, and start again full. A
//! valid token is never slowed down by other clients of its address.

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
use crate::server::limits::RATE_BUCKETS_MAX;
use crate::server::response::problem::Problem;

/// Response header: the remaining requests (draft-ietf-httpapi-ratelimit-headers).
pub(in crate::server) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// Response header: the limit and its window (draft-ietf-httpapi-ratelimit-headers).
pub(in crate::server) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

type RateBucket = RateLimiter<NotKeyed, InMemoryState, DefaultClock, StateInformationMiddleware>;

/// The buckets of all callers and addresses.
#[derive(Debug)]
pub(in crate::server) struct Rates {
    /// `None` if requests with a valid token are not limited.
    tokens: Option<Rate<Actor>>,
    peers: Rate<Peer>,
}

/// One policy, and a bucket for each key.
#[derive(Debug)]
struct Rate<K> {
    quota: Quota,
    name: &'static str,
    policy: HeaderValue,
    // A cache evicts by itself. governor's own keyed limiter grows until `retain_recent` is called.
    buckets: Cache<K, Arc<RateBucket>>,
    clock: DefaultClock,
}

/// The policy and the remaining requests of a caller, as header values.
#[derive(Debug, Clone)]
pub(in crate::server) struct Remaining {
    policy: HeaderValue,
    left: HeaderValue,
}

/// A refusal by the rate limit, and how long to wait.
#[derive(Debug)]
pub(in crate::server) struct TooMany {
    left: Remaining,
    wait: Duration,
}

impl Rates {
    /// Limits each token to `requests_per_second`, 0 being no limit, and each address to `unauthenticated` attempts.
    pub(in crate::server) fn new(requests_per_second: u32, unauthenticated: NonZeroU32) -> Self {
        let a_second = NonZeroU32::new(requests_per_second);
        Self {
            tokens: a_second.map(|a_second| Rate::new("token", a_second)),
            // Clients without a valid token stay limited even if callers are not: they may be guessing tokens. And they
            // never get a higher rate than callers.
            peers: Rate::new(
                "refused",
                a_second.map_or(unauthenticated, |a_second| a_second.min(unauthenticated)),
            ),
        }
    }

    /// Counts a request of `actor`; `Ok(None)` if tokens are not limited.
    pub(in crate::server) fn of_token(&self, actor: &Actor) -> Result<Option<Remaining>, TooMany> {
        self.tokens.as_ref().map(|rate| rate.take(actor)).transpose()
    }

    /// Counts a request without a valid token.
    pub(in crate::server) fn of_refused(&self, peer: Peer) -> Result<Remaining, TooMany> {
        self.peers.take(&peer)
    }
}

impl<K: Clone + Eq + std::hash::Hash> Rate<K> {
    fn new(name: &'static str, a_second: NonZeroU32) -> Self {
        // The quota per window, and the window in seconds.
        let policy = format!("\"{name}\";q={a_second};w=1");
        Self {
            quota: Quota::per_second(a_second),
            name,
            policy: HeaderValue::try_from(policy).expect("a name and numbers are ASCII"),
            buckets: Cache::new(RATE_BUCKETS_MAX),
            clock: DefaultClock::default(),
        }
    }

    fn take(&self, caller: &K) -> Result<Remaining, TooMany> {
        let new = || {
            let bucket = RateLimiter::direct_with_clock(self.quota, self.clock.clone());
            Ok::<_, std::convert::Infallible>(Arc::new(bucket.with_middleware()))
        };
        // Inserted atomically: if two first requests each made a bucket, one of them would not be counted.
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
        // What remains, and within how many seconds the bucket is full again.
        let text = format!("\"{}\";r={count};t=1", self.name);
        let left = HeaderValue::try_from(text).expect("a name and numbers are ASCII");
        Remaining { policy: self.policy.clone(), left }
    }
}

impl Remaining {
    /// Adds the two rate limit headers to a response.
    pub(in crate::server) fn write(self, headers: &mut HeaderMap) {
        headers.insert(RATE_LIMIT_POLICY, self.policy);
        headers.insert(RATE_LIMIT, self.left);
    }
}

impl TooMany {
    fn seconds(&self) -> u64 {
        // Rounded up: `Retry-After` has whole seconds, and a client that came back after 0 would be refused again.
        self.wait.as_secs() + 1
    }
}

/// For WebSockets, which have no response headers: the wait is in the problem itself.
impl From<&TooMany> for Problem {
    fn from(too_many: &TooMany) -> Self {
        let seconds = too_many.seconds();
        let detail = format!("too many requests per second; try again in {seconds} s");
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
    use crate::server::limits::UNAUTHENTICATED_REQUESTS_PER_SECOND;

    #[test]
    fn each_caller_has_its_own_bucket_and_0_is_no_limit() {
        assert!(
            Rates::new(0, UNAUTHENTICATED_REQUESTS_PER_SECOND).of_token(&Actor::Local).unwrap().is_none()
        );
        let rates = Rates::new(1, UNAUTHENTICATED_REQUESTS_PER_SECOND);
        let peer = |last| Peer::of([10, 0, 0, last].into());
        let text = |left: Result<Remaining, TooMany>| left.map(|left| left.left.to_str().unwrap().to_owned());
        assert_eq!(text(rates.of_refused(peer(1))).unwrap(), "\"refused\";r=0;t=1");
        // A second may have passed, but not between each two of these.
        let refused = (0..1_000).find_map(|_| rates.of_refused(peer(1)).err()).unwrap();
        let response = refused.into_response();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
        assert_eq!(response.headers()[RATE_LIMIT_POLICY], "\"refused\";q=1;w=1");
        assert!(rates.of_refused(peer(2)).is_ok() && rates.of_token(&Actor::Local).is_ok());
    }

    #[test]
    fn the_number_of_buckets_is_bounded() {
        let rates = Rates::new(2, UNAUTHENTICATED_REQUESTS_PER_SECOND);
        for address in 0..3 * u32::try_from(RATE_BUCKETS_MAX).unwrap() {
            let _counted = rates.of_refused(Peer::of(std::net::Ipv4Addr::from_bits(address).into()));
        }
        assert!(rates.peers.buckets.len() <= RATE_BUCKETS_MAX);
    }
}
