//! A subtree as a flat list, in the order in which a person would read it.

use crate::graph::View;
use crate::model::entity::EntityId;
use crate::model::level::UnitType;

/// A unit beneath another, where a walk from the top meets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descendant {
    /// The unit.
    pub id: EntityId,
    /// The unit directly above it on this walk.
    pub parent: EntityId,
    /// 1 for a child.
    pub depth: usize,
}

/// Everything beneath `unit` down to `depth` (all when none), depth first, siblings by name; only units of
/// `types` are listed when some are given, though the walk passes through others. A unit with several parents
/// is listed once, at its least depth.
#[must_use]
pub fn descendants(
    _view: &View,
    _unit: EntityId,
    _depth: Option<usize>,
    _types: &[UnitType],
) -> Vec<Descendant> {
    todo!()
}
