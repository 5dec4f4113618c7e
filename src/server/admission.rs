//! Admission control: rate limits, quotas of requests in flight, the memory budget, and slots for heavy work. One
//! instance serves all transports, HTTP and WebSockets alike.
//!
//! Invariant: no caller may have more than its quota of anything (half of it, where callers have tokens), so that one
//! token cannot block all others.

pub(super) mod memory;
pub(super) mod middleware;
pub(super) mod rate;
pub(super) mod slots;
pub(super) mod work;

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::server::admission::memory::Memory;
use crate::server::admission::rate::{Rates, Remaining, TooMany};
use crate::server::admission::slots::HeavySlots;
use crate::server::auth::authenticator::Authenticator;
use crate::server::auth::caller::Principal;
use crate::server::connection::config::Exposure;
use crate::server::limits::STORE_COPIES_MAX;
use crate::server::quota::{Exhausted, Permit, Quota};
use crate::server::response::problem::{Problem, Result};

/// The limits of all callers together.
#[derive(Debug)]
pub(super) struct Admission {
    rates: Rates,
    requests: Quota<Principal>,
    /// The memory budget of all requests.
    pub(super) memory: Memory,
    /// The slots for heavy work.
    pub(super) heavy: HeavySlots,
    pub(super) store: StoreTurns,
}

/// Turns of operations on the whole store: checks and copies.
// They wait for the store's lock and the disk, not for a processor, so they take none of the slots for heavy work.
#[derive(Debug)]
pub(super) struct StoreTurns {
    /// One check at a time. Writes wait while it runs, so two at once would only block them for longer.
    checks: Arc<Semaphore>,
    /// Limits how many copies of the store take disk space at once.
    copies: Arc<Semaphore>,
}

impl StoreTurns {
    fn new() -> Self {
        Self { checks: Arc::new(Semaphore::new(1)), copies: Arc::new(Semaphore::new(STORE_COPIES_MAX)) }
    }

    // The permits of both are owned: they outlive the handler, in the task that does the work or sends the copy.
    async fn check(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.checks).acquire_owned().await.expect("the semaphore is never closed")
    }

    async fn copy(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.copies).acquire_owned().await.expect("the semaphore is never closed")
    }
}

/// The permit of an admitted request, given back on drop.
#[derive(Debug)]
pub(super) struct Admitted {
    /// The caller's remaining rate, for response headers; `None` if its rate is not limited.
    pub(super) remaining: Option<Remaining>,
    _slot: Permit<Principal>,
}

/// Why a request is not admitted.
#[derive(Debug)]
pub(super) enum Refused {
    TooMany(TooMany),
    Problem(Problem),
}

impl Admission {
    pub(super) fn new(authenticator: &Authenticator, exposure: &Exposure) -> Self {
        let per_caller = |all| authenticator.quota_of(all);
        let requests = exposure.requests_at_once;
        Self {
            rates: Rates::new(exposure.requests_per_second, exposure.unauthenticated_per_second),
            requests: Quota::new(requests, per_caller(requests)),
            memory: Memory::new(per_caller),
            heavy: HeavySlots::new(per_caller),
            store: StoreTurns::new(),
        }
    }

    /// Counts a request against its caller's rate, and takes a permit for it.
    ///
    /// # Errors
    /// 429 `rate-limited` or 503 `busy`.
    pub(super) fn admit(&self, principal: &Principal) -> Result<Admitted, Refused> {
        // The rate first: it is counted whether there is a permit or not, so that a client that tries again at once
        // while the server is busy is slowed down.
        let remaining = self.count(principal)?;
        Ok(Admitted { remaining, _slot: self.permit(principal)? })
    }

    /// Counts a request against its caller's rate, and returns what remains; `None` if the rate is not limited.
    pub(super) fn count(&self, principal: &Principal) -> Result<Option<Remaining>, TooMany> {
        match principal {
            Principal::Known(actor) => self.rates.of_token(actor),
            Principal::Unauthenticated(Some(peer)) => self.rates.of_refused(*peer).map(Some),
            // No listener of this crate, so no address: an embedding server must limit such clients itself.
            Principal::Unauthenticated(None) => Ok(None),
        }
    }

    /// Takes a permit for a request in flight.
    ///
    /// # Errors
    /// 503 `busy`.
    pub(super) fn permit(&self, principal: &Principal) -> Result<Permit<Principal>> {
        self.requests.take(principal, 1).map_err(|exhausted| {
            let detail = match (exhausted, principal) {
                (Exhausted::All, _) => "too many requests are in flight; try again",
                (Exhausted::Own, Principal::Known(_)) => {
                    "this token has its maximum of requests in flight; try again once some are answered"
                }
                (Exhausted::Own, Principal::Unauthenticated(_)) => {
                    "this address has its maximum of requests in flight; try again once some are answered"
                }
            };
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail)
        })
    }
}

impl From<TooMany> for Refused {
    fn from(too_many: TooMany) -> Self {
        Self::TooMany(too_many)
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// For WebSockets, which have no response headers: the rate and `Retry-After` are left out.
impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::TooMany(too_many) => Self::from(&too_many),
            Refused::Problem(problem) => problem,
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::TooMany(too_many) => too_many.into_response(),
            Self::Problem(problem) => problem.into_response(),
        }
    }
}
