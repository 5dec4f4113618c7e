//! Queries of a [`View`](crate::graph::View): filters, pages, search, facets and data-quality checks over bitmaps.
//!
//! REST, GraphQL and the command line all use these, so that they give the same results.

pub mod cost;
pub mod doctor;
pub mod facet;
pub mod filter;
pub mod lookup;
pub mod mapping;
pub mod nearby;
pub mod page;
mod position;
mod relevance;
pub mod search;
mod select;
mod spelling;
pub mod subtree;
mod text;
mod top_k;

pub use crate::graph::order::{Order, OrderBy};
pub use doctor::{Finding, FindingCode, Findings, doctor};
pub use facet::{Bucket, BucketPosition, FacetBy, FacetPage, facet, facets};
pub use filter::{Field, Filter, Relation, TextTest};
pub use lookup::{lookup, named, paths};
pub use mapping::{
    MappingFilter, MappingOrder, MappingOrderBy, MappingPage, MappingPageRequest, Subtree, UnknownCursor,
    mappings,
};
pub use nearby::with_similar;
pub use page::{Page, PageRequest, cursor, page};
pub use search::{Hit, search};
pub use select::select;
pub use subtree::{Descendant, descendants};
