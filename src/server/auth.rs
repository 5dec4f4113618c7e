//! Authentication: who calls, by a token of the directory or of an identity provider, and what that allows.
//!
//! What must stay true: a [`View`](crate::directory::View) and a way to write come from a [`caller::Caller`] alone, and
//! what only an admin may do from a type that only an admin's caller can be turned into.

pub(super) mod authenticator;
pub(super) mod caller;
pub(super) mod extract;
pub(super) mod identity_provider;
pub(super) mod loopback;
