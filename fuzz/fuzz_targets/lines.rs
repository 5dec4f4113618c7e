//! Fuzz target for NDJSON and CSV imports: runs `targets::lines`.
#![no_main]

#[path = "../targets.rs"]
#[expect(dead_code, reason = "each binary runs one target")]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::lines(bytes));
