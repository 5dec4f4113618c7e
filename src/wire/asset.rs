//! What a project consists of: the tables of repositories and services, in and out.
//!
//! `assets` is an object of two lists, or an array of objects that hold one of them each.

use std::sync::LazyLock;

use serde_json::{Map, Value};

use crate::error::Error;
use crate::model::attributes::kept_exactly;
use crate::model::command::{Patch, RepositoryFields, ServiceFields};
use crate::model::entity::Kind;
use crate::model::key::{ExternalId, Name, RepoUrl, ServiceIdentifier};
use crate::query::{Field, OrderBy};
use crate::wire::cell::Cell;
use crate::wire::column::{Column, Columns, Form, ShownIn, object};
use crate::wire::field::{self, Need, maybe_text, text};
use crate::wire::fields::{FieldInput, Fields, Manner, wrong};
use crate::wire::row::Row;
use crate::wire::stamps::{ATTRIBUTES, STAMPS};

/// What a project shows of its repositories and services.
pub(crate) static ASSETS: Column =
    Column::new("assets", "What it consists of.", Form::Of("Assets"), |row| Some(object(row, &LISTS)))
        .only(ShownIn::InFiles);

/// The two lists of a project.
pub(crate) static LISTS: [Column; 2] = [
    Column::new(
        "repositories",
        "Its repositories, in the order in which they were given.",
        Form::ArrayOf("AssetRepository"),
        |row| list_of(row, Kind::Repository, &REPOSITORY),
    ),
    Column::new(
        "services",
        "Its services, in the order in which they were given.",
        Form::ArrayOf("AssetService"),
        |row| list_of(row, Kind::Service, &SERVICE),
    ),
];

/// A repository, as its project shows it.
pub(crate) static REPOSITORY: [Column; 4] = [
    text!("name", "What people call it.", repository.name)
        .example("web-portal")
        .sorted(OrderBy::Field(Field::Name)),
    maybe_text!("platform", "Where it is hosted.", repository.platform)
        .example("github.com")
        .sorted(OrderBy::Field(Field::Platform)),
    maybe_text!("url", "Where it is.", repository.url)
        .example("https://github.com/Opsera/web-portal.git")
        .sorted(OrderBy::Field(Field::Url)),
    ATTRIBUTES_IF_ANY,
];

/// A service, as its project shows it.
pub(crate) static SERVICE: [Column; 5] = [
    text!("name", "What people call it.", service.name).example("ha-proxy"),
    maybe_text!("identifier", "What machines call it.", service.identifier).example("haprox01"),
    Column::new("dependencies", "What it depends on, as it was given.", Form::Any, |row| {
        Some(Cell::Json(row.service()?.dependencies.as_deref()?))
    }),
    maybe_text!("externalId", "What another system calls it.", service.external_id),
    ATTRIBUTES_IF_ANY,
];

const ATTRIBUTES_IF_ANY: Column = Column::new(
    "attributes",
    "All fields that have no name of their own, where there are any.",
    Form::ObjectIfAny,
    |row| Some(Cell::Attributes(row.attributes())),
);

/// The project that an asset belongs to.
pub(crate) static PROJECT: Column =
    Column::new("projectId", "The project it belongs to.", Form::MaybeText, |row| {
        let repository = row.repository().map(|it| it.project);
        row.key(repository.or_else(|| row.service().map(|it| it.project))?).map(Cell::Text)
    });

/// All that a repository shows by itself.
pub(crate) static COLUMNS: LazyLock<Columns> =
    LazyLock::new(|| Columns::of(REPOSITORY.iter().chain([&PROJECT]).chain(&STAMPS)));

/// What the log shows of an asset: its project, its own fields, and attributes also where there are none.
pub(crate) fn in_log(own: &'static [Column]) -> Vec<&'static Column> {
    let own = own.iter().filter(|column| column.form != Form::ObjectIfAny);
    std::iter::once(&PROJECT).chain(own).chain([&ATTRIBUTES]).collect()
}

/// What bodies give of a repository.
pub(crate) static GIVEN_REPOSITORY: [field::InputSchema; 3] = [
    field::InputSchema::new(
        "name",
        "MaybeText",
        Need::Optional,
        "What people call it; the end of the url where it is not given.",
    ),
    field::InputSchema::new(
        "platform",
        "MaybeText",
        Need::Optional,
        "Where it is hosted; the host of the url where it is not given.",
    ),
    field::InputSchema::new("url", "UrlText", Need::Optional, "Where it is."),
];

/// What bodies give of a service, but for `dependencies`.
pub(crate) static GIVEN_SERVICE: [field::InputSchema; 3] = [
    field::InputSchema::new(
        "name",
        "MaybeText",
        Need::Optional,
        "What people call it; the identifier where it is not given.",
    ),
    field::InputSchema::new("identifier", "MaybeText", Need::Optional, "What machines call it."),
    field::InputSchema::new("externalId", "MaybeText", Need::Optional, "What another system calls it."),
];

fn list_of<'v>(row: &Row<'v>, kind: Kind, columns: &[Column]) -> Option<Cell<'v>> {
    let view = row.view()?;
    let assets = view.assets(row.id()?, kind).into_iter().filter_map(|id| Row::entity(view, id));
    Some(Cell::List(assets.map(|asset| object(&asset, columns)).collect()))
}

type Assets = (Patch<Vec<RepositoryFields>>, Patch<Vec<ServiceFields>>);

/// Reads `assets`.
pub(crate) fn assets(given: &mut Fields) -> Result<Assets, Error> {
    let manner = given.manner();
    let map = match given.any("assets") {
        FieldInput::Value(Value::Object(map)) => map,
        FieldInput::Value(Value::Array(parts)) => joined(parts)?,
        FieldInput::Value(other) => {
            return Err(wrong("assets", &other, "an object, an array of objects, or null"));
        }
        FieldInput::Null => return Ok((Patch::Clear, Patch::Clear)),
        FieldInput::Absent => {
            return Ok((FieldInput::Absent.patch(manner), FieldInput::Absent.patch(manner)));
        }
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
        FieldInput::Value(Value::Array(items)) => items,
        FieldInput::Value(other) => return Err(wrong(label, &other, "an array or null")),
        FieldInput::Null => return Ok(Patch::Clear),
        FieldInput::Absent => return Ok(FieldInput::Absent.patch(manner)),
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
