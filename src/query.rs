//! Questions to a [`View`](crate::graph::View): one filter algebra over bitmaps, for every door.

mod closeness;
pub mod cost;
pub mod doctor;
pub mod facet;
pub mod filter;
mod least;
pub mod mapping;
pub mod page;
mod position;
pub mod search;
mod select;
mod similar;
mod text;
pub mod tree;

pub use crate::graph::order::{Order, OrderBy};
pub use doctor::{Finding, FindingCode, Findings, doctor};
pub use facet::{Bucket, FacetBy, facet, facets};
pub use filter::{Field, Filter, Relation, TextTest};
pub use mapping::{
    MappingFilter, MappingOrder, MappingOrderBy, MappingPage, MappingPageRequest, Subtree, UnknownCursor,
    mappings,
};
pub use page::{Page, PageRequest, cursor, page};
pub use search::{Hit, search};
pub use select::select;
pub use tree::{Descendant, descendants};
