//! Embedded graph store for organization data: org units, people, projects and the mappings between them.
//!
//! A *clade* is a common ancestor with all its descendants. The crate's main query is *everything under this unit, now,
//! counted, filtered, and within the scope of this token*.
//!
//! ```
//! use clade::query::{FacetBy, Field, Filter, TextTest, facet, select};
//! use clade::model::Level;
//! use clade::{CreateMapping, CreatePerson, CreateProject, Directory, Kind};
//!
//! # fn main() -> Result<(), clade::Error> {
//! let directory = Directory::in_memory()?; // or Directory::open("corp.redb")
//!
//! // A write returns once it is on disk. Units of a path that do not exist are created.
//! directory.apply(CreatePerson::new("ada@corp.example").under("Corp/Research"))?;
//! directory.apply(CreateProject::new("engine", "Engine").under("Corp/Research/Core"))?;
//! directory.apply(CreateMapping::member("engine", "ada@corp.example"))?;
//!
//! // A view is a snapshot of one revision; it never changes or blocks. Totals count each descendant once.
//! let view = directory.view();
//! let corp = view.org_unit("Corp")?;
//! assert_eq!((corp.totals().people, corp.totals().projects), (1, 1));
//!
//! // The filters and facets of GraphQL and REST.
//! let named = Filter::Text(Field::Name, TextTest::Contains("eng".to_owned()));
//! let filter = Filter::And(vec![Filter::Within(vec![corp.id()]), named]);
//! assert_eq!(select(&view, Kind::Project, &filter).len(), 1);
//! let buckets = facet(&view, Kind::Project, &filter, FacetBy::Level(Level::Organization), false);
//! assert_eq!((buckets[0].value.as_str(), buckets[0].count), ("Corp", 1));
//! # Ok(()) }
//! ```
//!
//! [`Directory`] takes writes, [`View`] is read-only. The binary's REST and GraphQL APIs and its command line
//! ([`server`], [`cli`]) use the same two types, without a private API. Every failure is an [`Error`] with a stable
//! [`code`](Error::code).
//!
//! The crate root has the builders of the common commands; [`model::command`] has every command with all its fields.
//!
//! Invariant: the library parts (all modules without the feature `server`) know nothing of HTTP.

// Modules hidden from the documentation are public only for this repository's tests, benches and fuzz targets.
// `directory`, `query` and the crate root re-export what a program needs of them.

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
