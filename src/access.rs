//! Token secrets, tokens of an identity provider, and the grant that a token gives.

#[cfg(feature = "server")]
pub mod grant;
#[cfg(feature = "server")]
pub mod jwt;
pub mod secret;

#[cfg(feature = "server")]
pub use grant::{Grant, GrantRefusal};
pub use secret::Secret;
