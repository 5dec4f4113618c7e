//! `Repository`: the GraphQL type of a source repository that belongs to a project.

use async_graphql::{Context, Description, ID, Object};

use crate::directory::View;
use crate::model::entity::{Entity, EntityId, Kind, Repository as Record};
use crate::model::key::Name;
use crate::model::repo_url::RepoUrl;
use crate::server::graphql::execution::budget;
use crate::server::graphql::filter::{RepositoryFilter, RepositoryOrder};
use crate::server::graphql::plan::{EntityType, FieldRequest, Planned, VisibleRecord, Writer};
use crate::server::graphql::types::connection::Listed;
use crate::server::graphql::types::facet::RepositoryFacet;
use crate::server::graphql::types::metered::Metered;
use crate::server::graphql::types::node::VisibleEntity;
use crate::server::graphql::types::project::{Project, owning_project};
use crate::server::graphql::types::scalars::{DateTime, Json, Revision};
use crate::server::response::problem::{Problem, Result};

/// A source repository of a project.
#[derive(Clone, Description)]
pub(crate) struct Repository(pub(crate) VisibleEntity);

impl Listed for Repository {
    const KIND: Kind = Kind::Repository;
    const CONNECTION: &'static str = "RepositoryConnection";
    const EDGE: &'static str = "RepositoryEdge";
    type Filter = RepositoryFilter;
    type OrderBy = RepositoryOrder;
    type FacetBy = RepositoryFacet;

    fn at(view: &View, id: EntityId) -> Option<Self> {
        VisibleEntity::at(view, id).filter(|visible| visible.entity.kind() == Kind::Repository).map(Self)
    }
}

impl Repository {
    fn record(&self) -> Result<&Record> {
        self.0.entity.as_repository().ok_or_else(Problem::internal)
    }
}

impl Planned for Repository {
    const NAME: &'static str = "Repository";
    const IS_NODE: bool = true;
    type Value<'r> = VisibleRecord<'r, Record>;

    fn writer<'p>(field: &mut FieldRequest<'p>) -> Option<Writer<'p, Self>> {
        Some(match field.name() {
            "name" => Self::text(|repository| repository.name.as_str()),
            "platform" => Self::text_if_any(|repository| repository.platform.as_ref().map(Name::as_str)),
            "url" => Self::text_if_any(|repository| repository.url.as_ref().map(RepoUrl::as_str)),
            "attributes" => Self::attributes_of(|repository| &repository.attributes),
            "project" => return owning_project(field),
            _ => return Self::common(field),
        })
    }
}

impl EntityType for Repository {
    type Record = Record;

    fn record_of(entity: &Entity) -> Option<&Record> {
        entity.as_repository()
    }
}

#[Object(use_type_description)]
impl Repository {
    /// The global id.
    pub(crate) async fn id(&self) -> Metered<ID> {
        Metered(self.0.global_id())
    }

    /// Display name.
    async fn name(&self) -> Result<Metered<&str>> {
        Ok(Metered(self.record()?.name.as_str()))
    }

    /// The hosting platform, such as `github.com`.
    async fn platform(&self) -> Result<Option<Metered<&str>>> {
        Ok(self.record()?.platform.as_ref().map(Name::as_str).map(Metered))
    }

    /// The repository's URL, as the client sent it.
    async fn url(&self) -> Result<Option<Metered<&str>>> {
        Ok(self.record()?.url.as_ref().map(RepoUrl::as_str).map(Metered))
    }

    /// Custom attributes, a JSON object.
    async fn attributes(&self, context: &Context<'_>) -> Result<Json> {
        budget::attributes(context, &self.record()?.attributes)
    }

    /// The project that it belongs to.
    async fn project(&self) -> Result<Project> {
        // A repository is visible only through its project, so a missing project is a fault and not a null.
        Project::at(&self.0.view, self.record()?.project).ok_or_else(Problem::internal)
    }

    /// When the record was created.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.entity.stamps.created_at)
    }

    /// When the record was last changed.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.entity.stamps.updated_at)
    }

    /// The revision that last changed the record.
    async fn revision(&self) -> Revision {
        Revision(self.0.entity.stamps.revision)
    }
}
