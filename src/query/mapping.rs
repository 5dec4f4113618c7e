//! Mapping queries: filtered, sorted and paged lists, for REST and GraphQL.
//!
//! Invariant: however the candidates are found, the result is that of testing each visible mapping by itself, sorting
//! all matches and cutting out the page. No more mappings are in memory than about two pages contain.

mod candidates;
mod filter;
mod page;
mod subtree;

use crate::graph::View;

use self::candidates::Selected;
use self::page::{page_of, paged};

pub use self::filter::MappingFilter;
pub use self::page::{MappingPage, MappingPageRequest, UnknownCursor};
pub use self::subtree::Subtree;
pub use crate::graph::{MappingOrder, MappingOrderBy};

/// Returns the requested page of the mappings that `filter` matches.
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
/// [`UnknownCursor`] if `after` or `before` is a mapping that `filter` does not match.
pub fn mappings(
    view: &View,
    filter: &MappingFilter,
    order: MappingOrder,
    request: &MappingPageRequest,
) -> Result<MappingPage, UnknownCursor> {
    if *filter == MappingFilter::default()
        && let Some(sorted) = view.sorted_mappings(order.by)
    {
        return page_of(view, sorted, order, request);
    }
    paged(&Selected::new(view, filter), request, order)
}
