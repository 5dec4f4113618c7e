//! Mapping queries: filtered, sorted and paged lists, for REST and GraphQL.
//!
//! Invariant: however the candidates are found, the result is that of testing each visible mapping by itself, sorting
//! all matches and cutting out the page. No more mappings are in memory than about two pages contain.

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

/// The property that mappings are sorted by. Equal ones are sorted by id.
///
/// ```
/// use clade::query::{MappingFilter, MappingOrder, MappingOrderBy, MappingPageRequest, mappings};
/// use clade::{CreatePerson, Directory};
///
/// let people = ["eve@corp.example", "ada@corp.example"].map(|email| CreatePerson::new(email).under("Corp"));
/// let view = Directory::in_memory()?.apply(people)?.view;
/// let order = MappingOrder { by: MappingOrderBy::FromKey, descending: false };
/// let page = mappings(&view, &MappingFilter::default(), order, &MappingPageRequest::default())?;
/// assert_eq!(view.label(page.mappings[0].from), "ada@corp.example");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MappingOrderBy {
    /// Their ids, which is the order of creation.
    #[default]
    Id,
    /// The time of creation.
    CreatedAt,
    /// The time of the last change.
    UpdatedAt,
    /// The key of the `from` end, case-insensitive.
    FromKey,
    /// The key of the `to` end, case-insensitive.
    ToKey,
    /// The name of the type.
    Type,
    /// The name of the relationship.
    Relationship,
}

/// A sort order of mappings.
///
/// ```
/// use clade::query::{MappingFilter, MappingOrder, MappingPageRequest, mappings};
/// use clade::{CreatePerson, Directory};
///
/// let people = ["eve@corp.example", "ada@corp.example"].map(|email| CreatePerson::new(email).under("Corp"));
/// let view = Directory::in_memory()?.apply(people)?.view;
/// let newest_first = MappingOrder { descending: true, ..MappingOrder::default() };
/// let page = mappings(&view, &MappingFilter::default(), newest_first, &MappingPageRequest::default())?;
/// assert_eq!(view.label(page.mappings[0].from), "ada@corp.example");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MappingOrder {
    /// The property to sort by.
    pub by: MappingOrderBy,
    /// Greatest value first; among equal ones the greatest id first.
    pub descending: bool,
}

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

/// The key of an end; empty if the entity is not visible.
fn key(view: &View, id: EntityId) -> &str {
    view.entity(id).map_or("", |entity| entity.label())
}
