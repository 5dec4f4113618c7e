//! Admission: how often each one may ask, and whose is what is worked on. One for every door, HTTP and sockets alike.
//!
//! Nobody has more than a share of the places, so that one token cannot take everyone's.

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::model::token::Actor;
use crate::server::exposure::Exposure;
use crate::server::outstanding::Outstanding;
use crate::server::peer::Peer;
use crate::server::problem::{Problem, Result};
use crate::server::rate::{Left, Rates, TooMany};
use crate::server::shares::{Full, Share, Shares};
use crate::server::state::{AppState, Caller};

/// The rates and the places of all who ask.
#[derive(Debug)]
pub(super) struct Admission {
    rates: Rates,
    places: Shares<Asker>,
    /// The room for answers.
    pub(super) outstanding: Outstanding,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Asker {
    /// Whose token is good.
    Known(Actor),
    /// Who shows none, by where it comes from; nobody knows where without this crate's listener.
    Stranger(Option<Peer>),
}

/// A request that may be worked on, for as long as this is held.
#[derive(Debug)]
pub(super) struct Admitted {
    /// What is left to its asker, where that is counted.
    pub(super) left: Option<Left>,
    _place: Share<Asker>,
}

/// Why a request goes no further.
#[derive(Debug)]
pub(super) enum Refused {
    TooMany(TooMany),
    Problem(Problem),
}

impl Admission {
    pub(super) fn new(state: &AppState, exposure: &Exposure) -> Self {
        let places = exposure.requests_at_once;
        Self {
            rates: Rates::new(exposure.requests_a_second),
            places: Shares::new(places, state.share_of(places)),
            outstanding: Outstanding::new(),
        }
    }

    /// Counts a request, and gives it a place.
    pub(super) fn admit(&self, asker: &Asker) -> Result<Admitted, Refused> {
        let left = self.count(asker)?;
        Ok(Admitted { left, _place: self.place(asker)? })
    }

    /// Counts a request; how many more its asker may send, where that is counted.
    pub(super) fn count(&self, asker: &Asker) -> Result<Option<Left>, TooMany> {
        match asker {
            Asker::Known(actor) => self.rates.of_token(actor),
            Asker::Stranger(Some(peer)) => self.rates.of_refused(*peer).map(Some),
            Asker::Stranger(None) => Ok(None),
        }
    }

    /// A place for what is worked on.
    pub(super) fn place(&self, asker: &Asker) -> Result<Share<Asker>> {
        self.places.take(asker, 1).map_err(|full| {
            let detail = match (full, asker) {
                (Full::All, _) => "too many requests are being worked on; try again",
                (Full::Share, Asker::Known(_)) => {
                    "this token has as many requests open as one may; try again once some are answered"
                }
                (Full::Share, Asker::Stranger(_)) => {
                    "this address has as many requests open as one may; try again once some are answered"
                }
            };
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail)
        })
    }
}

impl Asker {
    /// Whoever sends this, before anything is known of a token.
    pub(super) fn stranger(request: &Request) -> Self {
        Self::Stranger(request.extensions().get::<Peer>().copied())
    }

    /// Whom the gate let in, or whoever else sends this.
    pub(super) fn of(request: &Request) -> Self {
        request.extensions().get::<Caller>().map_or_else(|| Self::stranger(request), Self::known)
    }

    pub(super) fn known(caller: &Caller) -> Self {
        Self::Known(caller.grant.actor().clone())
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

/// What is told where there are no headers to tell it in.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::Directory;

    fn admission(set: impl FnOnce(AppState) -> AppState, requests_at_once: usize) -> Admission {
        let state = set(AppState::new(Directory::in_memory().unwrap()));
        Admission::new(&state, &Exposure { requests_at_once, requests_a_second: 1, ..Exposure::default() })
    }

    #[test]
    fn one_has_half_of_the_places_and_others_the_rest() {
        let admission = admission(|state| state, 4);
        let peer = |last| Asker::Stranger(Some(Peer::of([10, 0, 0, last].into())));
        let _two = [admission.place(&peer(1)).unwrap(), admission.place(&peer(1)).unwrap()];
        let its = admission.place(&peer(1)).unwrap_err();
        assert!(its.code == "busy" && its.detail.contains("this address"), "{its:?}");
        let local = Asker::Known(Actor::Local);
        let two = [admission.place(&local).unwrap(), admission.place(&local).unwrap()];
        let all = admission.place(&peer(2)).unwrap_err();
        assert!(all.code == "busy" && all.detail.contains("too many"), "{all:?}");
        drop(two);
        assert!(admission.place(&peer(2)).is_ok());
    }

    #[test]
    fn without_tokens_all_are_one_and_one_may_have_everything() {
        let admission = admission(AppState::without_tokens, 2);
        let local = Asker::Known(Actor::Local);
        let _two = [admission.place(&local).unwrap(), admission.place(&local).unwrap()];
        assert!(admission.place(&local).unwrap_err().detail.contains("too many"));
    }

    #[test]
    fn who_comes_from_nowhere_is_not_counted_and_others_are() {
        let admission = admission(|state| state, 2);
        for _ in 0..3 {
            assert!(admission.count(&Asker::Stranger(None)).unwrap().is_none());
        }
        let local = Asker::Known(Actor::Local);
        assert!(admission.admit(&local).unwrap().left.is_some());
        assert!(matches!(admission.admit(&local), Err(Refused::TooMany(_))));
    }
}
