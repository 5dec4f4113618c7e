//! Admission: how often each caller may ask, how much at once, and what takes long. One for every door, HTTP and
//! sockets alike.
//!
//! What must stay true: no caller has more than its share of anything, so that one token cannot take everyone's.

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
    /// The memory for what requests make.
    pub(super) memory: Memory,
    /// The slots for what takes long.
    pub(super) heavy: HeavySlots,
    pub(super) store: StoreTurns,
}

/// Operations on the store as a whole wait for its lock and its disk, not for a processor, so they take no slot.
#[derive(Debug)]
pub(super) struct StoreTurns {
    /// One check at a time: writes wait for it.
    checks: Arc<Semaphore>,
    /// The copies of the store on its disk.
    copies: Arc<Semaphore>,
}

impl StoreTurns {
    fn new() -> Self {
        Self { checks: Arc::new(Semaphore::new(1)), copies: Arc::new(Semaphore::new(STORE_COPIES_MAX)) }
    }

    async fn check(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.checks).acquire_owned().await.expect("the semaphore is never closed")
    }

    async fn copy(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.copies).acquire_owned().await.expect("the semaphore is never closed")
    }
}

/// A request that may be worked on, for as long as this is held.
#[derive(Debug)]
pub(super) struct Admitted {
    /// What is left to its caller, where that is counted.
    pub(super) remaining: Option<Remaining>,
    _slot: Permit<Principal>,
}

/// Why a request goes no further.
#[derive(Debug)]
pub(super) enum Refused {
    TooMany(TooMany),
    Problem(Problem),
}

impl Admission {
    pub(super) fn new(authenticator: &Authenticator, exposure: &Exposure) -> Self {
        let share = |all| authenticator.quota_of(all);
        let requests = exposure.requests_at_once;
        Self {
            rates: Rates::new(exposure.requests_a_second),
            requests: Quota::new(requests, share(requests)),
            memory: Memory::new(share),
            heavy: HeavySlots::new(share),
            store: StoreTurns::new(),
        }
    }

    /// Counts a request, and gives it a slot.
    pub(super) fn admit(&self, principal: &Principal) -> Result<Admitted, Refused> {
        let remaining = self.count(principal)?;
        Ok(Admitted { remaining, _slot: self.slot(principal)? })
    }

    /// Counts a request; how many more its caller may send, where that is counted.
    pub(super) fn count(&self, principal: &Principal) -> Result<Option<Remaining>, TooMany> {
        match principal {
            Principal::Known(actor) => self.rates.of_token(actor),
            Principal::Unauthenticated(Some(peer)) => self.rates.of_refused(*peer).map(Some),
            Principal::Unauthenticated(None) => Ok(None),
        }
    }

    /// A slot for a request that is worked on.
    pub(super) fn slot(&self, principal: &Principal) -> Result<Permit<Principal>> {
        self.requests.take(principal, 1).map_err(|exhausted| {
            let detail = match (exhausted, principal) {
                (Exhausted::All, _) => "too many requests are being worked on; try again",
                (Exhausted::Own, Principal::Known(_)) => {
                    "this token has as many requests open as one may; try again once some are answered"
                }
                (Exhausted::Own, Principal::Unauthenticated(_)) => {
                    "this address has as many requests open as one may; try again once some are answered"
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

/// For where there are no headers.
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
