//! Who and what belongs where: an embedded graph store of people, projects and org units.
//!
//! A *clade* is a common ancestor and everything that descends from it. That is the question this crate answers:
//! *everything under this unit, now, counted, filtered, and allowed for this token*.
//!
//! ```
//! use clade::query::{FacetBy, Field, Filter, TextTest, facet, select};
//! use clade::model::Level;
//! use clade::{CreateMapping, CreatePerson, CreateProject, Directory, Kind};
//!
//! # fn main() -> Result<(), clade::Error> {
//! let directory = Directory::in_memory()?; // or Directory::open("corp.redb")
//!
//! // A write returns once it is on disk. Units that a path names are made where they do not exist.
//! directory.apply(CreatePerson::new("ada@corp.example").under("Corp/Research"))?;
//! directory.apply(CreateProject::new("engine", "Engine").under("Corp/Research/Core"))?;
//! directory.apply(CreateMapping::member("engine", "ada@corp.example"))?;
//!
//! // A view is one revision, and never changes or waits. What is beneath a unit is counted once.
//! let view = directory.view();
//! let corp = view.org_unit("Corp")?;
//! assert_eq!((corp.totals().people, corp.totals().projects), (1, 1));
//!
//! // Filters and facets are the ones that GraphQL and REST use.
//! let named = Filter::Text(Field::Name, TextTest::Contains("eng".to_owned()));
//! let filter = Filter::And(vec![Filter::Within(vec![corp.id()]), named]);
//! assert_eq!(select(&view, Kind::Project, &filter).len(), 1);
//! let buckets = facet(&view, Kind::Project, &filter, FacetBy::Level(Level::Organization), false);
//! assert_eq!((buckets[0].value.as_str(), buckets[0].count), ("Corp", 1));
//! # Ok(()) }
//! ```
//!
//! [`Directory`] changes, [`View`] only shows. The binary's REST, GraphQL and command line ([`server`], [`cli`]) use
//! the same two as you do, and have no private way in. Every refusal is an [`Error`] with a stable
//! [`code`](Error::code).
//!
//! Commands for common changes stand here; the others, each with all its fields, are in [`model::command`].

// Modules that are hidden from the documentation are public for this repository's tests, benches and fuzz targets alone;
// what a program needs of them is exported from `directory`, `query` and the crate's root.

pub mod access;
#[cfg(feature = "server")]
#[doc(hidden)]
pub mod cli;
pub mod directory;
pub mod error;
#[cfg(feature = "server")]
pub mod exchange;
#[doc(hidden)]
pub mod graph;
pub mod model;
pub mod query;
#[cfg(feature = "server")]
pub mod server;
#[doc(hidden)]
pub mod store;
mod timeline;
#[cfg(feature = "server")]
#[doc(hidden)]
pub mod wire;

pub use directory::{Applied, Directory, View};
pub use error::Error;
pub use model::{
    Command, CreateMapping, CreateOrgUnit, CreatePerson, CreateProject, DeleteMapping, DeleteOrgUnit,
    DeletePerson, DeleteProject, EntityId, IntoCommand, IntoCommands, Kind, MoveOrgUnit, Revision,
    UpdateMapping, UpdateOrgUnit, UpdatePerson, UpdateProject,
};
