//! Access tokens: secrets of the directory's own tokens, JWTs of an identity provider, and the grant of a token.
//!
//! Invariant: nothing here reads a store or a clock. The caller passes the stored token, the keys and the time.

#[cfg(feature = "server")]
pub mod grant;
#[cfg(feature = "server")]
pub mod jwt;
pub mod secret;

#[cfg(feature = "server")]
pub use grant::{Grant, GrantRefusal};
pub use secret::Secret;
