//! Global ids of GraphQL (`Node.id`): the kind and key of a record in base64.
//!
//! Invariant: an id survives export and import, and does not reveal the number of records, because it contains the key
//! and no internal number.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::directory::View;
use crate::model::entity::{Body, Entity, EntityId, Kind};
use crate::model::key::{Email, ProjectId, UnitKey};
use crate::model::mapping::{Mapping, MappingId};
use crate::model::reference::UnitRef;

/// Separates the id of the project and the identity of the asset within it.
// Keys cannot contain control characters, so a line feed is unambiguous.
const ASSET_SEPARATOR: char = '\n';

/// A parsed global id: the kind and key of a record, which need not exist.
pub(crate) enum GlobalId {
    OrgUnit(UnitKey),
    Person(Email),
    Project(ProjectId),
    /// A repository or service: the id of its project and its identity within that, with the separator between.
    Asset(Kind, String),
    Mapping(MappingId),
}

impl GlobalId {
    /// Parses a global id; `None` if the text is not one.
    pub(crate) fn read(id: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(id).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        // At the first colon: names of kinds have none, keys may.
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

/// The record that a global id refers to.
pub(crate) enum NamedRecord {
    Entity(EntityId),
    Mapping(Arc<Mapping>),
}

impl NamedRecord {
    /// Resolves a global id; `None` if the text is not one, or the record does not exist or is not visible.
    // The two cases must not differ, or ids would reveal which records exist outside the scope.
    pub(crate) fn read(view: &View, id: &str) -> Option<Self> {
        GlobalId::read(id)?.named(view)
    }
}

fn asset(view: &View, kind: Kind, key: &str) -> Option<EntityId> {
    let (project, asset) = key.split_once(ASSET_SEPARATOR)?;
    let project = view.project_by_id(&ProjectId::parse(project).ok()?)?;
    // A scan instead of an index: a project has few assets.
    view.assets(project, kind)
        .into_iter()
        .find(|id| view.entity(*id).is_some_and(|entity| asset_identity(entity) == asset))
}

/// The text that identifies an asset among those of its project.
fn asset_identity(entity: &Entity) -> String {
    match &entity.body {
        // Normalized, so that the id stays the same when the URL is written in another way (SSH or HTTPS).
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
        // Emails are compared without case, so the id must not depend on it either.
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

/// The unit that an argument refers to: a global id, or else a key, external id, path or unique name.
pub(crate) fn unit_ref(id: &str) -> UnitRef {
    match GlobalId::read(id) {
        // A key can hardly be valid base64 of text that begins with `OrgUnit:`, so the two forms do not collide.
        Some(GlobalId::OrgUnit(key)) => UnitRef::Key(key),
        _ => UnitRef::Text(id.to_owned()),
    }
}
