//! `Query`: the root type of all reads.
//!
//! Invariant: all fields of one request read the same view, so that their results belong to one revision.

use async_graphql::{Context, Description, Enum, ID, Object, SimpleObject};

use crate::directory::View;
use crate::model::entity::Kind;
use crate::model::key::{Email, ProjectId, ServiceIdentifier};
use crate::model::repo_url::RepoUrl;
use crate::query::filter::Filter;
use crate::query::lookup::{lookup, named};
use crate::query::search::search;
use crate::server::auth::caller::{StoreAdmin, TokenAdmin};
use crate::server::graphql::execution::budget::{self, Budget, list, list_of};
use crate::server::graphql::execution::limits::{SEARCH_DEFAULT, SEARCH_TEXT_MAX, SEARCH_TEXTS};
use crate::server::graphql::filter::{
    OrgUnitFilter, OrgUnitOrder, PersonFilter, PersonOrder, ProjectFilter, ProjectOrder, RepositoryFilter,
    RepositoryOrder,
};
use crate::server::graphql::plan::{FieldRequest, Planned, Writer, null};
use crate::server::graphql::types::connection::{
    Connection, Listed, PageArgs, connection, invalid, page_size,
};
use crate::server::graphql::types::context::{caller, view};
use crate::server::graphql::types::doctor::{FindingCode, FindingConnection};
use crate::server::graphql::types::log::{Log, LogArguments, log};
use crate::server::graphql::types::lookup::{LookedUp, Viewer};
use crate::server::graphql::types::mapping::{MappingConnection, MappingFilter};
use crate::server::graphql::types::metered::Metered;
use crate::server::graphql::types::node::{Node, unit};
use crate::server::graphql::types::org_unit::{OrgUnit, OrgUnitBy};
use crate::server::graphql::types::person::Person;
use crate::server::graphql::types::project::Project;
use crate::server::graphql::types::repository::Repository;
use crate::server::graphql::types::scalars::{DateTime, Revision};
use crate::server::graphql::types::service::Service;
use crate::server::graphql::types::token::Token;
use crate::server::response::problem::Result;
use crate::wire::id::NamedRecord;

/// Kinds of nodes that `search` can find.
// `Node` has mappings too, but they have no text to search, so this is not `RecordKind`.
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

/// One result of `search`.
#[derive(SimpleObject)]
pub(crate) struct SearchHit {
    /// The matching record.
    node: Node,
    /// Relevance from 0 to 1; higher is better.
    score: f32,
    /// The text of the record that matched.
    matched: Metered<String>,
}

fn checked_text(text: &str) -> Result<()> {
    if text.len() > SEARCH_TEXT_MAX {
        let detail = format!("text has {} bytes; the maximum is {SEARCH_TEXT_MAX}", text.len());
        return Err(invalid(detail).with("field", "text").with("limit", SEARCH_TEXT_MAX));
    }
    Ok(())
}

/// The charge for a search.
// The cost depends on the words and cannot be estimated, so a fixed charge is taken. A small directory caps it, because
// no search reads more records than there are.
fn texts_of_search(view: &View) -> u64 {
    let everyone: u64 = Kind::ALL.into_iter().map(|kind| view.all(kind).len()).sum();
    SEARCH_TEXTS.min(everyone)
}

/// All reads. One request reads a single revision.
#[derive(Description)]
pub(crate) struct Query;

