//! Connections: accepted, read and written as HTTP, watched for slow clients, and drained on shutdown.
//!
//! This layer knows no records and no tokens: it is given a router and serves it.

pub(super) mod config;
mod io;
mod listen;
pub(super) mod peer;
pub(super) mod shutdown;
pub(super) mod tls;

pub(super) use listen::serve;
