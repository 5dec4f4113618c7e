//! Storage tests: refused and damaged stores, released formats, archives, disk failures, power loss, process kills.
//!
//! `cargo test --no-default-features --test storage` runs the tests that need no server and no binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod archive;
mod damaged_stores;
mod failing_disk;
mod leftovers;
mod power_loss;
#[cfg(feature = "server")]
mod process_kill;
mod refused_stores;
#[cfg(feature = "server")]
mod released_formats;
#[path = "../support/mod.rs"]
mod support;
