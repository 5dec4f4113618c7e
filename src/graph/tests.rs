//! The closures against a brute-force twin.
