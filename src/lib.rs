//! Who and what belongs where: an embedded graph store of people, projects and org units.

pub mod error;
pub mod model;
pub mod store;

pub use error::Error;
