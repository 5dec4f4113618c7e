//! The integrity check of a store file: redb's page checksums, the log's hash chain, and the tables against the log.
//!
//! Invariant: the check continues after a finding for as long as anything can be read.

use std::collections::BTreeMap;
use std::fmt::Display;

use redb::{
    Database, DatabaseError, Key, ReadOnlyDatabase, ReadTransaction, ReadableDatabase, ReadableTable,
    StorageError,
};

use crate::error::panic::attempt;
use crate::error::{StoreError, StoreErrorKind};
use crate::model::change::Change;
use crate::model::entity::{EntityId, Revision};
use crate::model::mapping::MappingId;
use crate::model::token::TokenId;
use crate::store::failure::{damaged, failed, reading};
use crate::store::tables::{ENTITIES, MAPPINGS, Meta, TOKENS};
use crate::store::{log, record};

const LOG_IS_WHOLE: &str =
    "the log is whole: make a new store from it with `clade export --history` and `clade import --history`";
/// The maximum number of findings listed per table; the rest are only counted.
const LISTED_MAX: usize = 20;

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// What is wrong and where, as a sentence.
    pub what: String,
}

/// What the check of a file found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileCheck {
    /// What is wrong; empty for a sound store.
    pub findings: Vec<Damage>,
    /// The last revision.
    pub revision: Revision,
    /// The number of changes in the log.
    pub changes: u64,
    /// The number of entities, including ended ones.
    pub entities: u64,
    /// The number of mappings, including ended ones.
    pub mappings: u64,
    /// The number of tokens, including revoked ones.
    pub tokens: u64,
    /// Whether pages of the file are damaged. Then only the log was read, the numbers come from it, and nothing else
    /// of the file must be used.
    pub is_damaged: bool,
}

/// The table contents that a replay of the log gives.
#[derive(Default)]
struct Replayed {
    entities: BTreeMap<u32, Vec<u8>>,
    mappings: BTreeMap<u128, Vec<u8>>,
    tokens: BTreeMap<String, Vec<u8>>,
}

/// Checks the whole file of a store whose last revision is `known`.
pub(super) fn check(database: &mut Database, known: Revision) -> Result<FileCheck, StoreError> {
    let mut checked = FileCheck::default();
    // Pages first: redb may repair them, or fall back to an earlier commit, which decides what is read below. The log
    // is read even if pages are damaged, because its hashes prove it sound, and a new store can be made from it.
    let pages = pages(database)?;
    let transaction = database.begin_read().map_err(failed)?;
    let mut replayed = Replayed::default();
    let mut whole = checked.read_log(&transaction, &mut replayed)?;
    if whole && checked.revision != known {
        // redb fell back to the commit before, because the last one is damaged.
        let gone = format!(
            "the file is back at revision {}, and {known} is lost; restore a backup",
            checked.revision
        );
        checked.find(gone);
        (whole, checked.is_damaged) = (false, true);
    }
    match pages {
        PageState::Sound => {}
        PageState::Repaired => checked.find("the file's pages were inconsistent, and have been repaired"),
        PageState::Damaged(what) => {
            let advice = if whole { LOG_IS_WHOLE } else { "restore a backup" };
            checked.find(format!("the file's pages are damaged ({what}); {advice}"));
            checked.is_damaged = true;
        }
    }
    if checked.is_damaged {
        checked.count(&replayed);
        return Ok(checked);
    }

    let Replayed { entities, mappings, tokens } = replayed;
    let table = transaction.open_table(ENTITIES).map_err(failed)?;
    checked.entities =
        checked.compare("entity", &table, whole.then_some(entities), |key| key, &|id, bytes, out| {
            record::put_entity(&record::entity(EntityId(*id), bytes)?, out)
        })?;
    let table = transaction.open_table(MAPPINGS).map_err(failed)?;
    checked.mappings =
        checked.compare("mapping", &table, whole.then_some(mappings), |key| key, &|id, bytes, out| {
            record::put_mapping(&record::mapping(MappingId(uuid::Uuid::from_u128(*id)), bytes)?, out)
        })?;
    let table = transaction.open_table(TOKENS).map_err(failed)?;
    checked.tokens =
        checked.compare("token", &table, whole.then_some(tokens), str::to_owned, &|id, bytes, out| {
            record::put_token(&record::token(TokenId::parse(id)?, bytes)?, out);
            Ok(())
        })?;
    Ok(checked)
}

