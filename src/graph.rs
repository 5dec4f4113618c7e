//! All records as one value: the petgraph graph, its bitmaps and indexes, and the [`View`] of it.
//!
//! Pure: no disk, no clock. Only `apply` alters a graph, and it cannot fail.

pub mod view;

pub use view::{OrgUnitNode, Totals, View};

/// All records at one revision.
#[derive(Debug, Clone, Default)]
pub struct Graph {}
