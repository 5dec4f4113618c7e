//! What the doctor found, as every door shows it.

use crate::directory::View;
use crate::model::entity::{Body, Entity, EntityId, Kind, Person};
use crate::model::key::Name;
use crate::query::doctor::{About, Finding};
use crate::server::graphql::types::node::{entity_id, mapping_id};
use crate::server::limits::FINDING_RECORDS_MAX;

/// A record that a finding is about.
#[derive(Debug)]
pub(super) struct Shown {
    /// Its kind; none for a mapping.
    pub(super) kind: Option<Kind>,
    /// Its number; none for a mapping.
    pub(super) entity: Option<EntityId>,
    /// Its key; of a mapping, its id.
    pub(super) key: String,
    /// What people call it, where it has a name.
    pub(super) name: Option<String>,
    /// Its global id in GraphQL.
    pub(super) id: String,
}

/// The first records that a finding is about.
pub(super) fn records(view: &View, finding: &Finding) -> impl Iterator<Item = Shown> {
    finding.about.iter().take(FINDING_RECORDS_MAX).filter_map(|about| shown(view, *about))
}

fn shown(view: &View, about: About) -> Option<Shown> {
    match about {
        About::Entity(id) => {
            let entity = view.entity(id)?;
            Some(Shown {
                kind: Some(entity.kind()),
                entity: Some(id),
                key: entity.label().to_owned(),
                name: name(entity),
                id: entity_id(view, entity),
            })
        }
        About::Mapping(id) => Some(Shown {
            kind: None,
            entity: None,
            key: id.to_string(),
            name: None,
            id: mapping_id(id).to_string(),
        }),
    }
}

fn name(entity: &Entity) -> Option<String> {
    match &entity.body {
        Body::OrgUnit(unit) => Some(unit.name.to_string()),
        Body::Person(person) => person_name(person),
        Body::Project(project) => Some(project.name.to_string()),
        Body::Repository(repository) => Some(repository.name.to_string()),
        Body::Service(service) => Some(service.name.to_string()),
    }
}

/// The name to show, or else what there is of first and last name.
fn person_name(person: &Person) -> Option<String> {
    let parts = match &person.display_name {
        Some(name) => vec![name],
        None => [&person.first_name, &person.last_name].into_iter().flatten().collect(),
    };
    let parts: Vec<_> = parts.into_iter().map(Name::as_str).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}
