//! Paging of the audit trail: pages of any size, from any position, of all records or of one, equal a plain replay of
//! the log.
//!
//! `CLADE_SEED` is the first seed.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use clade::directory::{
    Audit, AuditAction, AuditChange, AuditCount, AuditEntry, AuditMove, AuditRecord, AuditRequest, AuditSet,
    RecordName,
};
use clade::model::change::{Batch, Change, RecordId};
use clade::model::command::{Command, EndRef, MappingFields, NewToken, Update};
use clade::model::entity::{Body, Entity};
use clade::model::mapping::{Mapping, MappingType};
use clade::model::time::Timestamp;
use clade::model::token::{Actor, JwtSubject};
use clade::model::{CreateOrgUnit, UnitRef};
use clade::store::Store;
use clade::{Directory, EntityId, Kind, Revision, View};
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
        let view = alone.view();
        let units: Vec<EntityId> = view.all(Kind::OrgUnit).iter().map(EntityId).collect();
        for mapping in view.mappings().iter().take(random.random_range(0..3)) {
            let to = EndRef::Id(units[random.random_range(0..units.len())]);
            let fields = MappingFields { to: Some(to), ..MappingFields::default() };
            let update = Update { target: mapping.id, fields, if_revision: None };
            let _refused_or_not = alone.apply(Command::UpdateMapping(update));
        }
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
        // Only those of one millisecond: all records that a commit creates have its time.
        let same = rest.iter().take_while(|batch| batch.at == rest[0].at).count();
        let (together, after) = rest.split_at(random.random_range(1..=3.min(same)));
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

fn summary(changes: &[AuditChange]) -> Vec<AuditCount> {
    let mut counts = BTreeMap::new();
    for change in changes {
        *counts.entry((change.record().unwrap().kind(), change.what)).or_default() += 1;
    }
    counts.into_iter().map(|((kind, what), count)| AuditCount { kind, what, count }).collect()
}

