//! Hash indexes from a key, name, email or url to the entities that have it.
//!
//! Invariant: each current entity has one entry per index of its kind in which it has a text. An entry is the entity's
//! id alone; the text is read from the record.

use std::borrow::Cow;
use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use crate::model::entity::{Body, Entity, EntityId, Kind};
use crate::model::key::fold_email;
use crate::model::repo_url::RepoUrl;
use crate::model::text::fold;

/// The indexes, by the property that is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum IndexBy {
    UnitKey,
    UnitName,
    UnitExternalId,
    Email,
    ProjectId,
    RepositoryUrl,
    ServiceIdentifier,
}

impl IndexBy {
    const ALL: [Self; 7] = [
        Self::UnitKey,
        Self::UnitName,
        Self::UnitExternalId,
        Self::Email,
        Self::ProjectId,
        Self::RepositoryUrl,
        Self::ServiceIdentifier,
    ];

    /// The indexes that contain entities of a kind.
    fn of(kind: Kind) -> &'static [Self] {
        match kind {
            Kind::OrgUnit => &[Self::UnitKey, Self::UnitName, Self::UnitExternalId],
            Kind::Person => &[Self::Email],
            Kind::Project => &[Self::ProjectId],
            Kind::Repository => &[Self::RepositoryUrl],
            Kind::Service => &[Self::ServiceIdentifier],
        }
    }

    /// The form of a text in which this index compares it.
    pub(super) fn compared(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::UnitKey | Self::UnitName | Self::ProjectId => fold(text),
            Self::Email => fold_email(text),
            Self::RepositoryUrl => RepoUrl::parse(text).map_or(text.into(), |url| url.normalized().into()),
            Self::UnitExternalId | Self::ServiceIdentifier => text.into(),
        }
    }

    /// The index key of `entity`; `None` if it has no such property.
    fn text(self, entity: &Entity) -> Option<Cow<'_, str>> {
        match (self, &entity.body) {
            (Self::UnitKey, Body::OrgUnit(unit)) => Some(fold(unit.key.as_str())),
            (Self::UnitName, Body::OrgUnit(unit)) => Some(fold(unit.name.as_str())),
            (Self::UnitExternalId, Body::OrgUnit(unit)) => {
                unit.external_id.as_ref().map(|id| id.as_str().into())
            }
            (Self::Email, Body::Person(person)) => Some(person.email.folded()),
            (Self::ProjectId, Body::Project(project)) => Some(fold(project.project_id.as_str())),
            (Self::RepositoryUrl, Body::Repository(repository)) => {
                repository.url.as_ref().map(|url| url.normalized().into())
            }
            (Self::ServiceIdentifier, Body::Service(service)) => {
                service.identifier.as_ref().map(|identifier| identifier.as_str().into())
            }
            _ => None,
        }
    }

    /// The hash function of the table, for when it grows: it reads the key from the record.
    fn rehash<'g>(self, entity_of: &impl Fn(EntityId) -> Option<&'g Entity>) -> impl Fn(&EntityId) -> u64 {
        move |id| match entity_of(*id).and_then(|entity| self.text(entity)) {
            Some(text) => hash(&text),
            None => 0,
        }
    }
}

/// One hash table for each [`IndexBy`].
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    tables: [HashTable<EntityId>; IndexBy::ALL.len()],
}

impl Index {
    /// The index of `entities`, which are sorted by id.
    pub(super) fn of(entities: &[Arc<Entity>]) -> Self {
        let mut index = Self::default();
        let mut counts = [0; IndexBy::ALL.len()];
        for by in entities.iter().flat_map(|entity| IndexBy::of(entity.kind())) {
            counts[*by as usize] += 1;
        }
        for (table, count) in index.tables.iter_mut().zip(counts) {
            // An empty table has nothing to rehash, so this hash function is never called.
            table.reserve(count, |_| 0);
        }
        let entity_of = |id: EntityId| {
            let position = entities.binary_search_by_key(&id, |entity| entity.id).ok()?;
            Some(&*entities[position])
        };
        for entity in entities {
            index.insert(entity, entity_of);
        }
        index
    }

    /// Adds `entity`. `entity_of` finds the entities that are already in the index.
    pub(super) fn insert<'g>(&mut self, entity: &Entity, entity_of: impl Fn(EntityId) -> Option<&'g Entity>) {
        for by in IndexBy::of(entity.kind()) {
            if let Some(text) = by.text(entity) {
                self.tables[*by as usize].insert_unique(hash(&text), entity.id, by.rehash(&entity_of));
            }
        }
    }

    /// Reserves capacity for `more` entities of each kind. Growing step by step would read every key at each step.
    pub(super) fn reserve<'g>(
        &mut self,
        more: &[usize; Kind::ALL.len()],
        entity_of: impl Fn(EntityId) -> Option<&'g Entity>,
    ) {
        for kind in Kind::ALL {
            for by in IndexBy::of(kind) {
                self.tables[*by as usize].reserve(more[kind as usize], by.rehash(&entity_of));
            }
        }
    }

    /// Removes `entity`, which must have the same texts as when it was added.
    pub(super) fn remove(&mut self, entity: &Entity) {
        for by in IndexBy::of(entity.kind()) {
            if let Some(text) = by.text(entity)
                // Names and urls need not be unique, so the entry is found by id rather than by text.
                && let Ok(entry) = self.tables[*by as usize].find_entry(hash(&text), |id| *id == entity.id)
            {
                entry.remove();
            }
        }
    }

    /// Whether the index contains exactly these entities, each under its own keys.
    pub(super) fn is_index_of<'g>(&self, entities: impl Iterator<Item = &'g Entity>) -> bool {
        let mut counts = [0; IndexBy::ALL.len()];
        for entity in entities {
            for by in IndexBy::of(entity.kind()) {
                let Some(text) = by.text(entity) else { continue };
                if self.tables[*by as usize].find(hash(&text), |id| *id == entity.id).is_none() {
                    return false;
                }
                counts[*by as usize] += 1;
            }
        }
        counts.into_iter().eq(self.tables.iter().map(HashTable::len))
    }

    /// The entities whose key is `text`, which is in the form of [`IndexBy::compared`]. Unordered.
    pub(super) fn find<'g>(
        &'g self,
        by: IndexBy,
        text: &'g str,
        entity_of: impl Fn(EntityId) -> Option<&'g Entity> + 'g,
    ) -> impl Iterator<Item = EntityId> + 'g {
        // Different keys may share a hash, so each candidate's own key is compared.
        self.tables[by as usize].iter_hash(hash(text)).copied().filter(move |id| {
            entity_of(*id).and_then(|entity| by.text(entity)).is_some_and(|found| found == text)
        })
    }
}

fn hash(text: &str) -> u64 {
    FxBuildHasher.hash_one(text)
}
