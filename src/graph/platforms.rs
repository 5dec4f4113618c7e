//! The projects on each platform, so that counting by platform looks at none of them.

use roaring::RoaringBitmap;
use rustc_hash::FxHashMap;

use crate::graph::Graph;
use crate::model::entity::{Entity, EntityId};
use crate::model::key::Name;

/// For each platform, the projects that have a repository there.
#[derive(Debug, Clone, Default)]
pub(super) struct Platforms(FxHashMap<Name, RoaringBitmap>);

impl Platforms {
    /// The platforms of the repositories among `entities`.
    pub(super) fn of<'g>(entities: impl Iterator<Item = &'g Entity>) -> Self {
        let mut platforms = Self::default();
        for entity in entities {
            platforms.insert(entity);
        }
        platforms
    }

    /// Whether they are those of the repositories among `entities`.
    pub(super) fn is_of<'g>(&self, entities: impl Iterator<Item = &'g Entity>) -> bool {
        let said = Self::of(entities);
        self.iter().count() == said.0.len()
            && self.iter().all(|(name, projects)| said.0.get(name) == Some(projects))
    }

    /// Each platform with its projects.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Name, &RoaringBitmap)> {
        self.0.iter().filter(|(_, projects)| !projects.is_empty())
    }

    /// Enters the project of a repository; nothing for what is none.
    pub(super) fn insert(&mut self, entity: &Entity) {
        let Some(repository) = entity.as_repository() else { return };
        let Some(platform) = &repository.platform else { return };
        let projects = match self.0.get_mut(platform) {
            Some(projects) => projects,
            None => self.0.entry(platform.clone()).or_default(),
        };
        projects.insert(repository.project.0);
    }
}

impl Graph {
    /// Takes the project of a repository out, unless another of its repositories is on the same platform.
    pub(super) fn leave_platform(&mut self, entity: &Entity) {
        let Some(repository) = entity.as_repository() else { return };
        let Some(platform) = &repository.platform else { return };
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
