//! Assets of a project: the fields of repositories and services, for reading and writing.
//!
//! `assets` is an object of two lists, or an array of objects with one of the lists each, as the published API has it.

use std::sync::LazyLock;

use serde_json::{Map, Value};

use crate::error::Error;
use crate::model::attributes::check_exact_numbers;
use crate::model::command::{Patch, RepositoryFields, ServiceFields};
use crate::model::entity::{Kind, Repository, Service};
use crate::model::key::{ExternalId, Name, ServiceIdentifier};
use crate::model::repo_url::RepoUrl;
use crate::query::{Field, OrderBy};
use crate::wire::column::{AppearsIn, Cell, Column, Form, joined_texts};
use crate::wire::columns::Columns;
use crate::wire::field::{self, Need, maybe_text, text};
use crate::wire::fields::{FieldInput, Fields, UpdateMode, wrong};
use crate::wire::row::Row;
use crate::wire::stamps::{ATTRIBUTES, STAMPS};

/// The field `assets` of a project.
pub(crate) static ASSETS: Column =
    Column::new("assets", "The repositories and services of the project.", Form::Of("Assets"), |row| {
        Some(Cell::object(row, &LISTS))
    })
    .in_csv(&LISTS_IN_CSV)
    // Not in the log, where each repository and service has changes of its own.
    .only(AppearsIn::InExports);

/// The two lists in CSV: URLs and identifiers, or JSON if there is more to say.
static LISTS_IN_CSV: [Column; 2] = [
    Column::new("repositories", LISTS[0].about, Form::ArrayOf("AssetRepository"), |row| {
        let urls = assets_of(row, Kind::Repository).map(|asset| plain_repository(asset?.repository()?));
        joined_or_all(row, urls.collect(), Kind::Repository, &REPOSITORY)
    }),
    Column::new("services", LISTS[1].about, Form::ArrayOf("AssetService"), |row| {
        let identifiers = assets_of(row, Kind::Service).map(|asset| plain_service(asset?.service()?));
        joined_or_all(row, identifiers.collect(), Kind::Service, &SERVICE)
    }),
];

/// The two lists in `assets`.
pub(crate) static LISTS: [Column; 2] = [
    Column::new(
        "repositories",
        "The repositories of the project, in the order in which they were sent.",
        Form::ArrayOf("AssetRepository"),
        |row| list_of(row, Kind::Repository, &REPOSITORY),
    ),
    Column::new(
        "services",
        "The services of the project, in the order in which they were sent.",
        Form::ArrayOf("AssetService"),
        |row| list_of(row, Kind::Service, &SERVICE),
    ),
];

/// The fields of a repository in the list of its project.
pub(crate) static REPOSITORY: [Column; 4] = [
    text!("name", "The name of the repository.", repository.name)
        .example("web-portal")
        .sorted(OrderBy::Field(Field::Name)),
    maybe_text!("platform", "The platform that hosts the repository.", repository.platform)
        .example("github.com")
        .sorted(OrderBy::Field(Field::Platform)),
    maybe_text!("url", "The URL of the repository.", repository.url)
        .example("https://github.com/Opsera/web-portal.git")
        .sorted(OrderBy::Field(Field::Url)),
    ATTRIBUTES_IF_ANY,
];

/// The fields of a service in the list of its project.
pub(crate) static SERVICE: [Column; 5] = [
    text!("name", "The display name of the service.", service.name).example("ha-proxy"),
    maybe_text!("identifier", "The technical identifier of the service.", service.identifier)
        .example("haprox01"),
    Column::new(
        "dependencies",
        "The dependencies of the service: any JSON, as it was sent.",
        Form::Any,
        |row| Some(Cell::Json(row.service()?.dependencies.as_deref()?)),
    ),
    maybe_text!("externalId", "The id of the service in another system.", service.external_id),
    ATTRIBUTES_IF_ANY,
];

// Absent if empty, unlike the `attributes` of other records.
const ATTRIBUTES_IF_ANY: Column = Column::new(
    "attributes",
    "Custom fields: all fields that this schema does not name. Absent if there are none.",
    Form::ObjectIfAny,
    |row| Some(Cell::Attributes(row.attributes())),
);

/// The id of the project that an asset belongs to.
pub(crate) static PROJECT: Column =
    Column::new("projectId", "The id of the project that it belongs to.", Form::MaybeText, |row| {
        let repository = row.repository().map(|it| it.project);
        row.key(repository.or_else(|| row.service().map(|it| it.project))?).map(Cell::Text)
    });

/// All fields of a repository that is returned by itself.
pub(crate) static COLUMNS: LazyLock<Columns> =
    LazyLock::new(|| Columns::of(REPOSITORY.iter().chain([&PROJECT]).chain(&STAMPS)));

