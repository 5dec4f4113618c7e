//! A page of a sorted selection, by keyset cursor.

use roaring::RoaringBitmap;

use crate::error::Error;
use crate::graph::View;
use crate::model::entity::EntityId;
use crate::query::order::Order;

/// Which page: `first` after a cursor, or `last` before one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// At most so many from the start. All of them when neither this nor `last` is given.
    pub first: Option<usize>,
    /// Those after this cursor.
    pub after: Option<String>,
    /// At most so many from the end.
    pub last: Option<usize>,
    /// Those before this cursor.
    pub before: Option<String>,
}

/// One page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The entities, in order.
    pub ids: Vec<EntityId>,
    /// Whether there are more after them.
    pub has_next: bool,
    /// Whether there are more before them.
    pub has_previous: bool,
}

/// The page that `request` asks for, of `matches` in `order`.
///
/// # Errors
/// [`Error::Invalid`] for a cursor that is none of this order's.
pub fn page(
    _view: &View,
    _matches: &RoaringBitmap,
    _order: Order,
    _request: &PageRequest,
) -> Result<Page, Error> {
    todo!()
}

/// The cursor that stands at `id`: opaque, valid for this order alone, and stable across writes.
#[must_use]
pub fn cursor(_view: &View, _order: Order, _id: EntityId) -> String {
    todo!()
}
