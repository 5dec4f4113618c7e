//! From a key to the entities that have it. Holds numbers alone: the texts stay in the records.

use std::borrow::Cow;
use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use crate::model::entity::{Body, Entity, EntityId, Kind};
use crate::model::key::fold;

/// What entities are looked up by.
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

    /// The indexes in which entities of a kind stand.
    fn of(kind: Kind) -> &'static [Self] {
        match kind {
            Kind::OrgUnit => &[Self::UnitKey, Self::UnitName, Self::UnitExternalId],
            Kind::Person => &[Self::Email],
            Kind::Project => &[Self::ProjectId],
            Kind::Repository => &[Self::RepositoryUrl],
            Kind::Service => &[Self::ServiceIdentifier],
        }
    }

    /// The text under which `entity` stands in this index, if it does.
    fn text(self, entity: &Entity) -> Option<Cow<'_, str>> {
        match (self, &entity.body) {
            (Self::UnitKey, Body::OrgUnit(unit)) => Some(unit.key.as_str().into()),
            (Self::UnitName, Body::OrgUnit(unit)) => Some(unit.name.as_str().into()),
            (Self::UnitExternalId, Body::OrgUnit(unit)) => {
                unit.external_id.as_ref().map(|id| id.as_str().into())
            }
            (Self::Email, Body::Person(person)) => Some(fold(person.email.as_str())),
            (Self::ProjectId, Body::Project(project)) => Some(project.project_id.as_str().into()),
            (Self::RepositoryUrl, Body::Repository(repository)) => {
                repository.url.as_ref().map(|url| url.normalized().into())
            }
            (Self::ServiceIdentifier, Body::Service(service)) => {
                service.identifier.as_ref().map(|identifier| identifier.as_str().into())
            }
            _ => None,
        }
    }

    /// The hash of an entity that stands in this index.
    fn rehash<'g>(self, entity_of: &impl Fn(EntityId) -> Option<&'g Entity>) -> impl Fn(&EntityId) -> u64 {
        move |id| match entity_of(*id).and_then(|entity| self.text(entity)) {
            Some(text) => hash(&text),
            None => 0,
        }
    }
}

/// One hash table an [`IndexBy`].
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    tables: [HashTable<EntityId>; IndexBy::ALL.len()],
}

impl Index {
    /// The index of `entities`, which come in the order of their numbers.
    pub(super) fn of(entities: &[Arc<Entity>]) -> Self {
        let mut index = Self::default();
        let mut counts = [0; IndexBy::ALL.len()];
        for by in entities.iter().flat_map(|entity| IndexBy::of(entity.kind())) {
            counts[*by as usize] += 1;
        }
        for (table, count) in index.tables.iter_mut().zip(counts) {
            table.reserve(count, |_| 0);
        }
        let entity_of = |id: EntityId| {
            let place = entities.binary_search_by_key(&id, |entity| entity.id).ok()?;
            Some(&*entities[place])
        };
        for entity in entities {
            index.insert(entity, entity_of);
        }
        index
    }

    /// Enters `entity`. `entity_of` finds the entities that stand in the index already.
    pub(super) fn insert<'g>(&mut self, entity: &Entity, entity_of: impl Fn(EntityId) -> Option<&'g Entity>) {
        for by in IndexBy::of(entity.kind()) {
            if let Some(text) = by.text(entity) {
                self.tables[*by as usize].insert_unique(hash(&text), entity.id, by.rehash(&entity_of));
            }
        }
    }

    /// Makes room for so many more entities of each kind: to make it bit by bit reads every text again each time.
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

    /// Takes `entity` out, as it was when it was entered.
    pub(super) fn remove(&mut self, entity: &Entity) {
        for by in IndexBy::of(entity.kind()) {
            if let Some(text) = by.text(entity)
                && let Ok(entry) = self.tables[*by as usize].find_entry(hash(&text), |id| *id == entity.id)
            {
                entry.remove();
            }
        }
    }

    /// Whether just these entities stand in it, each under its own texts.
    pub(super) fn is_of<'g>(&self, entities: impl Iterator<Item = &'g Entity>) -> bool {
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

    /// The entities that stand under `text`, in no order.
    pub(super) fn find<'g>(
        &'g self,
        by: IndexBy,
        text: &'g str,
        entity_of: impl Fn(EntityId) -> Option<&'g Entity> + 'g,
    ) -> impl Iterator<Item = EntityId> + 'g {
        self.tables[by as usize].iter_hash(hash(text)).copied().filter(move |id| {
            entity_of(*id).and_then(|entity| by.text(entity)).is_some_and(|found| found == text)
        })
    }
}

fn hash(text: &str) -> u64 {
    FxBuildHasher.hash_one(text)
}
