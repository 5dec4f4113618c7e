//! Questions to a [`View`](crate::graph::View): one filter algebra over bitmaps, for every door.

pub mod facet;
pub mod filter;
pub mod order;
pub mod page;
pub mod search;
pub mod tree;

pub use facet::{Bucket, FacetBy, facet};
pub use filter::{Field, Filter, Relation, TextTest, select};
pub use order::{Order, OrderBy};
pub use page::{Page, PageRequest, page};
pub use search::{Hit, search};
pub use tree::{Descendant, descendants};
