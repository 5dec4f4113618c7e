//! Token secrets, and the grant that a token gives.

pub mod grant;
pub mod secret;

pub use grant::{Grant, Refusal};
pub use secret::Secret;
