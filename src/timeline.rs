//! Reading the past from the change log: the audit trail.
//!
//! Invariant: nothing here writes. Everything is read through `store::History`, which verifies what it reads.

pub(crate) mod audit;