/// The fields of an asset in the audit log: its project, its own fields, and `attributes` even if empty.
pub(crate) fn in_log(own: &'static [Column]) -> Vec<&'static Column> {
    // `attributes` is always present there, so that before and after of a change have the same fields.
    let own = own.iter().filter(|column| column.form != Form::ObjectIfAny);
    std::iter::once(&PROJECT).chain(own).chain([&ATTRIBUTES]).collect()
}

/// The fields of a repository in request bodies.
pub(crate) static REPOSITORY_INPUT: [field::InputSchema; 3] = [
    field::InputSchema::new(
        "name",
        "MaybeText",
        Need::Optional,
        "The name of the repository. Default: the last part of the URL.",
    ),
    field::InputSchema::new(
        "platform",
        "MaybeText",
        Need::Optional,
        "The platform that hosts the repository. Default: the host of the URL.",
    ),
    field::InputSchema::new("url", "UrlText", Need::Optional, "The URL of the repository."),
];

/// The fields of a service in request bodies, except `dependencies`, which is any JSON.
pub(crate) static SERVICE_INPUT: [field::InputSchema; 3] = [
    field::InputSchema::new(
        "name",
        "MaybeText",
        Need::Optional,
        "The display name of the service. Default: the identifier.",
    ),
    field::InputSchema::new(
        "identifier",
        "MaybeText",
        Need::Optional,
        "The technical identifier of the service.",
    ),
    field::InputSchema::new(
        "externalId",
        "MaybeText",
        Need::Optional,
        "The id of the service in another system.",
    ),
];

/// The assets of a project; `None` for one that is not visible.
fn assets_of<'v>(row: &Row<'v>, kind: Kind) -> impl Iterator<Item = Option<Row<'v>>> {
    let view = row.view().zip(row.id());
    view.into_iter().flat_map(move |(view, project)| {
        view.assets(project, kind).into_iter().map(move |asset| Row::entity(view, asset))
    })
}

/// A list of texts that stand for the assets; `None` among them for those that need more.
fn joined_or_all<'v>(
    row: &Row<'v>,
    texts: Option<Vec<&'v str>>,
    kind: Kind,
    columns: &'static [Column],
) -> Option<Cell<'v>> {
    let plain = texts.and_then(|texts| match joined_texts(&texts) {
        Some(Cell::List(_)) => None,
        other => Some(other),
    });
    plain.unwrap_or_else(|| list_of(row, kind, columns))
}

/// The URL of a repository from which all its fields follow, or its name if it has nothing else.
fn plain_repository(repository: &Repository) -> Option<&str> {
    let Repository { name, platform, url, attributes, .. } = repository;
    if !attributes.is_empty() {
        return None;
    }
    let Some(url) = url else {
        return (platform.is_none() && !name.as_str().contains(':')).then_some(name.as_str());
    };
    let default = RepositoryFields::with_defaults(None, None, Some(url.clone())).ok()?;
    (default.name == *name && default.platform == *platform && url.as_str().contains(':'))
        .then_some(url.as_str())
}

/// The identifier of a service that has nothing else.
fn plain_service(service: &Service) -> Option<&str> {
    let Service { name, identifier, dependencies, external_id, attributes, .. } = service;
    let identifier = identifier.as_ref()?;
    let is_plain = name.as_str() == identifier.as_str() && dependencies.is_none() && external_id.is_none();
    (is_plain && attributes.is_empty()).then_some(identifier.as_str())
}

fn list_of<'v>(row: &Row<'v>, kind: Kind, columns: &'static [Column]) -> Option<Cell<'v>> {
    let view = row.view()?;
    let assets = view.assets(row.id()?, kind).into_iter().filter_map(|id| Row::entity(view, id));
    Some(Cell::List(assets.map(|asset| Cell::object(&asset, columns)).collect()))
}

type Assets = (Patch<Vec<RepositoryFields>>, Patch<Vec<ServiceFields>>);

/// Parses the field `assets` of a project.
pub(crate) fn assets(body: &mut Fields) -> Result<Assets, Error> {
    let mode = body.mode();
    let map = match body.any("assets") {
        FieldInput::Value(Value::Object(map)) => map,
        FieldInput::Value(Value::Array(parts)) => joined(parts)?,
        FieldInput::Value(other) => {
            return Err(wrong("assets", &other, "an object, an array of objects, or null"));
        }
        FieldInput::Null => return Ok((Patch::Clear, Patch::Clear)),
        FieldInput::Absent => {
            return Ok((FieldInput::Absent.patch(mode), FieldInput::Absent.patch(mode)));
        }
    };
    let mut parts = Fields::new(map, mode);
    let repositories = list(&mut parts, "repositories", "assets.repositories", repository)?;
    let services = list(&mut parts, "services", "assets.services", service)?;
    // Unknown members of `assets` become an attribute of the same name, so that nothing is lost.
    body.keep("assets", parts.into_rest());
    Ok((repositories, services))
}