/// Checks the log of a file that failed to open with `failure`.
pub(super) fn check_log(database: &ReadOnlyDatabase, failure: &StoreError) -> Result<FileCheck, StoreError> {
    let mut checked = FileCheck { is_damaged: true, ..FileCheck::default() };
    let mut replayed = Replayed::default();
    let whole = checked.read_log(&database.begin_read().map_err(failed)?, &mut replayed)?;
    checked.find(if whole { format!("{failure}; but {LOG_IS_WHOLE}") } else { failure.to_string() });
    checked.count(&replayed);
    Ok(checked)
}

/// The result of redb's integrity check.
enum PageState {
    Sound,
    Repaired,
    Damaged(String),
}

/// Runs redb's integrity check.
fn pages(database: &mut Database) -> Result<PageState, StoreError> {
    match attempt(|| database.check_integrity()) {
        Ok(Ok(true)) => Ok(PageState::Sound),
        Ok(Ok(false)) => Ok(PageState::Repaired),
        Ok(Err(DatabaseError::Storage(StorageError::Corrupted(what)))) => Ok(PageState::Damaged(what)),
        Ok(Err(DatabaseError::TransactionInProgress)) => {
            let what = "the store cannot be checked while it is being copied or its log is being read; try again later";
            Err(StoreError::new(StoreErrorKind::InUse, what))
        }
        Ok(Err(other)) => Err(failed(other)),
        // redb panics on some damaged pages instead of returning an error.
        Err(why) => Ok(PageState::Damaged(why)),
    }
}

/// Decodes the record of a key, and encodes it again.
type Rewrite<'r, K> = &'r dyn Fn(&K, &[u8], &mut Vec<u8>) -> Result<(), record::Unfit>;

impl FileCheck {
    fn find(&mut self, what: impl Into<String>) {
        self.findings.push(Damage { what: what.into() });
    }

    /// Takes the numbers of records from the replayed log.
    fn count(&mut self, replayed: &Replayed) {
        self.entities = replayed.entities.len() as u64;
        self.mappings = replayed.mappings.len() as u64;
        self.tokens = replayed.tokens.len() as u64;
    }

    /// Replays the log; `true` if it is whole.
    fn read_log(
        &mut self,
        transaction: &ReadTransaction,
        replayed: &mut Replayed,
    ) -> Result<bool, StoreError> {
        let log = reading(|| {
            let meta = Meta::read(transaction)?;
            self.revision =
                meta.ok_or_else(|| damaged("the store has no revision; restore a backup"))?.revision;
            log::read(transaction, Revision::default())
        });
        match log.and_then(|entries| self.replay(entries, replayed)) {
            Ok(()) => Ok(true),
            // Damage is a finding, and the check continues. An I/O error says nothing about the content, so it ends it.
            Err(failure) if failure.kind() == StoreErrorKind::Damaged => {
                self.find(failure.to_string());
                Ok(false)
            }
            Err(failure) => Err(failure),
        }
    }

    /// Replays the log as far as it can be read.
    fn replay(&mut self, entries: log::Entries, replayed: &mut Replayed) -> Result<(), StoreError> {
        for batch in entries {
            let batch = batch?;
            for change in batch.sets.iter().flat_map(|set| &set.changes) {
                self.changes += 1;
                if let Err(why) = replayed.apply(change) {
                    self.find(format!("revision {}: {why}", batch.revision));
                }
            }
        }
        Ok(())
    }

