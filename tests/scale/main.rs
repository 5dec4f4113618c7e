//! Tests at scale: correctness of queries compared with plain scanning, and a soak test of memory growth.
//!
//! A separate test binary, since `soak` measures the memory of its process and `answers` may need gigabytes; at full
//! size they are run one at a time. The default run of both is small.

#![cfg(feature = "server")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod answers;
mod soak;
