//! Global ids, made of keys: the same over export and import, and silent about how many records there are.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::directory::View;
use crate::model::entity::{Body, Entity, EntityId, Kind};
use crate::model::key::{Email, ProjectId, UnitKey};
use crate::model::mapping::{Mapping, MappingId};
use crate::model::reference::UnitRef;

/// Between the project of an asset and what tells it from the project's others.
const ASSET_SEPARATOR: char = '\n';

/// What a global id says: which kind of record, and its key.
pub(crate) enum GlobalId {
    OrgUnit(UnitKey),
    Person(Email),
    Project(ProjectId),
    /// The project's id, and what tells the asset from the project's others.
    Asset(Kind, String),
    Mapping(MappingId),
}

impl GlobalId {
    /// Reads a global id; nothing for another text.
    pub(crate) fn read(id: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(id).ok()?;
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

    fn named(&self, view: &View) -> Option<NamedRecord> {
        match self {
            Self::OrgUnit(key) => view.find_unit(&UnitRef::Key(key.clone())).ok().map(NamedRecord::Entity),
            Self::Person(email) => view.person_by_email(email).map(NamedRecord::Entity),
            Self::Project(id) => view.project_by_id(id).map(NamedRecord::Entity),
            Self::Asset(kind, key) => asset(view, *kind, key).map(NamedRecord::Entity),
            Self::Mapping(id) => view.mapping(id).cloned().map(NamedRecord::Mapping),
        }
    }
}

/// What a global id names.
pub(crate) enum NamedRecord {
    Entity(EntityId),
    Mapping(Arc<Mapping>),
}

impl NamedRecord {
    /// Reads a global id; nothing for another text, or for what is not in sight.
    pub(crate) fn read(view: &View, id: &str) -> Option<Self> {
        GlobalId::read(id)?.named(view)
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

/// The global id of a mapping.
pub(crate) fn mapping_id(id: MappingId) -> String {
    URL_SAFE_NO_PAD.encode(format!("Mapping:{id}"))
}

/// The unit that an argument names: by global id, or else as a person would.
pub(crate) fn unit_ref(id: &str) -> UnitRef {
    match GlobalId::read(id) {
        Some(GlobalId::OrgUnit(key)) => UnitRef::Key(key),
        _ => UnitRef::Text(id.to_owned()),
    }
}
