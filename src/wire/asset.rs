//! What a project consists of, in and out.
//!
//! `assets` is an object of two lists, or an array of objects that hold one of them each.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::directory::View;
use crate::error::Error;
use crate::model::attributes::{Attributes, kept_exactly};
use crate::model::command::{Patch, RepositoryFields, ServiceFields};
use crate::model::entity::{EntityId, Kind, Repository, Service};
use crate::model::key::{ExternalId, Name, RepoUrl, ServiceIdentifier};
use crate::wire::fields::{Fields, Given, Manner, wrong};
use crate::wire::stamps::{StampsRecord, no_attributes, object, text};

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

impl<'v> AssetsRecord<'v> {
    pub(crate) fn of(view: &'v View, project: EntityId) -> Self {
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
    pub(crate) fn of(view: &'v View, id: EntityId) -> Option<Self> {
        let entity = view.entity(id)?;
        let repository = entity.as_repository()?;
        Some(Self {
            repository: AssetRepository::of(repository),
            project_id: view.entity(repository.project).map(|project| project.label()),
            stamps: StampsRecord::of(&entity.stamps),
        })
    }
}

type Assets = (Patch<Vec<RepositoryFields>>, Patch<Vec<ServiceFields>>);

/// Reads `assets`.
pub(crate) fn assets(given: &mut Fields) -> Result<Assets, Error> {
    let manner = given.manner();
    let map = match given.any("assets") {
        Given::Value(Value::Object(map)) => map,
        Given::Value(Value::Array(parts)) => joined(parts)?,
        Given::Value(other) => {
            return Err(wrong("assets", &other, "an object, an array of objects, or null"));
        }
        Given::Null => return Ok((Patch::Clear, Patch::Clear)),
        Given::Absent => return Ok((Given::Absent.patch(manner), Given::Absent.patch(manner))),
    };
    let mut parts = Fields::new(map, manner);
    let repositories = list(&mut parts, "repositories", "assets.repositories", repository)?;
    let services = list(&mut parts, "services", "assets.services", service)?;
    given.keep("assets", parts.into_rest());
    Ok((repositories, services))
}

/// `[{"repositories": […]}, {"services": […]}]` as one object; lists of the same name one after the other.
fn joined(parts: Vec<Value>) -> Result<Map<String, Value>, Error> {
    let mut all: Map<String, Value> = Map::new();
    for part in parts {
        let Value::Object(part) = part else {
            return Err(wrong("assets", &part, "an object, an array of objects, or null"));
        };
        for (name, value) in part {
            match (all.get_mut(&name), value) {
                (Some(Value::Array(list)), Value::Array(more)) => list.extend(more),
                (_, value) => {
                    all.insert(name, value);
                }
            }
        }
    }
    Ok(all)
}

fn list<T>(
    parts: &mut Fields,
    name: &'static str,
    label: &'static str,
    read: impl Fn(Fields) -> Result<T, Error>,
) -> Result<Patch<Vec<T>>, Error> {
    let manner = parts.manner();
    let items = match parts.any(name) {
        Given::Value(Value::Array(items)) => items,
        Given::Value(other) => return Err(wrong(label, &other, "an array or null")),
        Given::Null => return Ok(Patch::Clear),
        Given::Absent => return Ok(Given::Absent.patch(manner)),
    };
    let read_one = |item| match item {
        // Each stands for itself: what it does not say is not there.
        Value::Object(map) => read(Fields::new(map, Manner::Replace)),
        other => Err(wrong(label, &other, "an array of objects")),
    };
    items.into_iter().map(read_one).collect::<Result<_, _>>().map(Patch::Set)
}

fn repository(mut given: Fields) -> Result<RepositoryFields, Error> {
    given.drop_read_only(&[])?;
    let url = given.text("url", "assets.repositories.url", RepoUrl::parse)?.value();
    let name = given.text("name", "assets.repositories.name", Name::parse)?.value();
    let platform = given.text("platform", "assets.repositories.platform", Name::parse)?.value();
    let name = match (name, &url) {
        (Some(name), _) => name,
        (None, Some(url)) => named_by(url)?,
        (None, None) => return Err(nameless("assets.repositories", "a name or a url")),
    };
    let is_hosted = |url: &&RepoUrl| url.normalized().contains('/');
    let host = || url.as_ref().filter(is_hosted).and_then(|url| Name::parse(&url.host()).ok());
    Ok(RepositoryFields { name, platform: platform.or_else(host), url, attributes: given.attributes()? })
}

/// The last part of a url.
fn named_by(url: &RepoUrl) -> Result<Name, Error> {
    let normalized = url.normalized();
    let last = normalized.rsplit('/').next().unwrap_or_default();
    Name::parse(last).map_err(|refusal| refusal.about("assets.repositories.url"))
}

fn service(mut given: Fields) -> Result<ServiceFields, Error> {
    given.drop_read_only(&[])?;
    let identifier =
        given.text("identifier", "assets.services.identifier", ServiceIdentifier::parse)?.value();
    let name = given.text("name", "assets.services.name", Name::parse)?.value();
    let said_name = identifier.as_ref().map(|it| Name::parse(it.as_str())).transpose()?;
    let dependencies = given.any("dependencies").value();
    if let Some(dependencies) = &dependencies {
        kept_exactly("assets.services.dependencies", dependencies)?;
    }
    Ok(ServiceFields {
        name: name.or(said_name).ok_or_else(|| nameless("assets.services", "a name or an identifier"))?,
        identifier,
        dependencies,
        external_id: given.text("externalId", "assets.services.externalId", ExternalId::parse)?.value(),
        attributes: given.attributes()?,
    })
}

fn nameless(field: &'static str, needed: &str) -> Error {
    Error::invalid(field, "", format!("must each have {needed}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(manner: Manner, value: &Value) -> Result<Assets, Error> {
        assets(&mut Fields::new(value.as_object().unwrap().clone(), manner))
    }

    #[test]
    fn both_forms_of_the_published_api_are_read() {
        let object = json!({"assets": {"repositories": [{"url": "https://GitHub.com/Org/app.git"}],
            "services": [{"identifier": "app-1", "dependencies": {}}]}});
        let array = json!({"assets": [{"repositories": [{"url": "https://GitHub.com/Org/app.git"}]},
            {"services": [{"identifier": "app-1", "dependencies": {}}]}]});
        let (repositories, services) = read(Manner::Create, &object).unwrap();
        assert_eq!((repositories.clone(), services.clone()), read(Manner::Create, &array).unwrap());
        let (Patch::Set(repositories), Patch::Set(services)) = (repositories, services) else { panic!() };
        assert_eq!(repositories[0].name.as_str(), "app");
        assert_eq!(repositories[0].platform.as_ref().unwrap().as_str(), "github.com");
        assert_eq!(services[0].name.as_str(), "app-1");
    }

    #[test]
    fn a_list_that_is_not_given_stays_or_goes() {
        let services_only = json!({"assets": {"services": []}});
        assert_eq!(read(Manner::Merge, &services_only).unwrap(), (Patch::Keep, Patch::Set(vec![])));
        assert_eq!(read(Manner::Replace, &services_only).unwrap(), (Patch::Clear, Patch::Set(vec![])));
        assert_eq!(read(Manner::Merge, &json!({"assets": null})).unwrap(), (Patch::Clear, Patch::Clear));
        assert_eq!(read(Manner::Create, &json!({})).unwrap(), (Patch::Keep, Patch::Keep));
    }

    #[test]
    fn what_is_no_asset_is_refused_by_name() {
        for (body, field) in [
            (json!({"assets": 7}), "assets"),
            (json!({"assets": ["x"]}), "assets"),
            (json!({"assets": {"repositories": {}}}), "assets.repositories"),
            (json!({"assets": {"repositories": [{}]}}), "assets.repositories"),
            (json!({"assets": {"services": [{"name": 7}]}}), "assets.services.name"),
        ] {
            assert_eq!(read(Manner::Create, &body).unwrap_err().field(), Some(field), "{body}");
        }
    }
}
