//! `Mapping`: the GraphQL type of a mapping between two records, with its filter and connection.

use std::sync::Arc;

use async_graphql::{Context, Description, Enum, ID, InputObject, Object, SimpleObject};

use crate::directory::View;
use crate::model::entity::EntityId;
use crate::model::key::Name;
use crate::model::mapping::{Mapping as Record, MappingId};
use crate::model::version::ExpectedRevision;
use crate::query::with_similar;
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

/// Type of a mapping: the kinds of the records that it connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::model::mapping::MappingType")]
pub(crate) enum MappingType {
    /// Parent unit to child unit.
    ParentChild,
    /// Project to member.
    ProjectPeople,
    /// Project to the unit that it is placed in.
    ProjectOrg,
    /// Person to the unit that the person is placed in.
    PeopleOrg,
}

/// Cardinality of a mapping, as the client states it. It is stored and not enforced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::model::mapping::Relationship")]
pub(crate) enum Relationship {
    /// Many `from`, many `to`.
    ManyToMany,
    /// Many `from`, one `to`.
    ManyToOne,
    /// One `from`, one `to`.
    OneToOne,
    /// One `from`, many `to`.
    OneToMany,
    /// Parent and child of the hierarchy.
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

    /// The mapping's UUID, as in REST.
    async fn mapping_id(&self) -> String {
        self.mapping.id.to_string()
    }

    /// The type of the mapping.
    async fn mapping_type(&self) -> MappingType {
        self.mapping.mapping_type.into()
    }

    /// The cardinality, as the client stated it.
    async fn relationship(&self) -> Relationship {
        self.mapping.relationship.into()
    }

    /// The first end: the parent unit, or the project; for `PEOPLE_ORG`, the person. `attribute1` in REST.
    // An inaccessible end is a fault: a mapping is visible only if both of its ends are.
    async fn from(&self) -> Result<Node> {
        Node::at(&self.view, self.mapping.from).ok_or_else(Problem::internal)
    }

    /// The second end: the child unit, the member, or for a placement the unit. `attribute2` in REST.
    async fn to(&self) -> Result<Node> {
        Node::at(&self.view, self.mapping.to).ok_or_else(Problem::internal)
    }

    /// The key of `from`: of the parent unit or project; for `PEOPLE_ORG`, the email of the person.
    async fn attribute1(&self) -> Metered<String> {
        Metered(self.view.label(self.mapping.from))
    }

    /// The key of `to`: of the child unit or member; for a placement, of the unit.
    async fn attribute2(&self) -> Metered<String> {
        Metered(self.view.label(self.mapping.to))
    }

    /// The source system of the mapping.
    async fn source(&self) -> Option<Metered<&str>> {
        self.mapping.source.as_deref().map(Name::as_str).map(Metered)
    }

    /// Custom attributes, a JSON object.
    async fn attributes(&self, context: &Context<'_>) -> Result<Json> {
        budget::attributes(context, &self.mapping.attributes)
    }

    /// Effective date: when the mapping became valid.
    async fn valid_from(&self) -> DateTime {
        DateTime(self.mapping.stamps.valid_from)
    }

    /// End of validity. Null if open.
    async fn valid_to(&self) -> Option<DateTime> {
        self.mapping.stamps.valid_to.map(DateTime)
    }

    /// When the record was created.
    async fn created_at(&self) -> DateTime {
        DateTime(self.mapping.stamps.created_at)
    }

    /// When the record was last changed.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.mapping.stamps.updated_at)
    }

    /// The revision that last changed the record.
    async fn revision(&self) -> Revision {
        Revision(self.mapping.stamps.revision)
    }

    /// The version of the record, for `ifRevision`: changes with each change of the record, and when the store is restored.
    async fn version(&self) -> String {
        ExpectedRevision::of(self.mapping.stamps.revision, self.view.lineage()).to_string()
    }
}