// `Option<Result<_>>` where a field may be null: an error in `Result<Option<_>>` would make its parent null.
#[Object(use_type_description)]
impl Query {
    /// The node with this global id. Null if it does not exist or is not visible to the caller.
    async fn node(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "A global id.")] id: ID,
    ) -> Option<Result<Node>> {
        let find = || Ok(Node::named(view(context)?, &id));
        find().transpose()
    }

    /// The nodes with these global ids, in order. Null for each that does not exist or is not visible to the caller.
    async fn nodes(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "At most 1,000 global ids.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>> {
        // The list is as long as the client makes it, so it has the limit of a page.
        page_size("ids", i64::try_from(ids.len()).ok())?;
        let view = view(context)?;
        let nodes: Vec<_> = ids.iter().map(|id| Node::named(view, id)).collect();
        // Mappings have no lists below them, so only entities are weighed.
        let found: Vec<_> = nodes.iter().flatten().filter_map(Node::entity_id).collect();
        budget::page(context, view, &found).await?;
        Ok(nodes)
    }

    /// The person with this email, ignoring case. Null if none is visible to the caller.
    async fn person(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Email address.")] email: String,
    ) -> Option<Result<Person>> {
        let find = || {
            let view = view(context)?;
            let id = view.person_by_email(&Email::parse(&email)?);
            Ok(id.and_then(|id| Person::at(view, id)))
        };
        find().transpose()
    }

    /// The project with this project id. Null if none is visible to the caller.
    async fn project(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The project id.")] project_id: String,
    ) -> Option<Result<Project>> {
        let find = || {
            let view = view(context)?;
            let id = view.project_by_id(&ProjectId::parse(&project_id)?);
            Ok(id.and_then(|id| Project::at(view, id)))
        };
        find().transpose()
    }

    /// The repository at this URL, for example a commit's remote. Null if none is visible to the caller. If several
    /// projects claim it, an error with code `ambiguous` names them; `repositories(filter: {url: {eq: …}})` lists them.
    async fn repository(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The URL in any spelling: with or without scheme, user and `.git`.")] url: String,
    ) -> Option<Result<Repository>> {
        let find = || {
            let view = view(context)?;
            // Urls are not unique: each project keeps its own record. The doctor reports such repositories.
            let found = view.repository_at(&RepoUrl::parse(&url)?)?;
            Ok(found.and_then(|id| Repository::at(view, id)))
        };
        find().transpose()
    }

    /// The service with this identifier. Null if none is visible to the caller. If several projects claim it, an error
    /// with code `ambiguous` names them.
    async fn service(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Technical identifier.")] identifier: String,
    ) -> Option<Result<Service>> {
        let find = || {
            let view = view(context)?;
            let found = view.service_called(&ServiceIdentifier::parse(&identifier)?)?;
            Ok(found.and_then(|id| Service::at(view, id)))
        };
        find().transpose()
    }

    /// The unit with this key, path or external id. Null if none is visible to the caller.
    async fn org_unit(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Exactly one of key, path and external id.")] by: OrgUnitBy,
    ) -> Option<Result<OrgUnit>> {
        let find = || {
            let view = view(context)?;
            let id = by.find(view)?;
            Ok(id.and_then(|id| OrgUnit::at(view, id)))
        };
        find().transpose()
    }

    /// Units without a parent, by name. For a token limited to units, those units.
    async fn roots(&self, context: &Context<'_>) -> Result<Vec<OrgUnit>> {
        let view = view(context)?;
        Ok(OrgUnit::all(view, list(context, view, view.roots()).await?))
    }

    /// People, filtered, sorted and paginated.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection are the schema's")]
    async fn people(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only records that match this filter.")] filter: Option<PersonFilter>,
        #[graphql(desc = "Sort order. Default: creation order.")] order_by: Option<PersonOrder>,
        #[graphql(desc = "Page size from the start, 0 to 1,000. Default: 100, unless `last` is present.")]
        first: Option<i64>,
        #[graphql(desc = "Only records after this cursor.")] after: Option<String>,
        #[graphql(desc = "Page size from the end, 0 to 1,000. Excludes `first`.")] last: Option<i64>,
        #[graphql(desc = "Only records before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Person>> {
        let page = PageArgs { first, after, last, before };
        Connection::new(context, view(context)?, Filter::All, filter, order_by, page).await
    }

    /// Projects, filtered, sorted and paginated.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection are the schema's")]
    async fn projects(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only records that match this filter.")] filter: Option<ProjectFilter>,
        #[graphql(desc = "Sort order. Default: creation order.")] order_by: Option<ProjectOrder>,
        #[graphql(desc = "Page size from the start, 0 to 1,000. Default: 100, unless `last` is present.")]
        first: Option<i64>,
        #[graphql(desc = "Only records after this cursor.")] after: Option<String>,
        #[graphql(desc = "Page size from the end, 0 to 1,000. Excludes `first`.")] last: Option<i64>,
        #[graphql(desc = "Only records before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Project>> {
        let page = PageArgs { first, after, last, before };
        Connection::new(context, view(context)?, Filter::All, filter, order_by, page).await
    }

    /// Units of the hierarchy, filtered, sorted and paginated.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection are the schema's")]
    async fn org_units(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only records that match this filter.")] filter: Option<OrgUnitFilter>,
        #[graphql(desc = "Sort order. Default: creation order.")] order_by: Option<OrgUnitOrder>,
        #[graphql(desc = "Page size from the start, 0 to 1,000. Default: 100, unless `last` is present.")]
        first: Option<i64>,
        #[graphql(desc = "Only records after this cursor.")] after: Option<String>,
        #[graphql(desc = "Page size from the end, 0 to 1,000. Excludes `first`.")] last: Option<i64>,
        #[graphql(desc = "Only records before this cursor.")] before: Option<String>,
    ) -> Result<Connection<OrgUnit>> {
        let page = PageArgs { first, after, last, before };
        Connection::new(context, view(context)?, Filter::All, filter, order_by, page).await
    }

    /// Repositories of all projects, filtered, sorted and paginated.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection are the schema's")]
    async fn repositories(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only records that match this filter.")] filter: Option<RepositoryFilter>,
        #[graphql(desc = "Sort order. Default: creation order.")] order_by: Option<RepositoryOrder>,
        #[graphql(desc = "Page size from the start, 0 to 1,000. Default: 100, unless `last` is present.")]
        first: Option<i64>,
        #[graphql(desc = "Only records after this cursor.")] after: Option<String>,
        #[graphql(desc = "Page size from the end, 0 to 1,000. Excludes `first`.")] last: Option<i64>,
        #[graphql(desc = "Only records before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Repository>> {
        let page = PageArgs { first, after, last, before };
        Connection::new(context, view(context)?, Filter::All, filter, order_by, page).await
    }

    /// Mappings in creation order, filtered and paginated.
    async fn mappings(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only records that match this filter.")] filter: Option<MappingFilter>,
        #[graphql(desc = "Page size from the start, 0 to 1,000. Default: 100, unless `last` is present.")]
        first: Option<i64>,
        #[graphql(desc = "Only records after this cursor.")] after: Option<String>,
        #[graphql(desc = "Page size from the end, 0 to 1,000. Excludes `first`.")] last: Option<i64>,
        #[graphql(desc = "Only records before this cursor.")] before: Option<String>,
    ) -> Result<MappingConnection> {
        let args = PageArgs { first, after, last, before };
        MappingConnection::new(context, view(context)?, filter.unwrap_or_default(), args).await
    }

    /// Case-insensitive full-text search over names, keys, emails and URLs, the best matches first. Tolerates typos.
    async fn search(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Search text of at most 256 bytes. If it has several words, each must match.")] text: String,
        #[graphql(desc = "Kinds to search. Default: all.")] kinds: Option<Vec<NodeKind>>,
        #[graphql(
            desc = "Only records below this unit: a global id, or a unit's key, external id, path (`Corp/R&D`) or unique name."
        )]
        within: Option<ID>,
        #[graphql(desc = "Maximum number of results, 0 to 1,000. Default: 20.")] first: Option<i64>,
    ) -> Result<Vec<SearchHit>> {
        let view = view(context)?;
        let kinds: Vec<Kind> = kinds.unwrap_or_default().into_iter().map(Kind::from).collect();
        let within = within.map(|id| unit(view, &id)).transpose()?;
        let first = page_size("first", first)?.unwrap_or(SEARCH_DEFAULT);
        checked_text(&text)?;
        let texts = texts_of_search(view);
        let find = || Ok(search(view, &text, &kinds, within, first));
        let hits = Budget::of(context)?.run_read(view, texts, find).await?;
        // A list of hits is a page in disguise: what is selected of each hit must be weighed before it is resolved.
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

    /// The records that a text names: units by key, external id, path or name, a person by email, a project by id,
    /// repositories by URL, services by identifier; if there are none, records whose name or other text is the whole text. At
    /// most 20, each with the units that hold it and its paths up to the roots.
    async fn lookup(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What to look up, at most 256 bytes. Upper and lower case are the same.")]
        text: String,
        #[graphql(
            desc = "Only records that the text names, as a reference in a change does. Default: false."
        )]
        exact: Option<bool>,
    ) -> Result<Vec<LookedUp>> {
        let view = view(context)?;
        checked_text(&text)?;
        let find = || Ok(if exact == Some(true) { named(view, &text) } else { lookup(view, &text) });
        let found = Budget::of(context)?.run_read(view, texts_of_search(view), find).await?;
        LookedUp::all(context, view, found).await
    }

    /// The caller: its role and the units that it is limited to.
    async fn viewer(&self, context: &Context<'_>) -> Result<Viewer> {
        Ok(Viewer::of(caller(context)?, view(context)?))
    }

    /// Runs the data-quality checks: duplicate names, people and projects in no unit, unknown owners and others. The
    /// findings are sorted by code.
    async fn doctor(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Codes to check. Default: all.")] codes: Option<Vec<FindingCode>>,
        #[graphql(desc = "Page size, 0 to 1,000. Default: 100.")] first: Option<i64>,
        #[graphql(desc = "Only records after this cursor.")] after: Option<String>,
    ) -> Result<FindingConnection> {
        FindingConnection::new(context, view(context)?, codes, first, after).await
    }

    /// The revision that all fields of this request read.
    async fn revision(&self, context: &Context<'_>) -> Result<Revision> {
        Ok(Revision(view(context)?.revision()))
    }

    /// All tokens whose scope is within the caller's, the earliest first, including expired and revoked ones. Requires
    /// the role ADMIN.
    async fn tokens(&self, context: &Context<'_>) -> Result<Vec<Token>> {
        let admin = TokenAdmin::of(caller(context)?)?;
        list_of(context, Token::all(view(context)?, &admin))
    }

    /// The change log: who changed what, the newest first. Requires the role ADMIN and a token without unit limits.
    #[expect(clippy::too_many_arguments, reason = "the arguments of the log are the schema's")]
    async fn log(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only entries before this revision: `next` of the previous page.")] before: Option<
            Revision,
        >,
        #[graphql(desc = "Maximum number of entries, 1 to 100. Default: 20.")] first: Option<i64>,
        #[graphql(
            desc = "Maximum number of changes per change set, 1 to 1,000. Default: 100. `count` includes all."
        )]
        changes: Option<i64>,
        #[graphql(desc = "Only commits at this moment or later.")] since: Option<DateTime>,
        #[graphql(desc = "Only commits before this moment.")] until: Option<DateTime>,
        #[graphql(
            desc = "Only changes of this actor: `local`, `token:<id>`, `jwt:<subject>`, or the id or description of a token."
        )]
        by: Option<String>,
        #[graphql(
            desc = "Only changes of this unit (key, external id, path or unique name), of everything that is below it or was deleted there, and of mappings that have one of these at an end."
        )]
        within: Option<String>,
        #[graphql(
            desc = "Only changes of this record and of the mappings that have it at an end: its key, or `<kind>:<key>`, such as `person:ada@corp.example`. The kind is orgUnit, person, project, repository, service, mapping or token. For a repository or service, the key is its name. Deleted records are found, too."
        )]
        record: Option<String>,
    ) -> Result<Log> {
        // The log shows records of all units, unfiltered, so an admin limited to units must not read any of it.
        let admin = StoreAdmin::of(caller(context)?)?;
        log(context, &admin, before, first, changes, LogArguments { since, until, by, within, record }).await
    }
}