    /// Compares a table with the replayed log, or only decodes all records if `expected` is `None`; returns the number
    /// of records.
    fn compare<K, O>(
        &mut self,
        kind: &str,
        table: &impl ReadableTable<K, &'static [u8]>,
        expected: Option<BTreeMap<O, Vec<u8>>>,
        own: impl for<'k> Fn(K::SelfType<'k>) -> O,
        rewrite: Rewrite<'_, O>,
    ) -> Result<u64, StoreError>
    where
        K: Key + 'static,
        O: Ord + Display,
    {
        let against_log = expected.is_some();
        let mut expected = expected.unwrap_or_default();
        let mut wrong = Vec::new();
        let mut count = 0;
        let mut bytes = Vec::new();
        for row in table.iter().map_err(failed)? {
            let (key, value) = row.map_err(failed)?;
            let key = own(key.value());
            count += 1;
            bytes.clear();
            // Encode before comparing, as the replay does: a record may be stored in an older version with other bytes.
            let outcome = rewrite(&key, value.value(), &mut bytes);
            match (outcome, expected.remove(&key)) {
                (Err(why), _) => wrong.push(format!("the {kind} {key} cannot be read: {why}")),
                (Ok(()), Some(logged)) if logged != bytes => {
                    wrong.push(format!("the {kind} {key} differs from the log"));
                }
                (Ok(()), None) if against_log => wrong.push(format!("the {kind} {key} is not in the log")),
                (Ok(()), _) => {}
            }
        }
        wrong.extend(
            expected.keys().map(|key| format!("the {kind} {key} is in the log, but not in its table")),
        );
        let more = wrong.len().saturating_sub(LISTED_MAX);
        wrong.truncate(LISTED_MAX);
        for what in wrong {
            self.find(what);
        }
        if more > 0 {
            self.find(format!("{more} more findings in the table of kind {kind}"));
        }
        Ok(count)
    }
}

impl Replayed {
    fn apply(&mut self, change: &Change) -> Result<(), String> {
        let mut bytes = Vec::new();
        match change {
            Change::PutEntity(entity) => {
                record::put_entity(entity, &mut bytes).map_err(|why| why.to_string())?;
                self.entities.insert(entity.id.0, bytes);
            }
            Change::PutMapping(mapping) => {
                record::put_mapping(mapping, &mut bytes).map_err(|why| why.to_string())?;
                self.mappings.insert(mapping.id.0.as_u128(), bytes);
            }
            Change::PutToken(token) => {
                record::put_token(token, &mut bytes);
                self.tokens.insert(token.id.as_str().to_owned(), bytes);
            }
            Change::EndEntity { id, stamps } => {
                let record = self
                    .entities
                    .get_mut(&id.0)
                    .ok_or_else(|| format!("deletes entity {}, which does not exist", id.0))?;
                record::put_restamped(record, stamps, &mut bytes).map_err(|why| why.to_string())?;
                *record = bytes;
            }
            Change::EndMapping { id, stamps } => {
                let record = self
                    .mappings
                    .get_mut(&id.0.as_u128())
                    .ok_or_else(|| format!("deletes mapping {id}, which does not exist"))?;
                record::put_restamped(record, stamps, &mut bytes).map_err(|why| why.to_string())?;
                *record = bytes;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    /// As when redb falls back to the commit before, because the last one is damaged.
    #[test]
    fn a_file_behind_its_known_revision_is_not_written() {
        let mut store = Store::in_memory().unwrap();
        assert_eq!(store.check().unwrap().findings, []);
        store.meta.revision = Revision(1);
        let checked = store.check().unwrap();
        let [gone] = &checked.findings[..] else { panic!("{checked:?}") };
        assert!(checked.is_damaged && gone.what.contains("back at revision 0, and 1 is lost"), "{gone:?}");
        assert!(store.try_write().is_err());
    }
}
