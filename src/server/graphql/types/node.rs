//! Everything with a global id, as GraphQL has it: `Node`, and an entity as one view sees it.

use std::sync::Arc;

use async_graphql::{ID, Interface};

use crate::directory::View;
use crate::model::entity::{Entity, EntityId, Kind};
use crate::server::graphql::types::mapping::Mapping;
use crate::server::graphql::types::metered::Metered;
use crate::server::graphql::types::org_unit::OrgUnit;
use crate::server::graphql::types::person::Person;
use crate::server::graphql::types::project::Project;
use crate::server::graphql::types::repository::Repository;
use crate::server::graphql::types::service::Service;
use crate::server::response::problem::Result;
use crate::wire::id::{NamedRecord, entity_id, unit_ref};

/// Anything with a global id.
#[derive(Clone, Interface)]
#[graphql(field(
    name = "id",
    ty = "Metered<ID>",
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
pub(crate) struct VisibleEntity {
    pub(crate) view: View,
    pub(crate) entity: Arc<Entity>,
}

impl VisibleEntity {
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
        let seen = VisibleEntity::at(view, id)?;
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
        match NamedRecord::read(view, id)? {
            NamedRecord::Entity(id) => Self::at(view, id),
            NamedRecord::Mapping(mapping) => Some(Self::Mapping(Mapping { view: view.clone(), mapping })),
        }
    }
}

/// The unit that an `ID` argument names, found.
pub(crate) fn unit(view: &View, id: &ID) -> Result<EntityId> {
    Ok(view.find_unit(&unit_ref(id))?)
}
