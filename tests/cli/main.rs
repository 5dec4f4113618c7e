//! End-to-end tests of the `clade` binary: every command on a store and against a server, its settings, and `clade
//! serve` from startup to shutdown.

#![cfg(feature = "server")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod commands;
mod edits;
mod import;
mod read;
mod serve;
mod shell;
mod shutdown;
#[path = "../support/mod.rs"]
mod support;
mod target;
