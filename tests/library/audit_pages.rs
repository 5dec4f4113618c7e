//! Paging of the audit trail: pages of any size, from any position, of all records or of one, equal a plain replay of
//! the log.
//!
//! `CLADE_SEED` is the first seed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use clade::directory::{
    Audit, AuditAction, AuditChange, AuditEntry, AuditRecord, AuditRequest, AuditSet, RecordName,
};
use clade::model::change::{Batch, Change, RecordId};
use clade::model::command::{Command, NewToken};
use clade::model::{CreateOrgUnit, UnitRef};
use clade::store::Store;
use clade::{Directory, EntityId, Kind, Revision};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::support::random_changes;

const HISTORIES: u64 = 6;
const CHANGES: usize = 60;
const PAGES: usize = 60;

/// The log as plain values: every change of every entry with the record before it, and the latest state of each record.
struct Twin {
    /// Oldest first.
    entries: Vec<AuditEntry>,
    last: HashMap<RecordId, AuditRecord>,
}

/// A directory whose log entries have several change sets, as with concurrent writers.
fn directory(random: &mut StdRng) -> Directory {
    let alone = Directory::in_memory().unwrap();
    alone.apply(CreateOrgUnit::new("Corp", "organization")).unwrap();
    for n in 0..CHANGES {
        let asked = random_changes::next(random, format!("set{n}"));
        let _refused_or_not = alone.apply(asked.commands);
        if n % 8 == 0 {
            let token =
                NewToken { units: Some(vec![UnitRef::Text("Corp".to_owned())]), ..random_changes::token() };
            let id = token.id.clone();
            alone.apply(Command::CreateToken(token)).unwrap();
            if n % 16 == 0 {
                alone.apply(Command::RevokeToken(id)).unwrap();
            }
        }
    }
    let log: Vec<Batch> = alone.log(Revision(1)).unwrap().map(Result::unwrap).collect();
    let mut store = Store::in_memory().unwrap();
    let mut rest = &log[..];
    let mut revision = Revision(0);
    while !rest.is_empty() {
        let (together, after) = rest.split_at(random.random_range(1..=3.min(rest.len())));
        let last = together.last().unwrap();
        let sets = together.iter().flat_map(|batch| batch.sets.clone()).collect();
        revision = revision.next();
        store.commit(&Batch { revision, id: last.id, at: last.at, sets }).unwrap();
        rest = after;
    }
    Directory::with_store(store).unwrap()
}

fn id_of(change: &Change) -> RecordId {
    match change {
        Change::PutEntity(entity) => RecordId::Entity(entity.id),
        Change::EndEntity { id, .. } => RecordId::Entity(*id),
        Change::PutMapping(mapping) => RecordId::Mapping(mapping.id),
        Change::EndMapping { id, .. } => RecordId::Mapping(*id),
        Change::PutToken(token) => RecordId::Token(token.id.clone()),
    }
}

/// The record after its deletion: it keeps everything but its timestamps.
fn ended(was: AuditRecord, change: &Change) -> AuditRecord {
    match (was, change) {
        (AuditRecord::Entity(entity), Change::EndEntity { stamps, .. }) => {
            let mut entity = (*entity).clone();
            entity.stamps = Arc::new(*stamps);
            AuditRecord::Entity(Arc::new(entity))
        }
        (AuditRecord::Mapping(mapping), Change::EndMapping { stamps, .. }) => {
            let mut mapping = (*mapping).clone();
            mapping.stamps = Arc::new(*stamps);
            AuditRecord::Mapping(Arc::new(mapping))
        }
        (other, _) => other,
    }
}

impl Twin {
    fn of(directory: &Directory) -> Self {
        let mut last: HashMap<RecordId, AuditRecord> = HashMap::new();
        let mut entries = Vec::new();
        for batch in directory.log(Revision(1)).unwrap().map(Result::unwrap) {
            let mut sets = Vec::new();
            for set in batch.sets {
                let mut changes = Vec::new();
                for change in &set.changes {
                    let id = id_of(change);
                    let before = last.get(&id).cloned();
                    let told = match change {
                        Change::EndEntity { .. } | Change::EndMapping { .. } => {
                            let was = ended(before.unwrap(), change);
                            last.insert(id, was.clone());
                            AuditChange { what: AuditAction::Ended, before: Some(was), after: None }
                        }
                        Change::PutToken(token) if token.revoked_at == Some(batch.at) => {
                            last.insert(id, AuditRecord::Token(Arc::clone(token)));
                            AuditChange { what: AuditAction::Ended, before, after: None }
                        }
                        put => {
                            let after = match put {
                                Change::PutEntity(entity) => AuditRecord::Entity(Arc::clone(entity)),
                                Change::PutMapping(mapping) => AuditRecord::Mapping(Arc::clone(mapping)),
                                Change::PutToken(token) => AuditRecord::Token(Arc::clone(token)),
                                _ => unreachable!(),
                            };
                            last.insert(id, after.clone());
                            let what =
                                if before.is_some() { AuditAction::Updated } else { AuditAction::Created };
                            AuditChange { what, before, after: Some(after) }
                        }
                    };
                    changes.push(told);
                }
                sets.push(AuditSet { actor: set.actor, count: changes.len() as u64, changes });
            }
            entries.push(AuditEntry { revision: batch.revision, id: batch.id, at: batch.at, sets });
        }
        Self { entries, last }
    }

