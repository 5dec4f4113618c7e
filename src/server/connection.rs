//! Connections: accept, TLS, HTTP/1 and HTTP/2, detection of slow clients, and draining on shutdown.
//!
//! Invariant: this layer knows no records and no tokens. It serves the router that it is given.

pub(super) mod config;
mod forwarded;
mod io;
mod listen;
pub(super) mod peer;
mod request_body;
pub(super) mod shutdown;
pub(super) mod tls;

pub(super) use listen::serve;
