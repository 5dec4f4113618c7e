//! Mappings: filtered, sorted and paged, for REST and GraphQL alike.
//!
//! What must stay true: whatever way is taken to the candidates, the answer is what testing each mapping in sight by
//! itself, sorting all that pass and cutting out a page would give. No more are held than about two
//! pages show.

mod candidates;
mod filter;
mod page;
mod subtree;

use crate::graph::View;
use crate::model::entity::EntityId;
use crate::model::key::fold;
use crate::model::mapping::Mapping;

use self::candidates::Selected;
use self::page::paged;

pub use self::filter::MappingFilter;
pub use self::page::{MappingPage, MappingPageRequest, UnknownCursor};
pub use self::subtree::Subtree;

/// What mappings are sorted by. Of equal ones the one with the smaller id comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MappingOrderBy {
    /// Their ids, which is the order in which they were made.
    #[default]
    Id,
    /// When they were made.
    CreatedAt,
    /// When they last changed.
    UpdatedAt,
    /// The key of the first end, without case.
    FromKey,
    /// The key of the second end, without case.
    ToKey,
    /// The name of the type.
    Type,
    /// The name of the relationship.
    Relationship,
}

/// An order of mappings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MappingOrder {
    /// What they are sorted by.
    pub by: MappingOrderBy,
    /// The greatest first, and of equal ones the one with the greater id.
    pub descending: bool,
}

/// The page that `request` asks for, of the mappings that `filter` matches.
///
/// ```
/// use clade::query::{MappingFilter, MappingOrder, MappingPageRequest, mappings};
/// use clade::{CreatePerson, Directory};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let directory = Directory::in_memory()?;
/// directory.apply(CreatePerson::new("ada@corp.example").under("Corp/Research"))?;
/// let of_ada = MappingFilter { from_keys: Some(vec!["ada@corp.example".to_owned()]), ..MappingFilter::default() };
/// let first = MappingPageRequest { first: Some(10), ..MappingPageRequest::default() };
/// let page = mappings(&directory.view(), &of_ada, MappingOrder::default(), &first)?;
/// assert_eq!((page.count, page.mappings.len(), page.has_next), (1, 1, false));
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`UnknownCursor`] where the page is to begin or end at a mapping that `filter` does not match.
pub fn mappings(
    view: &View,
    filter: &MappingFilter,
    order: MappingOrder,
    request: &MappingPageRequest,
) -> Result<MappingPage, UnknownCursor> {
    let selected = Selected::new(view, filter);
    let descending = order.descending;
    match order.by {
        MappingOrderBy::Id => paged(&selected, request, descending, |_| ()),
        MappingOrderBy::CreatedAt => paged(&selected, request, descending, |it| it.stamps.created_at),
        MappingOrderBy::UpdatedAt => paged(&selected, request, descending, |it| it.stamps.updated_at),
        MappingOrderBy::FromKey => paged(&selected, request, descending, |it| fold(key(view, it.from))),
        MappingOrderBy::ToKey => paged(&selected, request, descending, |it| fold(key(view, it.to))),
        MappingOrderBy::Type => paged(&selected, request, descending, |it| it.mapping_type.as_str()),
        MappingOrderBy::Relationship => {
            paged(&selected, request, descending, |it: &Mapping| it.relationship.as_str())
        }
    }
}

/// The key of an end; empty for what is not there.
fn key(view: &View, id: EntityId) -> &str {
    view.entity(id).map_or("", |entity| entity.label())
}
