//! Search over every kind at once, the best first.

use crate::graph::View;
use crate::model::entity::{EntityId, Kind};

/// One finding.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// What was found.
    pub id: EntityId,
    /// Greater is better, from 0 to 1.
    pub score: f32,
    /// The text that matched.
    pub matched: String,
}

/// The `first` best matches for `text` among `kinds` (all when empty), beneath `within` if given: whole texts
/// before beginnings before beginnings of words before the middle, without case.
#[must_use]
pub fn search(
    _view: &View,
    _text: &str,
    _kinds: &[Kind],
    _within: Option<EntityId>,
    _first: usize,
) -> Vec<Hit> {
    todo!()
}
