//! Who and what belongs where: an embedded graph store of people, projects and org units.

pub mod access;
pub mod cli;
pub mod directory;
pub mod error;
pub mod graph;
pub mod model;
pub mod query;
pub mod server;
pub mod store;

pub use directory::{Directory, View};
pub use error::Error;
