//! The two transports: HTTP, with batches and persisted queries, and WebSocket (graphql-transport-ws).

pub(super) mod batch;
pub(super) mod close;
pub(super) mod http;
pub(super) mod media;
pub(super) mod operation;
pub(super) mod origin;
pub(super) mod page;
pub(super) mod persisted;
mod request;
pub(super) mod sockets;
pub(super) mod ws;
