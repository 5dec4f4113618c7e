//! Test harness: temporary folders, the `clade` process, an HTTP server with a client, a WebSocket client, random
//! changes.
#![allow(dead_code, unused_imports, clippy::allow_attributes, reason = "each test binary uses its own part")]

pub(crate) mod folder;
#[cfg(feature = "server")]
pub(crate) mod process;
pub(crate) mod random_changes;
#[cfg(feature = "server")]
mod server;
#[cfg(feature = "server")]
mod shape;
#[cfg(feature = "server")]
pub(crate) mod socket;

pub(crate) use folder::Folder;
#[cfg(feature = "server")]
pub(crate) use server::{Answer, Server, new_token, strings};
