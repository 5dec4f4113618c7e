//! `Query`: where every read begins.

use async_graphql::{Context, Description, Enum, ID, Object, SimpleObject};

use crate::directory::View;
use crate::model::entity::Kind;
use crate::model::key::{Email, ProjectId, RepoUrl, ServiceIdentifier};
use crate::query::filter::Filter;
use crate::query::search::search;
use crate::server::auth::caller::{StoreAdmin, TokenAdmin};
use crate::server::graphql::execution::budget::{self, Budget, list, list_of};
use crate::server::graphql::execution::limits::{SEARCH_DEFAULT, SEARCH_TEXT_MAX, SEARCH_TEXTS};
use crate::server::graphql::filter::{
    OrgUnitFilter, OrgUnitOrder, PersonFilter, PersonOrder, ProjectFilter, ProjectOrder, RepositoryFilter,
    RepositoryOrder,
};
use crate::server::graphql::types::connection::{Connection, Listed, PageArgs, invalid, page_size};
use crate::server::graphql::types::context::{caller, view};
use crate::server::graphql::types::doctor::{FindingCode, FindingConnection};
use crate::server::graphql::types::facet::OrgUnitFacet;
use crate::server::graphql::types::log::{Log, log};
use crate::server::graphql::types::mapping::{MappingConnection, MappingFilter};
use crate::server::graphql::types::metered::Metered;
use crate::server::graphql::types::node::{Node, unit};
use crate::server::graphql::types::org_unit::{OrgUnit, OrgUnitBy};
use crate::server::graphql::types::person::Person;
use crate::server::graphql::types::project::Project;
use crate::server::graphql::types::repository::Repository;
use crate::server::graphql::types::scalars::Revision;
use crate::server::graphql::types::service::Service;
use crate::server::graphql::types::token::Token;
use crate::server::response::problem::Result;

impl Listed for OrgUnit {
    const KIND: Kind = Kind::OrgUnit;
    const CONNECTION: &'static str = "OrgUnitConnection";
    const EDGE: &'static str = "OrgUnitEdge";
    type FacetBy = OrgUnitFacet;

    fn at(view: &View, id: crate::model::entity::EntityId) -> Option<Self> {
        OrgUnit::at(view, id)
    }
}

/// The kinds of node that search looks among.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum NodeKind {
    /// Units.
    OrgUnit,
    /// People.
    Person,
    /// Projects.
    Project,
    /// Repositories.
    Repository,
    /// Services.
    Service,
}

impl From<NodeKind> for Kind {
    fn from(kind: NodeKind) -> Self {
        match kind {
            NodeKind::OrgUnit => Self::OrgUnit,
            NodeKind::Person => Self::Person,
            NodeKind::Project => Self::Project,
            NodeKind::Repository => Self::Repository,
            NodeKind::Service => Self::Service,
        }
    }
}

/// One finding of a search.
#[derive(SimpleObject)]
pub(crate) struct SearchHit {
    /// What was found.
    node: Node,
    /// How well it fits, from 0 to 1; greater is better.
    score: f32,
    /// The text that fitted.
    matched: Metered<String>,
}

/// Every question to the directory. One request reads one revision.
#[derive(Description)]
pub(crate) struct Query;

