//! Graphs and facts of other moments than now, read from the log.
//!
//! What must stay true: nothing here changes anything, and nothing is read that the store does not vouch for.

pub(crate) mod audit;
