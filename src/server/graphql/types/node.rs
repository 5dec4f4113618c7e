//! `Node`: the interface of all types with a global id, and [`VisibleEntity`], an entity together with its view.
//!
//! Invariant: an object is made only of an entity that is visible in the view which it carries.

use std::sync::Arc;

use async_graphql::{ID, Interface};

use crate::directory::View;
use crate::model::entity::{Entity, EntityId, Kind};
use crate::query::nearby::with_similar;
use crate::server::graphql::types::mapping::Mapping;
use crate::server::graphql::types::metered::Metered;
use crate::server::graphql::types::org_unit::OrgUnit;
use crate::server::graphql::types::person::Person;
use crate::server::graphql::types::project::Project;
use crate::server::graphql::types::repository::Repository;
use crate::server::graphql::types::service::Service;
use crate::server::response::problem::Result;
use crate::wire::id::{NamedRecord, entity_id, unit_ref};

/// Any record with a global id.
#[derive(Clone, Interface)]
#[graphql(field(
    name = "id",
    ty = "Metered<ID>",
    desc = "The global id. Opaque; stable as long as the record's key."
))]
pub(crate) enum Node {
    OrgUnit(OrgUnit),
    Person(Person),
    Project(Project),
    Repository(Repository),
    Service(Service),
    Mapping(Mapping),
}

/// An entity and the view that shows it: the content of every object type of an entity.
// Both clones are reference counts. The view travels along because nested fields, such as a unit's children, must be
// resolved at the same revision and within the same scope.
#[derive(Clone)]
pub(crate) struct VisibleEntity {
    pub(crate) view: View,
    pub(crate) entity: Arc<Entity>,
}

impl VisibleEntity {
    /// The entity, if it is visible.
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
    /// The entity as a node, if it is visible.
    pub(crate) fn at(view: &View, id: EntityId) -> Option<Self> {
        let visible = VisibleEntity::at(view, id)?;
        Some(match visible.entity.kind() {
            Kind::OrgUnit => Self::OrgUnit(OrgUnit(visible)),
            Kind::Person => Self::Person(Person(visible)),
            Kind::Project => Self::Project(Project(visible)),
            Kind::Repository => Self::Repository(Repository(visible)),
            Kind::Service => Self::Service(Service(visible)),
        })
    }

    /// The entity id. None for a mapping, which is not an entity.
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

    /// The node with this global id, if it is visible. None also for text that is no global id.
    pub(crate) fn named(view: &View, id: &ID) -> Option<Self> {
        // Absent and inaccessible give the same null, so that a limited token cannot probe which records exist.
        match NamedRecord::read(view, id)? {
            NamedRecord::Entity(id) => Self::at(view, id),
            NamedRecord::Mapping(mapping) => Some(Self::Mapping(Mapping { view: view.clone(), mapping })),
        }
    }
}

/// The unit that an `ID` argument refers to: by global id, key, external id, path or unique name.
///
/// # Errors
/// No visible unit matches, or several do.
pub(crate) fn unit(view: &View, id: &ID) -> Result<EntityId> {
    Ok(view.find_unit(&unit_ref(id)).map_err(|refusal| with_similar(view, refusal))?)
}
