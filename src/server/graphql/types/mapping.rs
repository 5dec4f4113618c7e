//! `Mapping`: who belongs where, since when.

use std::sync::Arc;

use async_graphql::{Context, Description, Enum, ID, InputObject, Object, SimpleObject};

use crate::directory::View;
use crate::model::entity::Kind;
use crate::model::key::Name;
use crate::model::mapping::{Mapping as Record, MappingType as Type, Relationship as Relation};
use crate::server::graphql::execution::budget::{self, Budget};
use crate::server::graphql::execution::limits::PAGE_DEFAULT;
use crate::server::graphql::types::connection::{PageArgs, PageInfo, invalid, page_size};
use crate::server::graphql::types::counted::Counted;
use crate::server::graphql::types::node::{Node, unit};
use crate::server::graphql::types::scalars::{DateTime, Json, Revision};
use crate::server::response::problem::{Problem, Result};
use crate::wire::id::{Named, mapping_id};

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
    pub(crate) async fn id(&self) -> Counted<ID> {
        Counted(ID(mapping_id(self.mapping.id)))
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
    async fn source(&self) -> Option<Counted<&str>> {
        self.mapping.source.as_deref().map(Name::as_str).map(Counted)
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
    all: Vec<Arc<Record>>,
    from: usize,
    to: usize,
}

/// One mapping of a list, with its cursor.
#[derive(SimpleObject)]
pub(crate) struct MappingEdge {
    /// The mapping.
    node: Mapping,
    /// Where this edge stands in the list.
    cursor: Counted<String>,
}

impl MappingConnection {
    pub(crate) async fn new(
        context: &Context<'_>,
        view: &View,
        filter: MappingFilter,
        args: PageArgs,
    ) -> Result<Self> {
        // A record is at some end of one mapping, as a rule.
        let records: u64 = Kind::ALL.into_iter().map(|kind| view.all(kind).len()).sum();
        let mappings = if filter.node.is_some() { 0 } else { records };
        Budget::of(context)?.look(view, mappings, || Self::found(view, &filter, &args)).await
    }

    fn found(view: &View, filter: &MappingFilter, args: &PageArgs) -> Result<Self> {
        let candidates = match &filter.node {
            Some(id) => match Named::read(view, id) {
                Some(Named::Entity(id)) => view.mappings_of(id),
                Some(Named::Mapping(_)) => Vec::new(),
                None => view.mappings_of(unit(view, id)?),
            },
            None => view.mappings(),
        };
        let all: Vec<_> = candidates.into_iter().filter(|mapping| filter.fits(mapping)).cloned().collect();
        let (mut from, mut to) = (0, all.len());
        if let Some(after) = &args.after {
            from = position(&all, after, "after")? + 1;
        }
        if let Some(before) = &args.before {
            to = position(&all, before, "before")?.max(from);
        }
        let (first, last) = (page_size("first", args.first)?, page_size("last", args.last)?);
        match (first, last) {
            (Some(_), Some(_)) => {
                return Err(invalid("give first or last, not both").with("field", "last"));
            }
            (None, Some(last)) => from = from.max(to.saturating_sub(last)),
            (first, None) => to = to.min(from.saturating_add(first.unwrap_or(PAGE_DEFAULT))),
        }
        Ok(Self { view: view.clone(), all, from, to })
    }

    fn page(&self) -> impl DoubleEndedIterator<Item = Mapping> + '_ {
        self.all[self.from..self.to]
            .iter()
            .map(|mapping| Mapping { view: self.view.clone(), mapping: Arc::clone(mapping) })
    }
}

impl MappingFilter {
    fn fits(&self, mapping: &Record) -> bool {
        let type_fits =
            |types: &Vec<MappingType>| types.iter().any(|t| Type::from(*t) == mapping.mapping_type);
        let relationship_fits =
            |all: &Vec<Relationship>| all.iter().any(|r| Relation::from(*r) == mapping.relationship);
        self.mapping_type.as_ref().is_none_or(type_fits)
            && self.relationship.as_ref().is_none_or(relationship_fits)
            && self
                .source
                .as_ref()
                .is_none_or(|asked| mapping.source.as_ref().is_some_and(|source| source.as_str() == asked))
    }
}

fn position(all: &[Arc<Record>], cursor: &str, field: &'static str) -> Result<usize> {
    all.iter().position(|mapping| mapping_id(mapping.id) == cursor).ok_or_else(|| {
        let detail = format!("{field} is no cursor of this list; take one from its edges");
        invalid(detail).with("field", field)
    })
}

#[Object(use_type_description)]
impl MappingConnection {
    /// The mappings of this page.
    async fn nodes(&self, context: &Context<'_>) -> Result<Vec<Mapping>> {
        budget::page_of(context, self.to - self.from)?;
        Ok(self.page().collect())
    }

    /// The mappings of this page, each with its cursor.
    async fn edges(&self, context: &Context<'_>) -> Result<Vec<MappingEdge>> {
        budget::page_of(context, self.to - self.from)?;
        let edge = |node: Mapping| MappingEdge { cursor: Counted(mapping_id(node.mapping.id)), node };
        Ok(self.page().map(edge).collect())
    }

    /// Where this page stands in the list.
    async fn page_info(&self) -> PageInfo {
        let cursor = |mapping: Mapping| mapping_id(mapping.mapping.id);
        PageInfo {
            has_next_page: self.to < self.all.len(),
            has_previous_page: self.from > 0,
            start_cursor: self.page().next().map(cursor),
            end_cursor: self.page().next_back().map(cursor),
        }
    }

    /// How many mappings the whole list has.
    async fn total_count(&self) -> usize {
        self.all.len()
    }
}
