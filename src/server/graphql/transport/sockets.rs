//! Quotas of open WebSockets: unauthenticated ones per peer address, authenticated ones per caller.
//!
//! Invariant: unauthenticated sockets cannot use up the quota of authenticated ones, nor one caller that of all others.

use std::sync::Arc;

use crate::model::token::Actor;
use crate::server::admission::memory::MemoryPermit;
use crate::server::auth::caller::Caller;
use crate::server::connection::peer::Peer;
use crate::server::graphql::execution::endpoint::Endpoint;
use crate::server::limits::{SOCKET_BYTES, SOCKETS_UNAUTHENTICATED_MAX};
use crate::server::quota::{Exhausted, Permit, Quota};

/// The state that all sockets share.
pub(in crate::server) struct Sockets {
    pub(in crate::server) endpoint: Arc<Endpoint>,
    unauthenticated: Quota<Option<Peer>>,
    authenticated: Quota<Actor>,
}

/// The permit of one open socket, returned on drop.
// An unauthenticated socket reserves no memory: it has no caller to charge, and lives for the init timeout only.
#[derive(Debug)]
pub(in crate::server) enum SocketPermit {
    Unauthenticated { _permit: Permit<Option<Peer>> },
    Authenticated { _permit: Permit<Actor>, _memory: MemoryPermit },
}

impl Sockets {
    pub(in crate::server) fn new(endpoint: Arc<Endpoint>) -> Self {
        let max = endpoint.settings.sockets_max;
        Self {
            unauthenticated: Quota::new(SOCKETS_UNAUTHENTICATED_MAX, endpoint.settings.sockets_per_peer),
            authenticated: Quota::new(max, endpoint.authenticator.quota_of(max)),
            endpoint,
        }
    }

    /// A permit for a socket that has not authenticated yet.
    pub(in crate::server) fn open(&self, peer: Option<Peer>) -> Result<SocketPermit, &'static str> {
        let permit = self.unauthenticated.take(&peer, 1).map_err(|exhausted| match exhausted {
            Exhausted::All => "too many sockets have not authenticated yet; try again later",
            Exhausted::Own => "too many sockets of this address have not authenticated yet; try again later",
        })?;
        Ok(SocketPermit::Unauthenticated { _permit: permit })
    }

    /// A permit for an authenticated socket of the caller, with its memory.
    pub(in crate::server) fn of(&self, caller: &Caller) -> Result<SocketPermit, &'static str> {
        // By actor and not by connection: a token gets no more sockets by connecting from more addresses.
        let permit = self.authenticated.take(caller.actor(), 1).map_err(|exhausted| match exhausted {
            Exhausted::All => "too many sockets are open; try again later",
            Exhausted::Own => "this token has reached its maximum number of open sockets; try again later",
        })?;
        let memory = self.endpoint.admission.memory.take(&caller.principal(), SOCKET_BYTES);
        let memory = memory.map_err(|_| "the server has no memory for another socket; try again later")?;
        Ok(SocketPermit::Authenticated { _permit: permit, _memory: memory })
    }
}