    fn label(&self, id: EntityId) -> String {
        let AuditRecord::Entity(entity) = &self.last[&RecordId::Entity(id)] else { unreachable!() };
        entity.label().to_owned()
    }

    fn is_called(&self, record: &AuditRecord, name: &RecordName) -> bool {
        match (record, name) {
            (AuditRecord::Entity(entity), RecordName::Entity(kind, key)) => {
                entity.kind() == *kind && self.label(entity.id).to_lowercase() == key.trim().to_lowercase()
            }
            (AuditRecord::Mapping(mapping), RecordName::Mapping(id)) => mapping.id == *id,
            (AuditRecord::Token(token), RecordName::Token(id)) => token.id == *id,
            _ => false,
        }
    }

    fn page(&self, asked: &AuditRequest) -> Audit {
        let mut entries: Vec<AuditEntry> = Vec::new();
        let newest = self.entries.last().map_or(Revision(0), |entry| entry.revision);
        let mut at = asked.before.map_or(newest, |before| newest.min(Revision(before.0.saturating_sub(1))));
        while at > Revision(0) && entries.len() < asked.entries {
            let mut entry = self.entries[usize::try_from(at.0).unwrap() - 1].clone();
            for set in &mut entry.sets {
                set.changes.retain(|change| {
                    asked.record.as_ref().is_none_or(|name| self.is_called(change.record().unwrap(), name))
                });
                set.changes.truncate(asked.changes);
            }
            if asked.record.is_some() {
                entry.sets.retain(|set| !set.changes.is_empty());
            }
            if asked.record.is_none() || !entry.sets.is_empty() {
                entries.push(entry);
            }
            at = Revision(at.0 - 1);
        }
        let mut named = HashSet::new();
        let changes = entries.iter().flat_map(|entry| &entry.sets).flat_map(|set| &set.changes);
        for record in changes.flat_map(|change| [&change.before, &change.after]).flatten() {
            match record {
                AuditRecord::Entity(entity) => named.extend(entity.owning_project()),
                AuditRecord::Mapping(mapping) => named.extend([mapping.from, mapping.to]),
                AuditRecord::Token(token) => named.extend(token.scope.units()),
            }
        }
        let keys = named.into_iter().map(|id| (id, self.label(id))).collect();
        Audit { entries, next: (at > Revision(0)).then(|| at.next()), keys }
    }

    /// A random reference to a record, or to one that does not exist.
    fn name(&self, random: &mut StdRng) -> RecordName {
        let mut ids: Vec<&AuditRecord> = self.last.values().collect();
        ids.sort_by_key(|record| match record {
            AuditRecord::Entity(entity) => (0, entity.id.0.to_string()),
            AuditRecord::Mapping(mapping) => (1, mapping.id.to_string()),
            AuditRecord::Token(token) => (2, token.id.to_string()),
        });
        match ids.get(random.random_range(0..=ids.len())) {
            Some(AuditRecord::Entity(entity)) => {
                RecordName::Entity(entity.kind(), self.label(entity.id).to_uppercase())
            }
            Some(AuditRecord::Mapping(mapping)) => RecordName::Mapping(mapping.id),
            Some(AuditRecord::Token(token)) => RecordName::Token(token.id.clone()),
            None => RecordName::Entity(Kind::Person, "nobody@x.example".to_owned()),
        }
    }
}

#[test]
fn every_page_is_what_a_replay_says() {
    let first = std::env::var("CLADE_SEED").map_or(1, |seed| seed.parse().expect("a whole number"));
    for seed in first..first + HISTORIES {
        println!("CLADE_SEED={seed}");
        let mut random = StdRng::seed_from_u64(seed);
        let directory = directory(&mut random);
        let twin = Twin::of(&directory);
        for _ in 0..PAGES {
            let newest = directory.view().revision().0;
            let asked = AuditRequest {
                before: random.random_bool(0.7).then(|| Revision(random.random_range(0..newest + 3))),
                entries: random.random_range(0..8),
                changes: [0, 1, 2, 5, 5_000][random.random_range(0..5)],
                record: random.random_bool(0.6).then(|| twin.name(&mut random)),
            };
            assert_eq!(directory.audit(&asked).unwrap(), twin.page(&asked), "{asked:?}");
        }
    }
}
