//! Large organisations: answers compared with plain scanning, and memory after long reads and writes.
//!
//! A binary of its own, since `soak` measures the memory of its process, and `answers` may take gigabytes; they are run
//! one at a time at full size. The usual run of both is small.

#![cfg(feature = "server")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod answers;
mod soak;
