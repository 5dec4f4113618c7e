//! Runs `targets::lines`.
#![no_main]

#[path = "../targets.rs"]
#[expect(dead_code, reason = "each target runs its own")]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::lines(bytes));
