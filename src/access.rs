//! Token secrets, tokens of an identity provider, and the grant that a token gives.

pub mod grant;
pub mod jwt;
pub mod secret;

pub use grant::{Grant, Refusal};
pub use secret::Secret;
