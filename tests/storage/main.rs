//! What is on disk: stores that are refused or damaged, older formats, archives, disks that fail, and what is left where
//! the power goes or the process is killed.
//!
//! `cargo test --no-default-features --test storage` runs what needs no server and no binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod archive;
mod damaged_stores;
mod failing_disk;
mod power_loss;
#[cfg(feature = "server")]
mod process_kill;
mod refused_stores;
#[cfg(feature = "server")]
mod released_formats;
#[path = "../support/mod.rs"]
mod support;
