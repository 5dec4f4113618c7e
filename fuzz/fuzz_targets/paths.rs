//! Fuzz target for references to units: runs `targets::paths`.
#![no_main]

#[path = "../targets.rs"]
#[expect(dead_code, reason = "each binary runs one target")]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::paths(bytes));
