//! What a write did, and how long its steps took.

use std::time::Duration;

use crate::graph::View;
use crate::model::command::Outcome;

/// What a write did.
#[derive(Debug, Clone)]
pub struct Applied {
    /// The directory just after it; of a dry run, as it would be.
    pub view: View,
    /// For each command, in order, what it did.
    pub outcomes: Vec<Outcome>,
    /// How long it took, together with whatever else was committed at the same time.
    pub took: WriteTimings,
}

/// How long the steps of a write took: what the writer did, without the way to it and back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WriteTimings {
    /// To plan and apply.
    pub planned: Duration,
    /// To commit what was not yet written when all was planned. Nothing, where there was nothing to commit.
    pub committed: Duration,
    /// To publish.
    pub published: Duration,
}