/// `[{"repositories": […]}, {"services": […]}]` as one object; lists of the same name are concatenated.
fn joined(parts: Vec<Value>) -> Result<Map<String, Value>, Error> {
    let mut all: Map<String, Value> = Map::new();
    for part in parts {
        let Value::Object(part) = part else {
            return Err(wrong("assets", &part, "an object, an array of objects, or null"));
        };
        for (name, value) in part {
            match (all.get_mut(&name), value) {
                (Some(Value::Array(list)), Value::Array(more)) => list.extend(more),
                // The last value wins if one of them is no list; `list` refuses what has the wrong type.
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
    let mode = parts.mode();
    let items = match parts.any(name) {
        FieldInput::Value(Value::Array(items)) => items,
        FieldInput::Value(other) => return Err(wrong(label, &other, "an array or null")),
        FieldInput::Null => return Ok(Patch::Clear),
        FieldInput::Absent => return Ok(FieldInput::Absent.patch(mode)),
    };
    let read_one = |item| match item {
        // Also in a PATCH: RFC 7396 replaces arrays as a whole, so an item is a complete record and not a patch.
        Value::Object(map) => read(Fields::new(map, UpdateMode::Replace)),
        other => Err(wrong(label, &other, "an array of objects")),
    };
    items.into_iter().map(read_one).collect::<Result<_, _>>().map(Patch::Set)
}

fn repository(mut body: Fields) -> Result<RepositoryFields, Error> {
    body.drop_read_only(&[])?;
    let url = body.text("url", "assets.repositories.url", RepoUrl::parse)?.value();
    let name = body.text("name", "assets.repositories.name", Name::parse)?.value();
    let platform = body.text("platform", "assets.repositories.platform", Name::parse)?.value();
    if name.is_none() && url.is_none() {
        return Err(nameless("assets.repositories", "a name or a url"));
    }
    let fields = RepositoryFields::with_defaults(name, platform, url)
        .map_err(|refusal| refusal.about("assets.repositories.url"))?;
    Ok(RepositoryFields { attributes: body.attributes()?, ..fields })
}

fn service(mut body: Fields) -> Result<ServiceFields, Error> {
    body.drop_read_only(&[])?;
    let identifier = body.text("identifier", "assets.services.identifier", ServiceIdentifier::parse)?.value();
    let name = body.text("name", "assets.services.name", Name::parse)?.value();
    let default_name = identifier.as_ref().map(|it| Name::parse(it.as_str())).transpose()?;
    let dependencies = body.any("dependencies").value();
    if let Some(dependencies) = &dependencies {
        // Refuses JSON that would come back changed: the parser rounds integers of more than 64 bits.
        check_exact_numbers("assets.services.dependencies", dependencies)?;
    }
    Ok(ServiceFields {
        name: name.or(default_name).ok_or_else(|| nameless("assets.services", "a name or an identifier"))?,
        identifier,
        dependencies,
        external_id: body.text("externalId", "assets.services.externalId", ExternalId::parse)?.value(),
        attributes: body.attributes()?,
    })
}

fn nameless(field: &'static str, needed: &str) -> Error {
    Error::invalid(field, "", format!("must each have {needed}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(mode: UpdateMode, value: &Value) -> Result<Assets, Error> {
        assets(&mut Fields::new(value.as_object().unwrap().clone(), mode))
    }

    #[test]
    fn both_forms_of_the_published_api_are_read() {
        let object = json!({"assets": {"repositories": [{"url": "https://GitHub.com/Org/app.git"}],
            "services": [{"identifier": "app-1", "dependencies": {}}]}});
        let array = json!({"assets": [{"repositories": [{"url": "https://GitHub.com/Org/app.git"}]},
            {"services": [{"identifier": "app-1", "dependencies": {}}]}]});
        let (repositories, services) = read(UpdateMode::Create, &object).unwrap();
        assert_eq!((repositories.clone(), services.clone()), read(UpdateMode::Create, &array).unwrap());
        let (Patch::Set(repositories), Patch::Set(services)) = (repositories, services) else { panic!() };
        assert_eq!(repositories[0].name.as_str(), "app");
        assert_eq!(repositories[0].platform.as_ref().unwrap().as_str(), "github.com");
        assert_eq!(services[0].name.as_str(), "app-1");
    }

    #[test]
    fn an_absent_list_is_kept_or_cleared_by_the_method() {
        let services_only = json!({"assets": {"services": []}});
        assert_eq!(read(UpdateMode::Merge, &services_only).unwrap(), (Patch::Keep, Patch::Set(vec![])));
        assert_eq!(read(UpdateMode::Replace, &services_only).unwrap(), (Patch::Clear, Patch::Set(vec![])));
        assert_eq!(read(UpdateMode::Merge, &json!({"assets": null})).unwrap(), (Patch::Clear, Patch::Clear));
        assert_eq!(read(UpdateMode::Create, &json!({})).unwrap(), (Patch::Keep, Patch::Keep));
    }

    #[test]
    fn invalid_assets_are_refused_with_their_field() {
        for (body, field) in [
            (json!({"assets": 7}), "assets"),
            (json!({"assets": ["x"]}), "assets"),
            (json!({"assets": {"repositories": {}}}), "assets.repositories"),
            (json!({"assets": {"repositories": [{}]}}), "assets.repositories"),
            (json!({"assets": {"services": [{"name": 7}]}}), "assets.services.name"),
        ] {
            assert_eq!(read(UpdateMode::Create, &body).unwrap_err().field(), Some(field), "{body}");
        }
    }
}
