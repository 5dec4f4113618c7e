//! Quotas of sockets: a few for those that have not authenticated, and a share of all for each caller.

use std::sync::Arc;

use crate::model::token::Actor;
use crate::server::admission::memory::MemoryPermit;
use crate::server::auth::caller::Caller;
use crate::server::connection::peer::Peer;
use crate::server::graphql::execution::endpoint::Endpoint;
use crate::server::limits::{SOCKET_BYTES, SOCKETS_UNKNOWN_A_PEER, SOCKETS_UNKNOWN_MAX};
use crate::server::quota::{Exhausted, Permit, Quota};

/// What all sockets share.
pub(in crate::server) struct Sockets {
    pub(in crate::server) endpoint: Arc<Endpoint>,
    unknown: Quota<Option<Peer>>,
    known: Quota<Actor>,
}

/// What one socket takes of it, until this is dropped.
#[derive(Debug)]
pub(in crate::server) enum SocketPermit {
    Unknown { _permit: Permit<Option<Peer>> },
    Known { _permit: Permit<Actor>, _memory: MemoryPermit },
}

impl Sockets {
    pub(in crate::server) fn new(endpoint: Arc<Endpoint>) -> Self {
        let max = endpoint.settings.sockets_max;
        Self {
            unknown: Quota::new(SOCKETS_UNKNOWN_MAX, SOCKETS_UNKNOWN_A_PEER),
            known: Quota::new(max, endpoint.authenticator.quota_of(max)),
            endpoint,
        }
    }

    /// A permit for a socket that has not authenticated yet.
    pub(in crate::server) fn open(&self, peer: Option<Peer>) -> Result<SocketPermit, &'static str> {
        let permit = self.unknown.take(&peer, 1).map_err(|exhausted| match exhausted {
            Exhausted::All => "too many sockets have not authenticated yet; try again later",
            Exhausted::Own => "too many sockets of this address have not authenticated yet; try again later",
        })?;
        Ok(SocketPermit::Unknown { _permit: permit })
    }

    /// A permit for one of the caller's, with the memory that it takes.
    pub(in crate::server) fn of(&self, caller: &Caller) -> Result<SocketPermit, &'static str> {
        let permit = self.known.take(caller.actor(), 1).map_err(|exhausted| match exhausted {
            Exhausted::All => "too many sockets are open; try again later",
            Exhausted::Own => "this token has as many sockets open as one may; try again later",
        })?;
        let memory = self.endpoint.admission.memory.take(&caller.principal(), SOCKET_BYTES);
        let memory = memory.map_err(|_| "there is no memory for one more socket; try again later")?;
        Ok(SocketPermit::Known { _permit: permit, _memory: memory })
    }
}
