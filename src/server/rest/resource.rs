//! `Resource`: the kinds of records that REST returns, each with its columns, its rows and its sort fields.

use std::sync::Arc;

use crate::directory::View;
use crate::model::entity::{EntityId, Kind, Revision};
use crate::model::mapping::Mapping;
use crate::query::subtree::Descendant;
use crate::wire::columns::Columns;
use crate::wire::row::Row;
use crate::wire::{asset, mapping, person, project, unit};

/// A kind of record that responses contain.
pub(super) trait Resource: Send + Sync + 'static {
    /// The handle of a record until it is serialized, such as its id.
    type Item: Send + Sync + 'static;

    /// Its fields and CSV columns.
    fn columns() -> &'static Columns;

    /// The record; `None` if it does not exist in the caller's scope.
    fn row<'v>(view: &'v View, item: &'v Self::Item) -> Option<Row<'v>>;

    /// The revision in which the record last changed.
    fn revision(view: &View, item: &Self::Item) -> Option<Revision> {
        Self::row(view, item).map(|row| row.stamps().revision)
    }

    /// The fields that lists of it can be sorted by.
    fn sorts() -> Vec<&'static str> {
        Self::columns().sorts().into_iter().map(|(name, _)| name).collect()
    }
}

/// A kind of record that is an entity: filtered, sorted and paged by the query engine.
pub(super) trait Entities: Resource<Item = EntityId> {
    /// The kind of entity.
    const KIND: Kind;
}

macro_rules! entities {
    ($($(#[$doc:meta])* $name:ident = $kind:ident, $columns:expr;)+) => {
        $(
            $(#[$doc])*
            #[derive(Debug)]
            pub(super) struct $name;

            impl Resource for $name {
                type Item = EntityId;

                fn columns() -> &'static Columns {
                    &$columns
                }

                fn row<'v>(view: &'v View, item: &'v EntityId) -> Option<Row<'v>> {
                    Row::entity(view, *item)
                }
            }

            impl Entities for $name {
                const KIND: Kind = Kind::$kind;
            }
        )+
    };
}

entities! {
    /// People.
    People = Person, person::COLUMNS;
    /// Projects.
    Projects = Project, project::COLUMNS;
    /// Repositories.
    Repositories = Repository, asset::COLUMNS;
    /// Units.
    Units = OrgUnit, unit::COLUMNS;
}

/// Units below a unit, with depth and parent.
#[derive(Debug)]
pub(super) struct Descendants;

impl Resource for Descendants {
    type Item = Descendant;

    fn columns() -> &'static Columns {
        &unit::DESCENDANT
    }

    fn row<'v>(view: &'v View, item: &'v Descendant) -> Option<Row<'v>> {
        Row::descendant(view, item)
    }
}

/// The fields that lists of mappings can be sorted by.
// Not from the columns: mappings are no entities, and the query engine has a list of orders of its own for them.
pub(super) const MAPPING_SORTS: [&str; 6] =
    ["createdAt", "updatedAt", "attribute1", "attribute2", "mappingType", "relationship"];

/// Mappings of every type.
#[derive(Debug)]
pub(super) struct MappingResource;

impl Resource for MappingResource {
    type Item = Arc<Mapping>;

    fn columns() -> &'static Columns {
        &mapping::COLUMNS
    }

    fn row<'v>(view: &'v View, item: &'v Arc<Mapping>) -> Option<Row<'v>> {
        Row::mapping(view, item)
    }

    fn sorts() -> Vec<&'static str> {
        MAPPING_SORTS.to_vec()
    }
}
