//! Room for sockets: a little for those of whom nobody knows whose they are, and a share of all for each whose they are.

use std::sync::Arc;

use crate::model::token::Actor;
use crate::server::admission::Admission;
use crate::server::graphql::Endpoint;
use crate::server::limits::{SOCKETS_UNKNOWN_A_PEER, SOCKETS_UNKNOWN_MAX};
use crate::server::peer::Peer;
use crate::server::shares::{Full, Share, Shares};

/// What all sockets share.
pub(crate) struct Sockets {
    pub(super) endpoint: Arc<Endpoint>,
    /// How often each one may ask, and how much at once, with what comes over HTTP.
    pub(super) admission: Arc<Admission>,
    unknown: Shares<Option<Peer>>,
    known: Shares<Actor>,
}

/// What one socket takes of it, until this is dropped.
#[derive(Debug)]
pub(super) enum Held {
    Unknown { _place: Share<Option<Peer>> },
    Known { _place: Share<Actor> },
}

impl Sockets {
    pub(super) fn new(endpoint: Arc<Endpoint>, admission: Arc<Admission>) -> Self {
        let max = endpoint.state.graphql().sockets_max;
        Self {
            unknown: Shares::new(SOCKETS_UNKNOWN_MAX, SOCKETS_UNKNOWN_A_PEER),
            known: Shares::new(max, endpoint.state.share_of(max)),
            endpoint,
            admission,
        }
    }

    /// Room for a socket that has yet to say whose it is.
    pub(super) fn open(&self, peer: Option<Peer>) -> Result<Held, &'static str> {
        let place = self.unknown.take(&peer, 1).map_err(|full| match full {
            Full::All => "too many sockets have yet to say whose they are; try again later",
            Full::Share => "too many sockets of this address have yet to say whose they are; try again later",
        })?;
        Ok(Held::Unknown { _place: place })
    }

    /// Room for one of `actor`'s.
    pub(super) fn of(&self, actor: &Actor) -> Result<Held, &'static str> {
        let place = self.known.take(actor, 1).map_err(|full| match full {
            Full::All => "too many sockets are open; try again later",
            Full::Share => "this token has as many sockets open as one may; try again later",
        })?;
        Ok(Held::Known { _place: place })
    }
}
