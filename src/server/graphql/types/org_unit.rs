//! `OrgUnit`: the hierarchy from one unit's point of view.

use async_graphql::{Context, Description, ID, Object, OneofObject, SimpleObject};

use crate::directory::View;
use crate::model::entity::{EntityId, Kind, OrgUnit as Record};
use crate::model::key::{ExternalId, UnitKey};
use crate::model::level::UnitType;
use crate::model::reference::UnitRef;
use crate::query::filter::Filter;
use crate::server::graphql::execution::budget::{self, list};
use crate::server::graphql::filter::{
    PersonFilter, PersonOrder, ProjectFilter, ProjectOrder, RepositoryFilter, RepositoryOrder,
};
use crate::server::graphql::types::connection::{Connection, PageArgs};
use crate::server::graphql::types::descendants::DescendantConnection;
use crate::server::graphql::types::metered::Metered;
use crate::server::graphql::types::node::VisibleEntity;
use crate::server::graphql::types::person::Person;
use crate::server::graphql::types::project::Project;
use crate::server::graphql::types::repository::Repository;
use crate::server::graphql::types::scalars::{DateTime, Json, Revision};
use crate::server::response::problem::{Problem, Result};
use crate::wire::id::NamedRecord;

/// A unit of the hierarchy: an organization, a business, a department, a group, a team, or a type of one's own.
#[derive(Clone, Description)]
pub(crate) struct OrgUnit(pub(crate) VisibleEntity);

/// One way to name a unit.
#[derive(OneofObject)]
pub(crate) enum OrgUnitBy {
    /// Exactly this key.
    Key(String),
    /// Names from an ancestor down to the unit; or one text with `/` between them.
    Path(Vec<String>),
    /// The id that another system gave it.
    ExternalId(String),
}

impl OrgUnitBy {
    /// The unit that it names, if it is in sight.
    pub(crate) fn find(self, view: &View) -> Result<Option<EntityId>> {
        let reference = match self {
            Self::Key(key) => UnitRef::Key(UnitKey::parse(&key)?),
            Self::Path(names) => return at_path(view, names),
            Self::ExternalId(id) => UnitRef::ExternalId(ExternalId::parse(&id)?),
        };
        Ok(view.find_unit_of(&reference, None)?)
    }
}

/// The unit at the end of a path. A path given as one text, which GraphQL makes a list of one name, is taken apart
/// at its slashes where no unit has the whole of it as its name.
fn at_path(view: &View, names: Vec<String>) -> Result<Option<EntityId>> {
    let spelled = match &*names {
        [text] => Some(text.split('/').map(|name| name.trim().to_owned()).collect()),
        _ => None,
    };
    let found = view.find_unit_of(&UnitRef::Path(names), None)?;
    match (found, spelled) {
        (None, Some(names)) => Ok(view.find_unit_of(&UnitRef::Path(names), None)?),
        (found, _) => Ok(found),
    }
}

/// What is beneath a unit at any depth, each counted once.
#[derive(SimpleObject)]
pub(crate) struct Totals {
    /// Units strictly beneath it.
    units: u64,
    /// People placed in it or beneath it.
    people: u64,
    /// Projects placed in it or beneath it.
    projects: u64,
    /// Repositories of those projects.
    repositories: u64,
    /// Services of those projects.
    services: u64,
}

impl OrgUnit {
    pub(crate) fn at(view: &View, id: EntityId) -> Option<Self> {
        VisibleEntity::at(view, id).filter(|seen| seen.entity.kind() == Kind::OrgUnit).map(Self)
    }

    pub(crate) fn all(view: &View, ids: impl IntoIterator<Item = EntityId>) -> Vec<Self> {
        ids.into_iter().filter_map(|id| Self::at(view, id)).collect()
    }

    fn record(&self) -> Result<&Record> {
        self.0.entity.as_org_unit().ok_or_else(Problem::internal)
    }

    fn placed(&self, recursive: bool) -> Filter {
        let unit = vec![self.0.id()];
        if recursive { Filter::Within(unit) } else { Filter::DirectlyIn(unit) }
    }
}

#[Object(use_type_description)]
impl OrgUnit {
    /// The global id.
    pub(crate) async fn id(&self) -> Metered<ID> {
        Metered(self.0.global_id())
    }

    /// Unique among units.
    async fn key(&self) -> Result<Metered<&str>> {
        Ok(Metered(self.record()?.key.as_str()))
    }

    /// What people call it. Several units may share a name.
    async fn name(&self) -> Result<Metered<&str>> {
        Ok(Metered(self.record()?.name.as_str()))
    }

    /// Its type, in lower case: a level's name, or any other word.
    #[graphql(name = "type")]
    async fn unit_type(&self) -> Result<Metered<&str>> {
        Ok(Metered(self.record()?.unit_type.as_str()))
    }

    /// 1 for an organization to 5 for a team; null for a type that is no level.
    async fn level(&self) -> Result<Option<u8>> {
        Ok(self.record()?.unit_type.level().map(crate::model::level::Level::number))
    }

    /// What another system calls it.
    async fn external_id(&self) -> Result<Option<Metered<&str>>> {
        Ok(self.record()?.external_id.as_ref().map(ExternalId::as_str).map(Metered))
    }

    /// Fields that the directory has no name for.
    async fn attributes(&self, context: &Context<'_>) -> Result<Json> {
        budget::attributes(context, &self.record()?.attributes)
    }

    /// The units directly above, the earliest mapping first.
    async fn parents(&self, context: &Context<'_>) -> Result<Vec<OrgUnit>> {
        Ok(Self::all(&self.0.view, list(context, &self.0.view, self.0.view.parents(self.0.id())).await?))
    }

