//! `Service`: the GraphQL type of a service that belongs to a project.

use async_graphql::{Context, Description, ID, Object};

use crate::directory::View;
use crate::model::entity::{Entity, EntityId, Kind, Service as Record};
use crate::model::key::{ExternalId, ServiceIdentifier};
use crate::server::graphql::execution::budget;
use crate::server::graphql::plan::{EntityType, FieldRequest, Planned, VisibleRecord, Writer, null};
use crate::server::graphql::types::connection::Listed;
use crate::server::graphql::types::metered::Metered;
use crate::server::graphql::types::node::VisibleEntity;
use crate::server::graphql::types::project::{Project, owning_project};
use crate::server::graphql::types::scalars::{DateTime, Json, Revision};
use crate::server::response::problem::{Problem, Result};

/// A deployable service of a project.
#[derive(Clone, Description)]
pub(crate) struct Service(pub(crate) VisibleEntity);

impl Service {
    pub(crate) fn at(view: &View, id: EntityId) -> Option<Self> {
        VisibleEntity::at(view, id).filter(|visible| visible.entity.kind() == Kind::Service).map(Self)
    }

    fn record(&self) -> Result<&Record> {
        self.0.entity.as_service().ok_or_else(Problem::internal)
    }
}

impl Planned for Service {
    const NAME: &'static str = "Service";
    const IS_NODE: bool = true;
    type Value<'r> = VisibleRecord<'r, Record>;

    fn writer<'p>(field: &mut FieldRequest<'p>) -> Option<Writer<'p, Self>> {
        Some(match field.name() {
            "name" => Self::text(|service| service.name.as_str()),
            "identifier" => {
                Self::text_if_any(|service| service.identifier.as_ref().map(ServiceIdentifier::as_str))
            }
            "dependencies" => Self::leaf(|run, visible, out| match visible.record.dependencies.as_deref() {
                Some(dependencies) => run.json(dependencies, out),
                None => null(out),
            }),
            "externalId" => Self::text_if_any(|service| service.external_id.as_ref().map(ExternalId::as_str)),
            "attributes" => Self::attributes_of(|service| &service.attributes),
            "project" => return owning_project(field),
            _ => return Self::common(field),
        })
    }
}

impl EntityType for Service {
    type Record = Record;

    fn record_of(entity: &Entity) -> Option<&Record> {
        entity.as_service()
    }
}

#[Object(use_type_description)]
impl Service {
    /// The global id.
    pub(crate) async fn id(&self) -> Metered<ID> {
        Metered(self.0.global_id())
    }

    /// Display name.
    async fn name(&self) -> Result<Metered<&str>> {
        Ok(Metered(self.record()?.name.as_str()))
    }

    /// Technical identifier. Null if the service has none.
    async fn identifier(&self) -> Result<Option<Metered<&str>>> {
        Ok(self.record()?.identifier.as_ref().map(ServiceIdentifier::as_str).map(Metered))
    }

    /// Its dependencies: the JSON value as the client sent it.
    async fn dependencies(&self, context: &Context<'_>) -> Option<Result<Json>> {
        // Free-form JSON may have megabytes, so it is charged to the request's budget like attributes.
        let dependencies = self.record().map(|record| record.dependencies.as_deref()).transpose()?;
        Some(dependencies.and_then(|dependencies| budget::json(context, dependencies)))
    }

    /// Its id in an external system.
    async fn external_id(&self) -> Result<Option<Metered<&str>>> {
        Ok(self.record()?.external_id.as_ref().map(ExternalId::as_str).map(Metered))
    }

    /// Custom attributes, a JSON object.
    async fn attributes(&self, context: &Context<'_>) -> Result<Json> {
        budget::attributes(context, &self.record()?.attributes)
    }

    /// The project that it belongs to.
    async fn project(&self) -> Result<Project> {
        // A service is visible only through its project, so a missing project is a fault and not a null.
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