/// Sets `moved` of the changes of one set.
fn set_moves(changes: &mut [AuditChange], at: Timestamp) {
    let ends = |mapping: &Mapping| mapping.mapping_type.parent_and_child(mapping.from, mapping.to);
    let mapping = |record: &Option<AuditRecord>| match record {
        Some(AuditRecord::Mapping(mapping)) if mapping.mapping_type != MappingType::ProjectPeople => {
            Some(Arc::clone(mapping))
        }
        _ => None,
    };
    let all = changes.to_vec();
    let ended = |child| {
        let mappings =
            all.iter().filter(|change| change.after.is_none()).filter_map(|it| mapping(&it.before));
        mappings.filter(|mapping| ends(mapping).1 == child).collect::<Vec<_>>()
    };
    let created = |child| {
        let mappings = all.iter().filter_map(|change| mapping(&change.after));
        let created = mappings.filter(|mapping| mapping.stamps.created_at == at);
        created.filter(|mapping| ends(mapping).1 == child).collect::<Vec<_>>()
    };
    for change in changes {
        change.moved = match (mapping(&change.before), mapping(&change.after)) {
            (Some(before), Some(after)) => {
                let ((from, child), (to, still)) = (ends(&before), ends(&after));
                (child == still && from != to).then_some(AuditMove { child, from, to })
            }
            (None, None) => None,
            (one, other) => {
                let child = ends(&one.or(other).unwrap()).1;
                match (&ended(child)[..], &created(child)[..]) {
                    ([from], [to]) if ends(from).0 != ends(to).0 => {
                        Some(AuditMove { child, from: ends(from).0, to: ends(to).0 })
                    }
                    _ => None,
                }
            }
        };
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
                            AuditChange {
                                what: AuditAction::Ended,
                                before: Some(was),
                                after: None,
                                moved: None,
                            }
                        }
                        Change::PutToken(token) if token.revoked_at == Some(batch.at) => {
                            last.insert(id, AuditRecord::Token(Arc::clone(token)));
                            AuditChange { what: AuditAction::Ended, before, after: None, moved: None }
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
                            AuditChange { what, before, after: Some(after), moved: None }
                        }
                    };
                    changes.push(told);
                }
                set_moves(&mut changes, batch.at);
                let summary = Vec::new();
                sets.push(AuditSet { actor: set.actor, count: changes.len() as u64, summary, changes });
            }
            entries.push(AuditEntry { revision: batch.revision, id: batch.id, at: batch.at, sets });
        }
        Self { entries, last }
    }

    fn label(&self, id: EntityId) -> String {
        let AuditRecord::Entity(entity) = &self.last[&RecordId::Entity(id)] else { unreachable!() };
        entity.label().to_owned()
    }

    /// The ids of the entities with this name.
    fn called(&self, name: &RecordName) -> HashSet<EntityId> {
        let entities = self.last.values().filter_map(|record| match record {
            AuditRecord::Entity(entity) => Some(entity),
            _ => None,
        });
        let is_called = |kind: Option<Kind>, key: &str, entity: &Entity| {
            kind.is_none_or(|kind| kind == entity.kind())
                && self.label(entity.id).to_lowercase() == key.trim().to_lowercase()
        };
        let found = entities.filter(|entity| match name {
            RecordName::Entity(kind, key) => is_called(Some(*kind), key, entity),
            RecordName::Key(key) => is_called(None, key, entity),
            RecordName::Mapping(_) | RecordName::Token(_) => false,
        });
        found.map(|entity| entity.id).collect()
    }

    /// The ids of a unit, of all below it, and of all that was deleted there.
    fn within(&self, view: &View, unit: &UnitRef) -> HashSet<EntityId> {
        let unit = view.find_unit(unit).unwrap();
        let mut found = HashSet::from([unit]);
        found.extend(Kind::ALL.iter().flat_map(|kind| view.below(unit, *kind)).map(EntityId));
        let deleted_at = |id: EntityId| match &self.last[&RecordId::Entity(id)] {
            AuditRecord::Entity(entity) => entity.stamps.valid_to,
            _ => None,
        };
        loop {
            let known = found.len();
            for record in self.last.values() {
                match record {
                    AuditRecord::Mapping(mapping) if mapping.mapping_type != MappingType::ProjectPeople => {
                        let (parent, child) = mapping.mapping_type.parent_and_child(mapping.from, mapping.to);
                        let ended_at = mapping.stamps.valid_to;
                        if found.contains(&parent) && ended_at.is_some() && ended_at == deleted_at(child) {
                            found.insert(child);
                        }
                    }
                    AuditRecord::Entity(asset)
                        if deleted_at(asset.id).is_some()
                            && asset.owning_project().is_some_and(|project| found.contains(&project)) =>
                    {
                        found.insert(asset.id);
                    }
                    _ => {}
                }
            }
            if found.len() == known {
                return found;
            }
        }
    }

    fn page(&self, view: &View, asked: &AuditRequest) -> Audit {
        let mut sets: Vec<HashSet<EntityId>> = Vec::new();
        let name = asked.record.as_ref();
        let of_entities = |name: &&RecordName| matches!(name, RecordName::Entity(..) | RecordName::Key(_));
        sets.extend(name.filter(of_entities).map(|name| self.called(name)));
        sets.extend(asked.within.as_ref().map(|unit| self.within(view, unit)));
        let holds = |change: &AuditChange| {
            let record = change.record().unwrap();
            let is_named = match (record, name) {
                (AuditRecord::Mapping(mapping), Some(RecordName::Mapping(id))) => mapping.id == *id,
                (AuditRecord::Token(token), Some(RecordName::Token(id))) => token.id == *id,
                (_, name) => name.is_none_or(|name| of_entities(&name)),
            };
            is_named
                && sets.iter().all(|set| match record {
                    AuditRecord::Entity(entity) => set.contains(&entity.id),
                    AuditRecord::Mapping(_) => {
                        [&change.before, &change.after].into_iter().flatten().any(|record| match record {
                            AuditRecord::Mapping(it) => set.contains(&it.from) || set.contains(&it.to),
                            _ => false,
                        })
                    }
                    AuditRecord::Token(_) => false,
                })
        };
        let is_filtered = name.is_some() || !sets.is_empty() || !asked.by.is_empty();
        let mut entries: Vec<AuditEntry> = Vec::new();
        let newest = self.entries.last().map_or(Revision(0), |entry| entry.revision);
        let mut at = asked.before.map_or(newest, |before| newest.min(Revision(before.0.saturating_sub(1))));
        let entry_of = |at: Revision| &self.entries[usize::try_from(at.0).unwrap() - 1];
        while at > Revision(0) && asked.until.is_some_and(|until| entry_of(at).at >= until) {
            at = Revision(at.0 - 1);
        }
        let is_open =
            |at: Revision| at > Revision(0) && asked.since.is_none_or(|since| entry_of(at).at >= since);
        while is_open(at) && entries.len() < asked.entries {
            let mut entry = entry_of(at).clone();
            entry.sets.retain(|set| asked.by.is_empty() || asked.by.contains(&set.actor));
            for set in &mut entry.sets {
                set.changes.retain(holds);
                set.count = set.changes.len() as u64;
                set.summary = summary(&set.changes);
                set.changes.truncate(asked.changes);
            }
            if is_filtered {
                entry.sets.retain(|set| set.count > 0);
            }
            if !is_filtered || !entry.sets.is_empty() {
                entries.push(entry);
            }
            at = Revision(at.0 - 1);
        }
        let mut mentioned = HashSet::new();
        let changes = || entries.iter().flat_map(|entry| &entry.sets).flat_map(|set| &set.changes);
        for record in changes().flat_map(|change| [&change.before, &change.after]).flatten() {
            match record {
                AuditRecord::Entity(entity) => mentioned.extend(entity.owning_project()),
                AuditRecord::Mapping(mapping) => mentioned.extend([mapping.from, mapping.to]),
                AuditRecord::Token(token) => mentioned.extend(token.scope.units()),
            }
        }
        mentioned
            .extend(changes().filter_map(|change| change.moved).flat_map(|moved| [moved.from, moved.to]));
        let names = mentioned.iter().filter_map(|id| Some((*id, self.name_of(*id)?))).collect();
        let keys = mentioned.into_iter().map(|id| (id, self.label(id))).collect();
        Audit { entries, next: is_open(at).then(|| at.next()), keys, names }
    }

    fn name_of(&self, id: EntityId) -> Option<String> {
        let AuditRecord::Entity(entity) = &self.last[&RecordId::Entity(id)] else { unreachable!() };
        match &entity.body {
            Body::OrgUnit(unit) => Some(unit.name.to_string()),
            Body::Project(project) => Some(project.name.to_string()),
            _ => None,
        }
    }

    /// A random reference to a record.
    fn name(&self, random: &mut StdRng) -> RecordName {
        let mut ids: Vec<&AuditRecord> = self.last.values().collect();
        ids.sort_by_key(|record| match record {
            AuditRecord::Entity(entity) => (0, entity.id.0.to_string()),
            AuditRecord::Mapping(mapping) => (1, mapping.id.to_string()),
            AuditRecord::Token(token) => (2, token.id.to_string()),
        });
        match ids[random.random_range(0..ids.len())] {
            AuditRecord::Entity(entity) => {
                let key = self.label(entity.id).to_uppercase();
                let by_kind = RecordName::Entity(entity.kind(), key.clone());
                let alone = RecordName::Key(key);
                let kind_of = |id: &EntityId| match &self.last[&RecordId::Entity(*id)] {
                    AuditRecord::Entity(entity) => entity.kind(),
                    _ => unreachable!(),
                };
                let kinds: HashSet<Kind> = self.called(&alone).iter().map(kind_of).collect();
                if kinds.len() == 1 && random.random() { alone } else { by_kind }
            }
            AuditRecord::Mapping(mapping) => RecordName::Mapping(mapping.id),
            AuditRecord::Token(token) => RecordName::Token(token.id.clone()),
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
            let view = directory.view();
            let newest = view.revision().0;
            let moment = |random: &mut StdRng| {
                let at = twin.entries[random.random_range(0..twin.entries.len())].at;
                at.later_by(random.random_range(-1..=1))
            };
            let units: Vec<EntityId> = view.all(Kind::OrgUnit).iter().map(EntityId).collect();
            let unit = |random: &mut StdRng| UnitRef::Id(units[random.random_range(0..units.len())]);
            let actor = [Actor::Local, Actor::Jwt(JwtSubject::parse("ada").unwrap())];
            let asked = AuditRequest {
                before: random.random_bool(0.7).then(|| Revision(random.random_range(0..newest + 3))),
                entries: random.random_range(0..8),
                changes: [0, 1, 2, 5, 5_000][random.random_range(0..5)],
                since: random.random_bool(0.2).then(|| moment(&mut random)),
                until: random.random_bool(0.2).then(|| moment(&mut random)),
                by: actor.iter().filter(|_| random.random_bool(0.2)).cloned().collect(),
                within: random.random_bool(0.2).then(|| unit(&mut random)),
                record: random.random_bool(0.6).then(|| twin.name(&mut random)),
            };
            assert_eq!(directory.audit(&asked).unwrap(), twin.page(&view, &asked), "{asked:?}");
        }
    }
}
