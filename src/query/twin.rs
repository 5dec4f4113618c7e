//! A brute-force twin.
