//! Repositories and services of a project: the given lists replace the existing ones, and matching assets keep their
//! ids.

use std::collections::{HashMap, HashSet};

use crate::directory::plan::Plan;
use crate::error::Error;
use crate::model::attributes::Attributes;
use crate::model::command::{Effect, Patch, ProjectFields, RepositoryFields, ServiceFields};
use crate::model::entity::{Body, Entity, EntityId, Kind, Repository, Service};

impl Plan<'_> {
    /// Replaces the assets of a project with those in `fields`; `true` if anything changed.
    pub(super) fn set_assets(&mut self, project: EntityId, fields: &ProjectFields) -> Result<bool, Error> {
        let mut changed = false;
        if let Some(repositories) = new_list(&fields.repositories) {
            let bodies = repositories.iter().map(|repository| repository_body(project, repository)).collect();
            changed |= self.set_assets_of(project, Kind::Repository, bodies)?;
        }
        if let Some(services) = new_list(&fields.services) {
            let bodies = services.iter().map(|service| service_body(project, service)).collect();
            changed |= self.set_assets_of(project, Kind::Service, bodies)?;
        }
        Ok(changed)
    }

    fn set_assets_of(&mut self, project: EntityId, kind: Kind, bodies: Vec<Body>) -> Result<bool, Error> {
        let existing: Vec<&Entity> = self
            .view
            .assets(project, kind)
            .into_iter()
            .filter_map(|id| self.view.entity(id).map(|entity| &**entity))
            .collect();
        // For a new project this is empty: the view has no assets for an id that this plan created.
        let existing: HashMap<String, &Entity> =
            existing.into_iter().map(|asset| (identity(&asset.body), asset)).collect();
        let mut named = HashSet::new();
        let mut changed = false;
        for body in bodies {
            let identity = identity(&body);
            if !named.insert(identity.clone()) {
                return Err(Error::Duplicate { kind: kind.as_str(), key: identity, id: None });
            }
            if let Some(asset) = existing.get(&identity) {
                changed |= self.change_entity(asset, body) == Effect::Updated;
            } else {
                self.new_entity(body);
                changed = true;
            }
        }
        // Sorted, because a hash map iterates in random order, and the log must not depend on that.
        let mut ended: Vec<_> = existing.iter().filter(|(identity, _)| !named.contains(*identity)).collect();
        ended.sort_unstable_by_key(|(_, asset)| asset.id);
        for (_, asset) in ended {
            self.push_end(asset);
            changed = true;
        }
        Ok(changed)
    }
}

/// The new list; `None` to keep the existing one.
fn new_list<T>(patch: &Patch<Vec<T>>) -> Option<&[T]> {
    match patch {
        Patch::Keep => None,
        Patch::Clear => Some(&[]),
        Patch::Set(all) => Some(all),
    }
}

/// The key of an asset among those of its kind in one project.
fn identity(body: &Body) -> String {
    // The normalized URL, so that https and ssh forms of one repository match. Names can change, and come second.
    match body {
        Body::Repository(Repository { url: Some(url), .. }) => url.normalized(),
        Body::Repository(repository) => repository.name.as_str().to_owned(),
        Body::Service(Service { identifier: Some(identifier), .. }) => identifier.as_str().to_owned(),
        Body::Service(service) => service.name.as_str().to_owned(),
        _ => String::new(),
    }
}

fn repository_body(project: EntityId, fields: &RepositoryFields) -> Body {
    Body::Repository(Repository {
        project,
        name: fields.name.clone(),
        platform: fields.platform.clone(),
        url: fields.url.clone(),
        attributes: Attributes::default().patched(&fields.attributes),
    })
}

fn service_body(project: EntityId, fields: &ServiceFields) -> Body {
    Body::Service(Service {
        project,
        name: fields.name.clone(),
        identifier: fields.identifier.clone(),
        dependencies: fields.dependencies.clone().map(Box::new),
        external_id: fields.external_id.clone(),
        attributes: Attributes::default().patched(&fields.attributes),
    })
}