/// Filter of mappings. All present conditions must match.
#[derive(Debug, Default, InputObject)]
pub(crate) struct MappingFilter {
    /// Any of these types.
    mapping_type: Option<Vec<MappingType>>,
    /// Any of these relationships.
    relationship: Option<Vec<Relationship>>,
    /// Mappings with this record at either end: a global id, a unit's key, external id, path (`Corp/R&D`) or unique name, or
    /// `<kind>:<key>`, where the kind is orgUnit, person or project, such as `person:ada@corp.example`.
    node: Option<ID>,
    /// The source system, exactly.
    source: Option<String>,
}

/// A page of mappings, in creation order.
#[derive(Description)]
pub(crate) struct MappingConnection {
    view: View,
    found: MappingPage,
}

/// A mapping in a list, with its cursor.
#[derive(SimpleObject)]
pub(crate) struct MappingEdge {
    /// The mapping.
    node: Mapping,
    /// Opaque cursor of this edge.
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
        let found = Budget::of(context)?.run_read(view, filter.cost(view), find).await?;
        Ok(Self { view: view.clone(), found })
    }

    fn page(&self) -> impl DoubleEndedIterator<Item = Mapping> + '_ {
        let node = |mapping: &Arc<Record>| Mapping { view: self.view.clone(), mapping: Arc::clone(mapping) };
        self.found.mappings.iter().map(node)
    }
}

impl MappingFilter {
    /// The filter in the query engine's form.
    fn read(self, view: &View) -> Result<Filter> {
        let base = match &self.node {
            None => Filter::default(),
            Some(id) => match NamedRecord::read(view, id) {
                Some(NamedRecord::Entity(id)) => Filter { end: Some(id), ..Filter::default() },
                // A mapping is a node, so its id is legal here, but no mapping has another one at an end.
                Some(NamedRecord::Mapping(_)) => return Ok(Filter::nothing()),
                None => Filter { end: Some(end(view, id)?), ..Filter::default() },
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

/// The unit, person or project that a text names: a unit by any reference, or the kind and key.
fn end(view: &View, text: &ID) -> Result<EntityId> {
    // A unit first, as its key may begin with the name of a kind.
    let refusal = match unit(view, text) {
        Ok(unit) => return Ok(unit),
        Err(refusal) => refusal,
    };
    let similar = |refusal| with_similar(view, refusal);
    Ok(match text.split_once(':') {
        Some(("orgUnit", key)) => view.org_unit(key).map_err(similar)?.id(),
        Some(("person", email)) => view.person(email).map_err(similar)?.id(),
        Some(("project", id)) => view.project(id).map_err(similar)?.id(),
        _ => return Err(refusal),
    })
}

/// Reads the pagination arguments.
fn request(args: PageArgs) -> Result<MappingPageRequest> {
    let PageRequest { first, after, last, before } = args.request()?;
    let at = |field, cursor: Option<String>| {
        cursor.map(|cursor| id_of(&cursor).ok_or_else(|| no_cursor(field))).transpose()
    };
    Ok(MappingPageRequest { first, after: at("after", after)?, last, before: at("before", before)? })
}

/// The mapping id in a cursor. A cursor is the mapping's global id.
fn id_of(cursor: &str) -> Option<MappingId> {
    match GlobalId::read(&ID::from(cursor)) {
        // The parser takes more spellings of a UUID than the one in an issued cursor; those were never given out.
        Some(GlobalId::Mapping(id)) if mapping_id(id).as_str() == cursor => Some(id),
        _ => None,
    }
}

fn no_cursor(field: &'static str) -> Problem {
    invalid(format!("{field} is not a cursor of this list; use a cursor from its edges")).with("field", field)
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

    /// Position of this page in the list.
    async fn page_info(&self) -> PageInfo {
        let cursor = |mapping: Mapping| mapping_id(mapping.mapping.id);
        PageInfo {
            has_next_page: self.found.has_next,
            has_previous_page: self.found.has_previous,
            start_cursor: self.page().next().map(cursor),
            end_cursor: self.page().next_back().map(cursor),
        }
    }

    /// Number of mappings that match, on all pages.
    async fn total_count(&self) -> u64 {
        self.found.count
    }
}
