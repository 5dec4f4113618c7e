//! How what a project consists of looks in an answer: its owner, repositories and services.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::directory::View;
use crate::model::attributes::Attributes;
use crate::model::entity::{EntityId, Kind, ProjectOwner, Repository, Service};
use crate::model::key::{Email, RepoUrl};
use crate::server::rest::record::{StampsRecord, no_attributes, object, text};

/// Who answers for a project.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProjectOwner)]
pub(crate) struct OwnerRecord<'v> {
    /// Given name.
    #[schema(required = true)]
    first_name: Option<&'v str>,
    /// Family name.
    #[schema(required = true)]
    last_name: Option<&'v str>,
    /// Leads to the person, where one has this address.
    #[schema(required = true)]
    email: Option<&'v str>,
}

/// What a project consists of.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Assets)]
pub(crate) struct AssetsRecord<'v> {
    /// Its repositories, in the order in which they were given.
    repositories: Vec<AssetRepository<'v>>,
    /// Its services, in the order in which they were given.
    services: Vec<AssetService<'v>>,
}

/// A repository, as its project shows it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AssetRepository)]
pub(crate) struct AssetRepository<'v> {
    /// What people call it.
    #[schema(example = "web-portal")]
    name: &'v str,
    /// Where it is hosted.
    #[schema(required = true, example = "github.com")]
    platform: Option<&'v str>,
    /// Where it is.
    #[schema(required = true, example = "https://github.com/Opsera/web-portal.git")]
    url: Option<&'v str>,
    /// All fields that have no name of their own, where there are any.
    #[serde(serialize_with = "object", skip_serializing_if = "no_attributes")]
    #[schema(value_type = Option<Object>)]
    attributes: &'v Attributes,
}

/// A service, as its project shows it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AssetService)]
pub(crate) struct AssetService<'v> {
    /// What people call it.
    #[schema(example = "ha-proxy")]
    name: &'v str,
    /// What machines call it.
    #[schema(required = true, example = "haprox01")]
    identifier: Option<&'v str>,
    /// What it depends on, as it was given.
    #[schema(required = true, value_type = Option<Value>)]
    dependencies: Option<&'v Value>,
    /// What another system calls it.
    #[schema(required = true)]
    external_id: Option<&'v str>,
    /// All fields that have no name of their own, where there are any.
    #[serde(serialize_with = "object", skip_serializing_if = "no_attributes")]
    #[schema(value_type = Option<Object>)]
    attributes: &'v Attributes,
}

/// A repository, with the project it belongs to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Repository)]
pub(crate) struct RepositoryRecord<'v> {
    #[serde(flatten)]
    repository: AssetRepository<'v>,
    /// The project it belongs to.
    #[schema(required = true)]
    project_id: Option<&'v str>,
    #[serde(flatten)]
    stamps: StampsRecord,
}

impl<'v> OwnerRecord<'v> {
    pub(super) fn of(owner: &'v ProjectOwner) -> Self {
        Self {
            first_name: text(owner.first_name.as_deref()),
            last_name: text(owner.last_name.as_deref()),
            email: owner.email.as_ref().map(Email::as_str),
        }
    }
}

impl<'v> AssetsRecord<'v> {
    pub(super) fn of(view: &'v View, project: EntityId) -> Self {
        let of_kind = |kind| view.assets(project, kind).into_iter().filter_map(|id| view.entity(id));
        Self {
            repositories: of_kind(Kind::Repository)
                .filter_map(|entity| entity.as_repository().map(AssetRepository::of))
                .collect(),
            services: of_kind(Kind::Service)
                .filter_map(|entity| entity.as_service().map(AssetService::of))
                .collect(),
        }
    }
}

impl<'v> AssetRepository<'v> {
    fn of(repository: &'v Repository) -> Self {
        Self {
            name: repository.name.as_str(),
            platform: text(repository.platform.as_ref()),
            url: repository.url.as_ref().map(RepoUrl::as_str),
            attributes: &repository.attributes,
        }
    }
}

impl<'v> AssetService<'v> {
    fn of(service: &'v Service) -> Self {
        Self {
            name: service.name.as_str(),
            identifier: text(service.identifier.as_ref()),
            dependencies: service.dependencies.as_deref(),
            external_id: text(service.external_id.as_ref()),
            attributes: &service.attributes,
        }
    }
}

impl<'v> RepositoryRecord<'v> {
    pub(super) fn of(view: &'v View, id: EntityId) -> Option<Self> {
        let entity = view.entity(id)?;
        let repository = entity.as_repository()?;
        Some(Self {
            repository: AssetRepository::of(repository),
            project_id: view.entity(repository.project).map(|project| project.label()),
            stamps: StampsRecord::of(&entity.stamps),
        })
    }
}
