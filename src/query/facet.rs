//! Facets: the values of a dimension, with how many entities each would leave.

use crate::graph::View;
use crate::model::entity::{EntityId, Kind};
use crate::model::level::Level;
use crate::query::filter::Filter;

/// A dimension that entities can be counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FacetBy {
    /// Units of a level: an entity counts for each one above it.
    Level(Level),
    /// Where repositories are hosted.
    Platform,
    /// The emails of projects' owners.
    Owner,
    /// The emails of projects' members.
    Member,
    /// The projects that people work on.
    Project,
    /// The types of units.
    Type,
}

/// One value of a dimension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// The value: for a level, the unit's name.
    pub value: String,
    /// The unit, for a level.
    pub unit: Option<EntityId>,
    /// How many entities of the selection have it.
    pub count: u64,
}

/// The values of `by` among the entities of `kind` that `filter` matches, the most frequent first, then by
/// value. `disjunctive` leaves out the filter's own conditions on that dimension.
#[must_use]
pub fn facet(_view: &View, _kind: Kind, _filter: &Filter, _by: FacetBy, _disjunctive: bool) -> Vec<Bucket> {
    todo!()
}