    /// Every unit above, each once, root first.
    async fn ancestors(&self, context: &Context<'_>) -> Result<Vec<OrgUnit>> {
        Ok(Self::all(&self.0.view, list(context, &self.0.view, self.0.view.ancestors(self.0.id())).await?))
    }

    /// The units directly beneath, by name.
    async fn children(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only units of these types.")] types: Option<Vec<String>>,
    ) -> Result<Vec<OrgUnit>> {
        let types = unit_types(types)?;
        let mut children =
            Self::all(&self.0.view, list(context, &self.0.view, self.0.view.children(self.0.id())).await?);
        children.retain(|child| {
            types.is_empty() || child.record().is_ok_and(|unit| types.contains(&unit.unit_type))
        });
        Ok(children)
    }

    /// Every unit beneath as one flat list, depth first, siblings by name: a whole tree in one call. A unit with
    /// several parents is listed once, at its least depth.
    async fn descendants(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "At most so many levels down; 1 for children alone.")] depth: Option<u32>,
        #[graphql(desc = "Only units of these types; the walk passes through others.")] types: Option<
            Vec<String>,
        >,
        #[graphql(desc = "At most so many, up to 1,000, which is also the default.")] first: Option<i64>,
        #[graphql(desc = "Those after this cursor.")] after: Option<String>,
    ) -> Result<DescendantConnection> {
        let types = unit_types(types)?;
        DescendantConnection::new(context, &self.0, depth, &types, first, after.as_deref()).await
    }

    /// The people placed in it, and beneath it unless `recursive` is false, each once.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection are the schema's")]
    async fn people(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Also those beneath it.", default = true)] recursive: bool,
        #[graphql(desc = "Only these.")] filter: Option<PersonFilter>,
        #[graphql(desc = "In this order; else in the order in which they were made.")] order_by: Option<
            PersonOrder,
        >,
        #[graphql(
            desc = "At most so many from the start, up to 1,000; 100 when neither this nor last is given."
        )]
        first: Option<i64>,
        #[graphql(desc = "Those after this cursor.")] after: Option<String>,
        #[graphql(desc = "At most so many from the end, up to 1,000.")] last: Option<i64>,
        #[graphql(desc = "Those before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Person>> {
        let page = PageArgs { first, after, last, before };
        Connection::new(context, &self.0.view, self.placed(recursive), filter, order_by, page).await
    }

    /// The projects placed in it, and beneath it unless `recursive` is false, each once.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection are the schema's")]
    async fn projects(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Also those beneath it.", default = true)] recursive: bool,
        #[graphql(desc = "Only these.")] filter: Option<ProjectFilter>,
        #[graphql(desc = "In this order; else in the order in which they were made.")] order_by: Option<
            ProjectOrder,
        >,
        #[graphql(
            desc = "At most so many from the start, up to 1,000; 100 when neither this nor last is given."
        )]
        first: Option<i64>,
        #[graphql(desc = "Those after this cursor.")] after: Option<String>,
        #[graphql(desc = "At most so many from the end, up to 1,000.")] last: Option<i64>,
        #[graphql(desc = "Those before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Project>> {
        let page = PageArgs { first, after, last, before };
        Connection::new(context, &self.0.view, self.placed(recursive), filter, order_by, page).await
    }

    /// The repositories of the projects placed in it, and beneath it unless `recursive` is false, each once.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection are the schema's")]
    async fn repositories(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Also those beneath it.", default = true)] recursive: bool,
        #[graphql(desc = "Only these.")] filter: Option<RepositoryFilter>,
        #[graphql(desc = "In this order; else in the order in which they were made.")] order_by: Option<
            RepositoryOrder,
        >,
        #[graphql(
            desc = "At most so many from the start, up to 1,000; 100 when neither this nor last is given."
        )]
        first: Option<i64>,
        #[graphql(desc = "Those after this cursor.")] after: Option<String>,
        #[graphql(desc = "At most so many from the end, up to 1,000.")] last: Option<i64>,
        #[graphql(desc = "Those before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Repository>> {
        let page = PageArgs { first, after, last, before };
        Connection::new(context, &self.0.view, self.placed(recursive), filter, order_by, page).await
    }

    /// How many of each kind are beneath it at any depth, each counted once.
    async fn totals(&self) -> Totals {
        let totals = self.0.view.totals(self.0.id());
        Totals {
            units: totals.units,
            people: totals.people,
            projects: totals.projects,
            repositories: totals.repositories,
            services: totals.services,
        }
    }

    /// Whether the node is strictly beneath this unit.
    async fn contains(
        &self,
        #[graphql(desc = "A global id, or any way to name a unit.")] id: ID,
    ) -> Result<bool> {
        let view = &self.0.view;
        let lower = match NamedRecord::read(view, &id) {
            Some(NamedRecord::Entity(lower)) => lower,
            Some(NamedRecord::Mapping(_)) => return Ok(false),
            None => view.find_unit(&UnitRef::Text(id.to_string()))?,
        };
        Ok(view.contains(self.0.id(), lower))
    }

    /// When the record was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.entity.stamps.created_at)
    }

    /// When the record last changed.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.entity.stamps.updated_at)
    }

    /// The revision in which the record last changed.
    async fn revision(&self) -> Revision {
        Revision(self.0.entity.stamps.revision)
    }
}

/// Types as a caller gave them, read.
pub(crate) fn unit_types(types: Option<Vec<String>>) -> Result<Vec<UnitType>> {
    Ok(types
        .unwrap_or_default()
        .iter()
        .map(|word| UnitType::parse(word))
        .collect::<std::result::Result<_, _>>()?)
}