impl Planned for Query {
    const NAME: &'static str = "Query";
    type Value<'r> = ();

    fn writer<'p>(field: &mut FieldRequest<'p>) -> Option<Writer<'p, Self>> {
        Some(match field.name() {
            "node" => {
                let id = field.argument::<ID>("id")?;
                match NamedRecord::read(field.view(), &id) {
                    None => Self::leaf(|_, (), out| null(out)),
                    Some(NamedRecord::Mapping(_)) => return None,
                    Some(NamedRecord::Entity(id)) => match field.view().entity(id)?.kind() {
                        Kind::OrgUnit => field.entity::<OrgUnit, Self>(move |_, ()| Some(id))?,
                        Kind::Person => field.entity::<Person, Self>(move |_, ()| Some(id))?,
                        Kind::Project => field.entity::<Project, Self>(move |_, ()| Some(id))?,
                        Kind::Repository => field.entity::<Repository, Self>(move |_, ()| Some(id))?,
                        Kind::Service => field.entity::<Service, Self>(move |_, ()| Some(id))?,
                    },
                }
            }
            "person" => {
                let email = Email::parse(&field.argument::<String>("email")?).ok()?;
                field.entity::<Person, Self>(move |run, ()| run.view.person_by_email(&email))?
            }
            "project" => {
                let id = ProjectId::parse(&field.argument::<String>("projectId")?).ok()?;
                field.entity::<Project, Self>(move |run, ()| run.view.project_by_id(&id))?
            }
            "repository" => {
                let url = RepoUrl::parse(&field.argument::<String>("url")?).ok()?;
                let found = field.view().repository_at(&url).ok()?;
                field.entity::<Repository, Self>(move |_, ()| found)?
            }
            "service" => {
                let name = ServiceIdentifier::parse(&field.argument::<String>("identifier")?).ok()?;
                let found = field.view().service_called(&name).ok()?;
                field.entity::<Service, Self>(move |_, ()| found)?
            }
            "orgUnit" => {
                let unit = field.argument::<OrgUnitBy>("by")?.find(field.view()).ok()?;
                field.entity::<OrgUnit, Self>(move |_, ()| unit)?
            }
            "roots" => field.list::<OrgUnit, Self>(|run, ()| run.view.roots())?,
            "people" => connection::<Person, Self>(field, |_, ()| Filter::All)?,
            "projects" => connection::<Project, Self>(field, |_, ()| Filter::All)?,
            "orgUnits" => connection::<OrgUnit, Self>(field, |_, ()| Filter::All)?,
            "repositories" => connection::<Repository, Self>(field, |_, ()| Filter::All)?,
            "revision" => {
                let revision = field.view().revision().0;
                Self::json(move |()| revision)
            }
            _ => return None,
        })
    }
}
