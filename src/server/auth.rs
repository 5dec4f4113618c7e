//! Authentication and authorization: the caller of a request, by a token of the directory or a JWT, and what it may do.
//!
//! Invariant: a handler gets a [`View`](crate::directory::View) or a way to write only from a [`caller::Caller`], and
//! admin operations only from a type that only an admin's caller converts to.

pub(super) mod authenticator;
pub(super) mod caller;
pub(super) mod extract;
pub(super) mod identity_provider;
pub(super) mod loopback;
