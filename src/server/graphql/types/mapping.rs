//! `Mapping`: who belongs where, since when.

use std::sync::Arc;

use async_graphql::{Context, Description, Enum, ID, InputObject, Object, SimpleObject};

use crate::directory::View;
use crate::model::key::Name;
use crate::model::mapping::{Mapping as Record, MappingId};
use crate::query::{
    MappingFilter as Filter, MappingOrder, MappingPage, MappingPageRequest, PageRequest, mappings,
};
use crate::server::graphql::execution::budget::{self, Budget};
use crate::server::graphql::types::connection::{PageArgs, PageInfo, invalid};
use crate::server::graphql::types::metered::Metered;
use crate::server::graphql::types::node::{Node, unit};
use crate::server::graphql::types::scalars::{DateTime, Json, Revision};
use crate::server::response::problem::{Problem, Result};
use crate::wire::id::{GlobalId, NamedRecord, mapping_id};

/// What kinds of record a mapping connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::model::mapping::MappingType")]
pub(crate) enum MappingType {
    /// A unit, and a unit directly beneath it.
    ParentChild,
    /// A project, and a person who works on it.
    ProjectPeople,
    /// A project, and a unit that it is placed in.
    ProjectOrg,
    /// A person, and a unit that the person is placed in.
    PeopleOrg,
}

/// How many of one end go with how many of the other, as the caller says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::model::mapping::Relationship")]
pub(crate) enum Relationship {
    /// Any number on both sides.
    ManyToMany,
    /// Many of the first, one of the second.
    ManyToOne,
    /// One of each.
    OneToOne,
    /// One of the first, many of the second.
    OneToMany,
    /// A parent and a child of the hierarchy.
    OrgHierarchy,
}

/// A mapping between two records.
#[derive(Clone, Description)]
pub(crate) struct Mapping {
    pub(crate) view: View,
    pub(crate) mapping: Arc<Record>,
}

#[Object(use_type_description)]
impl Mapping {
    /// The global id.
    pub(crate) async fn id(&self) -> Metered<ID> {
        Metered(ID(mapping_id(self.mapping.id)))
    }

    /// The id as REST has it, a UUID.
    async fn mapping_id(&self) -> String {
        self.mapping.id.to_string()
    }

    /// What it connects.
    async fn mapping_type(&self) -> MappingType {
        self.mapping.mapping_type.into()
    }

    /// How, as the caller says it.
    async fn relationship(&self) -> Relationship {
        self.mapping.relationship.into()
    }

    /// REST's `attribute1`: the parent, the project, or of a placement the person.
    async fn from(&self) -> Result<Node> {
        Node::at(&self.view, self.mapping.from).ok_or_else(Problem::internal)
    }

    /// REST's `attribute2`: the child, the person, or of a placement the unit.
    async fn to(&self) -> Result<Node> {
        Node::at(&self.view, self.mapping.to).ok_or_else(Problem::internal)
    }

    /// Which system says so.
    async fn source(&self) -> Option<Metered<&str>> {
        self.mapping.source.as_deref().map(Name::as_str).map(Metered)
    }

    /// Fields that the directory has no name for.
    async fn attributes(&self, context: &Context<'_>) -> Result<Json> {
        budget::attributes(context, &self.mapping.attributes)
    }

    /// From when it holds.
    async fn valid_from(&self) -> DateTime {
        DateTime(self.mapping.stamps.valid_from)
    }

    /// Until when it holds; open when null.
    async fn valid_to(&self) -> Option<DateTime> {
        self.mapping.stamps.valid_to.map(DateTime)
    }

    /// When the record was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.mapping.stamps.created_at)
    }

    /// When the record last changed.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.mapping.stamps.updated_at)
    }

    /// The revision in which the record last changed.
    async fn revision(&self) -> Revision {
        Revision(self.mapping.stamps.revision)
    }
}

/// Which mappings. What is not given does not narrow.
#[derive(Debug, Default, InputObject)]
pub(crate) struct MappingFilter {
    /// Of any of these types.
    mapping_type: Option<Vec<MappingType>>,
    /// Of any of these relationships.
    relationship: Option<Vec<Relationship>>,
    /// Those that name this node at either end: a global id, or any way to name a unit.
    node: Option<ID>,
    /// Those that this system says.
    source: Option<String>,
}