#[Object(use_type_description)]
impl Query {
    /// The node with this global id; null when there is none in sight.
    async fn node(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "A global id.")] id: ID,
    ) -> Result<Option<Node>> {
        Ok(Node::named(view(context)?, &id))
    }

    /// The nodes with these global ids, in order; null for each that is not in sight. At most 1,000.
    async fn nodes(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Global ids.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>> {
        page_size("ids", i64::try_from(ids.len()).ok())?;
        let view = view(context)?;
        let nodes: Vec<_> = ids.iter().map(|id| Node::named(view, id)).collect();
        let found: Vec<_> = nodes.iter().flatten().filter_map(Node::entity_id).collect();
        budget::page(context, view, &found).await?;
        Ok(nodes)
    }

    /// The person with this email, without case; null when there is none in sight.
    async fn person(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The address.")] email: String,
    ) -> Result<Option<Person>> {
        let view = view(context)?;
        let id = view.person_by_email(&Email::parse(&email)?);
        Ok(id.and_then(|id| Person::at(view, id)))
    }

    /// The project with this id; null when there is none in sight.
    async fn project(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The project id.")] project_id: String,
    ) -> Result<Option<Project>> {
        let view = view(context)?;
        let id = view.project_by_id(&ProjectId::parse(&project_id)?);
        Ok(id.and_then(|id| Project::at(view, id)))
    }

    /// The repository at this url, in any spelling: from a commit's remote to its project and team. Where several
    /// projects claim it, the first that did. Null when none does.
    async fn repository(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The url, with or without scheme, user and `.git`.")] url: String,
    ) -> Result<Option<Repository>> {
        let view = view(context)?;
        let found = view.repositories_at(&RepoUrl::parse(&url)?);
        Ok(found.first().and_then(|id| Repository::at(view, *id)))
    }

    /// The service with this identifier. Where several projects claim it, the first that did. Null when none does.
    async fn service(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What machines call it.")] identifier: String,
    ) -> Result<Option<Service>> {
        let view = view(context)?;
        let found = view.services_called(&ServiceIdentifier::parse(&identifier)?);
        Ok(found.first().and_then(|id| Service::at(view, *id)))
    }

    /// The unit with this key, path or external id; null when there is none in sight.
    async fn org_unit(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Exactly one way to name it.")] by: OrgUnitBy,
    ) -> Result<Option<OrgUnit>> {
        let view = view(context)?;
        let id = by.find(view)?;
        Ok(id.and_then(|id| OrgUnit::at(view, id)))
    }

    /// The units with nothing above them, by name; for a limited token, the units that it names.
    async fn roots(&self, context: &Context<'_>) -> Result<Vec<OrgUnit>> {
        let view = view(context)?;
        Ok(OrgUnit::all(view, list(context, view, view.roots()).await?))
    }

    /// People.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection are the schema's")]
    async fn people(
        &self,
        context: &Context<'_>,
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
        Connection::new(context, view(context)?, Filter::All, filter, order_by, page).await
    }

    /// Projects.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection are the schema's")]
    async fn projects(
        &self,
        context: &Context<'_>,
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
        Connection::new(context, view(context)?, Filter::All, filter, order_by, page).await
    }

    /// Units of the hierarchy.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection are the schema's")]
    async fn org_units(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only these.")] filter: Option<OrgUnitFilter>,
        #[graphql(desc = "In this order; else in the order in which they were made.")] order_by: Option<
            OrgUnitOrder,
        >,
        #[graphql(
            desc = "At most so many from the start, up to 1,000; 100 when neither this nor last is given."
        )]
        first: Option<i64>,
        #[graphql(desc = "Those after this cursor.")] after: Option<String>,
        #[graphql(desc = "At most so many from the end, up to 1,000.")] last: Option<i64>,
        #[graphql(desc = "Those before this cursor.")] before: Option<String>,
    ) -> Result<Connection<OrgUnit>> {
        let page = PageArgs { first, after, last, before };
        Connection::new(context, view(context)?, Filter::All, filter, order_by, page).await
    }

    /// Repositories of all projects.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection are the schema's")]
    async fn repositories(
        &self,
        context: &Context<'_>,
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
        Connection::new(context, view(context)?, Filter::All, filter, order_by, page).await
    }

    /// Mappings, in the order in which they were made.
    async fn mappings(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only these.")] filter: Option<MappingFilter>,
        #[graphql(
            desc = "At most so many from the start, up to 1,000; 100 when neither this nor last is given."
        )]
        first: Option<i64>,
        #[graphql(desc = "Those after this cursor.")] after: Option<String>,
        #[graphql(desc = "At most so many from the end, up to 1,000.")] last: Option<i64>,
        #[graphql(desc = "Those before this cursor.")] before: Option<String>,
    ) -> Result<MappingConnection> {
        let args = PageArgs { first, after, last, before };
        MappingConnection::new(context, view(context)?, filter.unwrap_or_default(), args).await
    }

    /// The best matches for a text among names, keys, emails and urls, without case.
    async fn search(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What to look for; of several words, each must be found.")] text: String,
        #[graphql(desc = "Only among these kinds.")] kinds: Option<Vec<NodeKind>>,
        #[graphql(desc = "Only beneath this unit: a global id, or any way to name a unit.")] within: Option<
            ID,
        >,
        #[graphql(desc = "At most so many, up to 1,000; 20 when not given.")] first: Option<i64>,
    ) -> Result<Vec<SearchHit>> {
        let view = view(context)?;
        let kinds: Vec<Kind> = kinds.unwrap_or_default().into_iter().map(Kind::from).collect();
        let within = within.map(|id| unit(view, &id)).transpose()?;
        let first = page_size("first", first)?.unwrap_or(SEARCH_DEFAULT);
        if text.len() > SEARCH_TEXT_MAX {
            let detail = format!("text has {} bytes; at most {SEARCH_TEXT_MAX} are looked for", text.len());
            return Err(invalid(detail).with("field", "text").with("limit", SEARCH_TEXT_MAX));
        }
        let everyone: u64 = Kind::ALL.into_iter().map(|kind| view.all(kind).len()).sum();
        let texts = SEARCH_TEXTS.min(everyone);
        let find = || Ok(search(view, &text, &kinds, within, first));
        let hits = Budget::of(context)?.look(view, texts, find).await?;
        budget::page(context, view, &hits.iter().map(|hit| hit.id).collect::<Vec<_>>()).await?;
        Ok(hits
            .into_iter()
            .filter_map(|hit| {
                Some(SearchHit {
                    node: Node::at(view, hit.id)?,
                    score: hit.score,
                    matched: Metered(hit.matched),
                })
            })
            .collect())
    }

    /// What is worth a look about the data: names that come twice, people and projects in no unit, unknown owners, and
    /// the like, by code.
    async fn doctor(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only findings of these codes; of all when none is given.")] codes: Option<
            Vec<FindingCode>,
        >,
        #[graphql(desc = "At most so many from the start, up to 1,000; 100 when not given.")] first: Option<
            i64,
        >,
        #[graphql(desc = "Those after this cursor.")] after: Option<String>,
    ) -> Result<FindingConnection> {
        FindingConnection::new(context, view(context)?, codes, first, after).await
    }

    /// The revision that this request reads.
    async fn revision(&self, context: &Context<'_>) -> Result<Revision> {
        Ok(Revision(view(context)?.revision()))
    }

    /// All tokens that see no more than this one, the earliest first, also expired and revoked ones. Needs the role
    /// ADMIN.
    async fn tokens(&self, context: &Context<'_>) -> Result<Vec<Token>> {
        let admin = TokenAdmin::of(caller(context)?)?;
        list_of(context, Token::all(view(context)?, &admin))
    }

    /// Who changed what, the newest first. Needs the role ADMIN, of a token that is not limited to units.
    async fn log(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only entries before this revision: the `next` of the page before.")] before: Option<
            Revision,
        >,
        #[graphql(desc = "At most so many entries, from 1 to 100; 20 when not given.")] first: Option<i64>,
        #[graphql(
            desc = "At most so many changes of each change set, from 1 to 1,000; 100 when not given. All are counted."
        )]
        changes: Option<i64>,
        #[graphql(
            desc = "Only changes of this record, such as `person:ada@corp.example`: orgUnit, person, project, repository, service, mapping or token, and its key, also of one that has ended; of a repository or service, its name."
        )]
        record: Option<String>,
    ) -> Result<Log> {
        log(context, &StoreAdmin::of(caller(context)?)?, before, first, changes, record).await
    }
}
