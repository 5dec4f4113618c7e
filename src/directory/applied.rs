//! The result of a write: the new view, the outcome of each command, and timings.

use std::time::Duration;

use crate::directory::summary::WriteSummary;
use crate::graph::View;
use crate::model::command::Outcome;

/// The result of a write.
///
/// ```
/// use clade::model::command::Effect;
/// use clade::{CreatePerson, Directory};
///
/// let people = ["ada@corp.example", "eve@corp.example"].map(CreatePerson::new);
/// let applied = Directory::in_memory()?.apply(people)?;
/// let effects: Vec<_> = applied.outcomes.iter().map(|outcome| outcome.effect).collect();
/// assert_eq!(effects, [Effect::Created, Effect::Created]);
/// assert!(applied.view.person("eve@corp.example").is_ok());
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Applied {
    /// The directory after the write; for a dry run, as it would be.
    pub view: View,
    /// The outcome of each command, in order.
    pub outcomes: Vec<Outcome>,
    /// What all commands together did to the records of the directory, also to those that no command names.
    pub summary: WriteSummary,
    /// The timings of the whole commit, which other requests may have shared.
    pub took: WriteTimings,
}

/// How long the steps of a write took in the writer thread, without waiting in its queue.
///
/// ```
/// use clade::{CreatePerson, Directory};
///
/// let directory = Directory::in_memory()?;
/// let ada = CreatePerson::new("ada@corp.example").or_update();
/// assert!(!directory.apply(ada.clone())?.took.committed.is_zero());
/// assert!(directory.apply(ada)?.took.committed.is_zero(), "an unchanged record needs no commit");
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WriteTimings {
    /// Planning and applying.
    pub planned: Duration,
    /// Committing, from the end of planning on. Zero if there was nothing to commit.
    pub committed: Duration,
    /// Publishing.
    pub published: Duration,
}
