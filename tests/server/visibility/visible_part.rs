//! Reference model of visibility: computes the part that is visible from some units from the log by plain walking, and
//! builds a directory of only that part.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use clade::model::change::{Batch, Change, ChangeSet};
use clade::model::entity::Entity;
use clade::model::mapping::{Mapping, MappingId, MappingType};
use clade::model::token::{Scope, Token, TokenId};
use clade::store::Store;
use clade::{Directory, EntityId, Revision};

/// All committed records, and which of them are current.
pub(crate) struct Facts {
    batches: Vec<Batch>,
    pub(crate) entities: BTreeMap<EntityId, Arc<Entity>>,
    pub(crate) mappings: BTreeMap<MappingId, Arc<Mapping>>,
    pub(crate) tokens: BTreeMap<TokenId, Arc<Token>>,
}

impl Facts {
    pub(crate) fn of(directory: &Directory) -> Self {
        let batches: Vec<Batch> = directory.log(Revision(1)).unwrap().map(Result::unwrap).collect();
        let mut facts = Self {
            batches: Vec::new(),
            entities: BTreeMap::new(),
            mappings: BTreeMap::new(),
            tokens: BTreeMap::new(),
        };
        for change in batches.iter().flat_map(|batch| &batch.sets).flat_map(|set| &set.changes) {
            match change {
                Change::PutEntity(entity) => _ = facts.entities.insert(entity.id, Arc::clone(entity)),
                Change::EndEntity { id, .. } => _ = facts.entities.remove(id),
                Change::PutMapping(mapping) => _ = facts.mappings.insert(mapping.id, Arc::clone(mapping)),
                Change::EndMapping { id, .. } => _ = facts.mappings.remove(id),
                Change::PutToken(token) => _ = facts.tokens.insert(token.id.clone(), Arc::clone(token)),
            }
        }
        Self { batches, ..facts }
    }

    /// The number of commits.
    pub(crate) fn commits(&self) -> usize {
        self.batches.len()
    }

    /// The units and all their descendants.
    pub(crate) fn visible(&self, units: &[EntityId]) -> BTreeSet<EntityId> {
        let mut seen = BTreeSet::new();
        let mut open: Vec<EntityId> =
            units.iter().copied().filter(|unit| self.entities.contains_key(unit)).collect();
        while let Some(unit) = open.pop() {
            if seen.insert(unit) {
                let placing =
                    self.mappings.values().filter(|it| it.mapping_type != MappingType::ProjectPeople);
                let held =
                    placing.map(|mapping| mapping.parent_and_child()).filter(|(holder, _)| *holder == unit);
                open.extend(held.map(|(_, held)| held));
            }
        }
        let assets = self
            .entities
            .values()
            .filter(|entity| entity.owning_project().is_some_and(|it| seen.contains(&it)));
        let assets: Vec<_> = assets.map(|entity| entity.id).collect();
        seen.extend(assets);
        seen
    }

    /// A directory that never held anything but what is visible from `units`, with the same ids and at the same
    /// revision. Its tokens see all of it.
    pub(crate) fn seen_from(&self, units: &[EntityId]) -> Directory {
        let visible = self.visible(units);
        let stays = |change: &Change| match change {
            Change::PutEntity(entity) => visible.contains(&entity.id).then(|| change.clone()),
            Change::PutMapping(mapping) => {
                let is_whole = visible.contains(&mapping.from) && visible.contains(&mapping.to);
                (is_whole && self.mappings.contains_key(&mapping.id)).then(|| change.clone())
            }
            Change::EndEntity { .. } | Change::EndMapping { .. } => None,
            Change::PutToken(token) => {
                Some(Change::PutToken(Arc::new(Token { scope: Scope::Everything, ..Token::clone(token) })))
            }
        };
        let mut store = Store::in_memory().unwrap();
        for batch in &self.batches {
            let of_set = |set: &ChangeSet| ChangeSet {
                actor: set.actor.clone(),
                changes: set.changes.iter().filter_map(stays).collect(),
            };
            store.commit(&Batch { sets: batch.sets.iter().map(of_set).collect(), ..batch.clone() }).unwrap();
        }
        Directory::with_store(store).unwrap()
    }
}
