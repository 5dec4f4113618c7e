//! Total orders over entities.

use crate::query::filter::Field;

/// What entities are sorted by. Equal ones are told apart by their keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Order {
    /// By what.
    pub by: OrderBy,
    /// Greatest first. What has no value comes last either way.
    pub descending: bool,
}

/// A sortable property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OrderBy {
    /// When a record was made.
    #[default]
    Created,
    /// When it last changed.
    Updated,
    /// One of its texts, without case.
    Field(Field),
}
