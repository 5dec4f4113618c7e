//! Bitmap index from a hosting platform to the projects on it, so that filters and facets by platform read no records.
//!
//! Invariant: a project is in the set of each platform on which at least one of its repositories is hosted.

use roaring::RoaringBitmap;
use rustc_hash::FxHashMap;

use crate::graph::Graph;
use crate::model::entity::{Entity, EntityId};
use crate::model::key::Name;

/// For each platform, the projects that have a repository there.
#[derive(Debug, Clone, Default)]
pub(super) struct Platforms(FxHashMap<Name, RoaringBitmap>);

impl Platforms {
    /// Builds the index from the repositories among `entities`.
    pub(super) fn of<'g>(entities: impl Iterator<Item = &'g Entity>) -> Self {
        let mut platforms = Self::default();
        for entity in entities {
            platforms.insert(entity);
        }
        platforms
    }

    /// Whether this is the index of the repositories among `entities`.
    pub(super) fn are_those_of<'g>(&self, entities: impl Iterator<Item = &'g Entity>) -> bool {
        let expected = Self::of(entities);
        self.iter().count() == expected.0.len()
            && self.iter().all(|(name, projects)| expected.0.get(name) == Some(projects))
    }

    /// Each platform that has projects, with these.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Name, &RoaringBitmap)> {
        // `remove_from_platform` leaves empty sets behind.
        self.0.iter().filter(|(_, projects)| !projects.is_empty())
    }

    /// Adds the project of a repository; does nothing for other kinds.
    pub(super) fn insert(&mut self, entity: &Entity) {
        let Some(repository) = entity.as_repository() else { return };
        let Some(platform) = &repository.platform else { return };
        // `entry` would need an owned name: it would clone one for each repository, although platforms are few.
        let projects = match self.0.get_mut(platform) {
            Some(projects) => projects,
            None => self.0.entry(platform.clone()).or_default(),
        };
        projects.insert(repository.project.0);
    }
}

impl Graph {
    /// Removes the project of a repository, unless another of its repositories is on the same platform.
    pub(super) fn remove_from_platform(&mut self, entity: &Entity) {
        let Some(repository) = entity.as_repository() else { return };
        let Some(platform) = &repository.platform else { return };
        // Reads the project's asset edges, so it must run before the edge of this repository is removed.
        let has_another = self
            .asset_ids(repository.project)
            .filter(|asset| *asset != entity.id)
            .any(|asset| self.platform(asset) == Some(platform));
        if !has_another && let Some(projects) = self.platforms.0.get_mut(platform) {
            projects.remove(repository.project.0);
        }
    }

    fn platform(&self, repository: EntityId) -> Option<&Name> {
        self.entity(repository)?.as_repository()?.platform.as_ref()
    }
}
