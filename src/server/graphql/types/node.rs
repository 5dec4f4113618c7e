//! Global ids, made of keys: the same over export and import, and silent about how many records there are.

use std::sync::Arc;

use async_graphql::{ID, Interface};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::directory::View;
use crate::model::entity::{Body, Entity, EntityId, Kind};
use crate::model::key::{Email, ProjectId, UnitKey};
use crate::model::mapping::{Mapping as MappingRecord, MappingId};
use crate::model::reference::UnitRef;
use crate::server::graphql::types::counted::Counted;
use crate::server::graphql::types::mapping::Mapping;
use crate::server::graphql::types::org_unit::OrgUnit;
use crate::server::graphql::types::person::Person;
use crate::server::graphql::types::project::Project;
use crate::server::graphql::types::repository::Repository;
use crate::server::graphql::types::service::Service;
use crate::server::response::problem::Result;

/// Between the project of an asset and what tells it from the project's others.
const ASSET_SEPARATOR: char = '\n';

/// Anything with a global id.
#[derive(Clone, Interface)]
#[graphql(field(
    name = "id",
    ty = "Counted<ID>",
    desc = "The global id: opaque, and stable while the record keeps its key."
))]
pub(crate) enum Node {
    OrgUnit(OrgUnit),
    Person(Person),
    Project(Project),
    Repository(Repository),
    Service(Service),
    Mapping(Mapping),
}

/// An entity as one view sees it: what every object type of an entity holds.
#[derive(Clone)]
pub(crate) struct Seen {
    pub(crate) view: View,
    pub(crate) entity: Arc<Entity>,
}

impl Seen {
    /// The entity, if it is in sight.
    pub(crate) fn at(view: &View, id: EntityId) -> Option<Self> {
        view.entity(id).map(|entity| Self { view: view.clone(), entity: Arc::clone(entity) })
    }

    pub(crate) fn id(&self) -> EntityId {
        self.entity.id
    }

    pub(crate) fn global_id(&self) -> ID {
        ID(entity_id(&self.view, &self.entity))
    }
}

impl Node {
    /// The entity as a node, if it is in sight.
    pub(crate) fn at(view: &View, id: EntityId) -> Option<Self> {
        let seen = Seen::at(view, id)?;
        Some(match seen.entity.kind() {
            Kind::OrgUnit => Self::OrgUnit(OrgUnit(seen)),
            Kind::Person => Self::Person(Person(seen)),
            Kind::Project => Self::Project(Project(seen)),
            Kind::Repository => Self::Repository(Repository(seen)),
            Kind::Service => Self::Service(Service(seen)),
        })
    }

    /// Its number, of an entity.
    pub(crate) fn entity_id(&self) -> Option<EntityId> {
        Some(match self {
            Self::OrgUnit(unit) => unit.0.id(),
            Self::Person(person) => person.0.id(),
            Self::Project(project) => project.0.id(),
            Self::Repository(repository) => repository.0.id(),
            Self::Service(service) => service.0.id(),
            Self::Mapping(_) => return None,
        })
    }

    /// The node that a global id names, if it is in sight.
    pub(crate) fn named(view: &View, id: &ID) -> Option<Self> {
        match Named::read(view, id)? {
            Named::Entity(id) => Self::at(view, id),
            Named::Mapping(mapping) => Some(Self::Mapping(Mapping { view: view.clone(), mapping })),
        }
    }
}

/// What a global id says: which kind of record, and its key.
pub(crate) enum Key {
    OrgUnit(UnitKey),
    Person(Email),
    Project(ProjectId),
    /// The project's id, and what tells the asset from the project's others.
    Asset(Kind, String),
    Mapping(MappingId),
}

impl Key {
    /// Reads a global id; nothing for another text.
    pub(crate) fn read(id: &ID) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(id.as_str()).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let (name, key) = text.split_once(':')?;
        match name {
            "OrgUnit" => UnitKey::parse(key).ok().map(Self::OrgUnit),
            "Person" => Email::parse(key).ok().map(Self::Person),
            "Project" => ProjectId::parse(key).ok().map(Self::Project),
            "Repository" => Some(Self::Asset(Kind::Repository, key.to_owned())),
            "Service" => Some(Self::Asset(Kind::Service, key.to_owned())),
            "Mapping" => MappingId::parse(key).ok().map(Self::Mapping),
            _ => None,
        }
    }

    fn named(&self, view: &View) -> Option<Named> {
        match self {
            Self::OrgUnit(key) => view.find_unit(&UnitRef::Key(key.clone())).ok().map(Named::Entity),
            Self::Person(email) => view.person_by_email(email).map(Named::Entity),
            Self::Project(id) => view.project_by_id(id).map(Named::Entity),
            Self::Asset(kind, key) => asset(view, *kind, key).map(Named::Entity),
            Self::Mapping(id) => view.mapping(id).cloned().map(Named::Mapping),
        }
    }
}

/// What a global id names.
pub(crate) enum Named {
    Entity(EntityId),
    Mapping(Arc<MappingRecord>),
}

impl Named {
    /// Reads a global id; nothing for another text, or for what is not in sight.
    pub(crate) fn read(view: &View, id: &ID) -> Option<Self> {
        Key::read(id)?.named(view)
    }
}

fn asset(view: &View, kind: Kind, key: &str) -> Option<EntityId> {
    let (project, asset) = key.split_once(ASSET_SEPARATOR)?;
    let project = view.project_by_id(&ProjectId::parse(project).ok()?)?;
    view.assets(project, kind)
        .into_iter()
        .find(|id| view.entity(*id).is_some_and(|entity| asset_identity(entity) == asset))
}

/// What tells an asset from the others of its project.
fn asset_identity(entity: &Entity) -> String {
    match &entity.body {
        Body::Repository(repository) => match &repository.url {
            Some(url) => url.normalized(),
            None => repository.name.as_str().to_owned(),
        },
        Body::Service(service) => {
            service.identifier.as_ref().map_or(service.name.as_str(), |id| id.as_str()).to_owned()
        }
        _ => String::new(),
    }
}

/// The global id of an entity.
pub(crate) fn entity_id(view: &View, entity: &Entity) -> String {
    let text = match &entity.body {
        Body::OrgUnit(unit) => format!("OrgUnit:{}", unit.key),
        Body::Person(person) => format!("Person:{}", person.email.folded()),
        Body::Project(project) => format!("Project:{}", project.project_id),
        Body::Repository(repository) => asset_id(view, "Repository", repository.project, entity),
        Body::Service(service) => asset_id(view, "Service", service.project, entity),
    };
    URL_SAFE_NO_PAD.encode(text)
}

fn asset_id(view: &View, name: &str, project: EntityId, entity: &Entity) -> String {
    format!("{name}:{}{ASSET_SEPARATOR}{}", view.label(project), asset_identity(entity))
}

pub(crate) fn mapping_id(id: MappingId) -> ID {
    ID(URL_SAFE_NO_PAD.encode(format!("Mapping:{id}")))
}

/// The unit that an `ID` argument names: by global id, or else as a person would.
pub(crate) fn unit_ref(id: &ID) -> UnitRef {
    match Key::read(id) {
        Some(Key::OrgUnit(key)) => UnitRef::Key(key),
        _ => UnitRef::Text(id.to_string()),
    }
}

/// The unit that an `ID` argument names, found.
pub(crate) fn unit(view: &View, id: &ID) -> Result<EntityId> {
    Ok(view.find_unit(&unit_ref(id))?)
}