/// A page of mappings, in the order in which they were made.
#[derive(Description)]
pub(crate) struct MappingConnection {
    view: View,
    found: MappingPage,
}

/// One mapping of a list, with its cursor.
#[derive(SimpleObject)]
pub(crate) struct MappingEdge {
    /// The mapping.
    node: Mapping,
    /// Where this edge stands in the list.
    cursor: Metered<String>,
}

impl MappingConnection {
    pub(crate) async fn new(
        context: &Context<'_>,
        view: &View,
        filter: MappingFilter,
        args: PageArgs,
    ) -> Result<Self> {
        let request = request(args)?;
        let filter = filter.read(view)?;
        let order = MappingOrder::default();
        let find = || mappings(view, &filter, order, &request).map_err(|no| no_cursor(no.field));
        let found = Budget::of(context)?.look(view, filter.cost(view), find).await?;
        Ok(Self { view: view.clone(), found })
    }

    fn page(&self) -> impl DoubleEndedIterator<Item = Mapping> + '_ {
        let shown = |mapping: &Arc<Record>| Mapping { view: self.view.clone(), mapping: Arc::clone(mapping) };
        self.found.mappings.iter().map(shown)
    }
}

impl MappingFilter {
    /// The same for the query engine.
    fn read(self, view: &View) -> Result<Filter> {
        let base = match &self.node {
            None => Filter::default(),
            Some(id) => match NamedRecord::read(view, id) {
                Some(NamedRecord::Entity(id)) => Filter { end: Some(id), ..Filter::default() },
                Some(NamedRecord::Mapping(_)) => return Ok(Filter::nothing()),
                None => Filter { end: Some(unit(view, id)?), ..Filter::default() },
            },
        };
        Ok(Filter {
            types: self.mapping_type.map(|types| types.into_iter().map(Into::into).collect()),
            relationships: self.relationship.map(|all| all.into_iter().map(Into::into).collect()),
            source: self.source,
            ..base
        })
    }
}

/// The page that the arguments ask for.
fn request(args: PageArgs) -> Result<MappingPageRequest> {
    let PageRequest { first, after, last, before } = args.request()?;
    let at = |field, cursor: Option<String>| {
        cursor.map(|cursor| id_of(&cursor).ok_or_else(|| no_cursor(field))).transpose()
    };
    Ok(MappingPageRequest { first, after: at("after", after)?, last, before: at("before", before)? })
}

/// The mapping at which a cursor stands: its global id, just as it was given out.
fn id_of(cursor: &str) -> Option<MappingId> {
    match GlobalId::read(&ID::from(cursor)) {
        Some(GlobalId::Mapping(id)) if mapping_id(id).as_str() == cursor => Some(id),
        _ => None,
    }
}

fn no_cursor(field: &'static str) -> Problem {
    invalid(format!("{field} is no cursor of this list; take one from its edges")).with("field", field)
}

#[Object(use_type_description)]
impl MappingConnection {
    /// The mappings of this page.
    async fn nodes(&self, context: &Context<'_>) -> Result<Vec<Mapping>> {
        budget::page_of(context, self.found.mappings.len())?;
        Ok(self.page().collect())
    }

    /// The mappings of this page, each with its cursor.
    async fn edges(&self, context: &Context<'_>) -> Result<Vec<MappingEdge>> {
        budget::page_of(context, self.found.mappings.len())?;
        let edge = |node: Mapping| MappingEdge { cursor: Metered(mapping_id(node.mapping.id)), node };
        Ok(self.page().map(edge).collect())
    }

    /// Where this page stands in the list.
    async fn page_info(&self) -> PageInfo {
        let cursor = |mapping: Mapping| mapping_id(mapping.mapping.id);
        PageInfo {
            has_next_page: self.found.has_next,
            has_previous_page: self.found.has_previous,
            start_cursor: self.page().next().map(cursor),
            end_cursor: self.page().next_back().map(cursor),
        }
    }

    /// How many mappings the whole list has.
    async fn total_count(&self) -> u64 {
        self.found.count
    }
}
