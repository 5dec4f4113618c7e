//! The change log: every batch that was ever committed, each over the hash of the one before it.
//!
//! What must stay true: an entry is never changed once written, and an entry that was is noticed.
//!
//! An entry stands in parts under `(revision, part)`, so that neither writing nor reading a large one
//! makes an enormous value. A part is its version, its flags, in the first part the header, and then facts
//! to its end; header and facts of a large part are packed. The hash of an entry is BLAKE3 over its parts
//! as they stand, with their keys.

use std::sync::Arc;

use redb::{OwnedRange, ReadTransaction, Table};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::error::StoreError;
use crate::model::change::{Batch, BatchHash, Change, ChangeSet};
use crate::model::entity::{EntityId, Revision};
use crate::model::mapping::MappingId;
use crate::model::time::Timestamp;
use crate::model::token::{Actor, TokenId};
use crate::store::failure::{damaged, failed};
use crate::store::record::{self, Unfit};
use crate::store::tables::{LOG, Meta};

/// The version that is written.
const VERSION: u8 = 1;
/// A part is written before it has more bytes than this, unless one fact alone has.
const PART_BYTES_MAX: usize = 1 << 20;
/// Smaller parts are not worth packing.
const PACKED_FROM: usize = 4096;
/// No part that was ever written unpacks to more: what says so was not written by Clade.
const UNPACKED_MAX: usize = 1 << 30;

/// The entry has no further part.
const LAST: u8 = 1;
/// What follows is an LZ4 block behind its length.
const PACKED: u8 = 2;

#[derive(Serialize, Deserialize)]
struct Header {
    revision: u64,
    id: [u8; 16],
    at: i64,
    before: [u8; 32],
}

/// What an entry is made of. Records are as in the tables, so each is made into bytes once.
#[derive(Serialize, Deserialize)]
pub(super) enum Fact<'a> {
    /// A change set begins, asked for by the process itself.
    Local,
    /// A change set begins, asked for by the holder of a token.
    Token(&'a str),
    PutEntity(u32, #[serde(borrow)] Raw<'a>),
    EndEntity(u32, #[serde(borrow)] Raw<'a>),
    PutMapping([u8; 16], #[serde(borrow)] Raw<'a>),
    EndMapping([u8; 16], #[serde(borrow)] Raw<'a>),
    PutToken(&'a str, #[serde(borrow)] Raw<'a>),
}

/// Bytes that are written as bytes; serde would take them one by one.
pub(super) struct Raw<'a>(pub &'a [u8]);

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Raw<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&'de [u8]>::deserialize(deserializer).map(Raw)
    }
}

/// An entry that is being written.
pub(super) struct Entry<'t> {
    table: Table<'t, (u64, u32), &'static [u8]>,
    revision: Revision,
    part: u32,
    bytes: Vec<u8>,
    fact: Vec<u8>,
    hasher: blake3::Hasher,
}

impl<'t> Entry<'t> {
    /// Begins the entry of `batch`, which follows the one with the hash `before`.
    pub(super) fn begin(
        table: Table<'t, (u64, u32), &'static [u8]>,
        batch: &Batch,
        before: BatchHash,
    ) -> Self {
        let mut bytes = vec![VERSION, 0];
        let header = Header {
            revision: batch.revision.0,
            id: batch.id.into_bytes(),
            at: batch.at.as_millis(),
            before: before.0,
        };
        record::put(&header, &mut bytes);
        let hasher = blake3::Hasher::new();
        Self { table, revision: batch.revision, part: 0, bytes, fact: Vec::new(), hasher }
    }

    /// Appends the beginning of a change set.
    pub(super) fn begin_set(&mut self, actor: &Actor) -> Result<(), StoreError> {
        self.append(&match actor {
            Actor::Local => Fact::Local,
            Actor::Token(id) => Fact::Token(id.as_str()),
        })
    }

    /// Appends a fact.
    pub(super) fn append(&mut self, fact: &Fact<'_>) -> Result<(), StoreError> {
        self.fact.clear();
        record::put(fact, &mut self.fact);
        if self.bytes.len() + self.fact.len() > PART_BYTES_MAX && self.bytes.len() > 2 {
            self.write_part(false)?;
        }
        self.bytes.extend_from_slice(&self.fact);
        Ok(())
    }

    /// Writes what is left; gives back the hash of the whole.
    pub(super) fn finish(mut self) -> Result<BatchHash, StoreError> {
        self.write_part(true)?;
        Ok(BatchHash(self.hasher.finalize().into()))
    }

    fn write_part(&mut self, last: bool) -> Result<(), StoreError> {
        self.bytes[1] = if last { LAST } else { 0 };
        if self.bytes.len() >= PACKED_FROM {
            let packed = lz4_flex::compress_prepend_size(&self.bytes[2..]);
            self.bytes[1] |= PACKED;
            self.bytes.splice(2.., packed);
        }
        let key = (self.revision.0, self.part);
        hash_part(&mut self.hasher, key, &self.bytes);
        self.table.insert(key, self.bytes.as_slice()).map_err(failed)?;
        self.part += 1;
        self.bytes.truncate(2);
        Ok(())
    }
}

/// None for what was not packed by [`Entry`].
fn unpacked(packed: &[u8]) -> Option<Vec<u8>> {
    let (length, block) = lz4_flex::block::uncompressed_size(packed).ok()?;
    if length > UNPACKED_MAX { None } else { lz4_flex::decompress(block, length).ok() }
}

fn hash_part(hasher: &mut blake3::Hasher, (revision, part): (u64, u32), bytes: &[u8]) {
    hasher.update(&revision.to_be_bytes());
    hasher.update(&part.to_be_bytes());
    hasher.update(&(bytes.len() as u64).to_be_bytes());
    hasher.update(bytes);
}

/// The entries from `from` on.
pub(super) fn read(transaction: &ReadTransaction, from: Revision) -> Result<Entries, StoreError> {
    let meta = Meta::read(transaction)?.ok_or_else(|| damaged("the store does not say its revision"))?;
    let table = transaction.open_table(LOG).map_err(failed)?;
    let from = from.max(Revision(1));
    // The entry before the first is read too: only its hash says that the first follows it.
    let before_first = Revision(from.0 - 1).max(Revision(1));
    let parts = table.range_owned((before_first.0, 0)..).map_err(failed)?;
    let done = from > meta.revision.next();
    let mut entries = Entries { parts, next: before_first, before: BatchHash::default(), meta, done };
    if before_first < from && !done {
        entries.before = entries.next_entry(&mut |_| Ok(()))?;
        entries.next = from;
    }
    Ok(entries)
}

/// Reads entry after entry.
pub(super) struct Entries {
    parts: OwnedRange<(u64, u32), &'static [u8]>,
    /// The revision of the next entry.
    next: Revision,
    /// The hash of the one before it.
    before: BatchHash,
    /// Where the log must end.
    meta: Meta,
    done: bool,
}

impl Iterator for Entries {
    type Item = Result<Batch, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let found = if self.next > self.meta.revision { self.end() } else { self.batch().map(Some) };
        self.done = !matches!(found, Ok(Some(_)));
        found.transpose()
    }
}

impl Entries {
    fn batch(&mut self) -> Result<Batch, StoreError> {
        let revision = self.next;
        let before = self.before;
        let mut batch: Option<Batch> = None;
        let hash = self.next_entry(&mut |body| {
            let (batch, mut facts) = match &mut batch {
                Some(batch) => (batch, body),
                none => {
                    let (header, facts) = record::split::<Header>(body).map_err(unreadable(revision))?;
                    if header.revision != revision.0 {
                        return Err(broken(revision, "says another revision"));
                    }
                    if header.before != before.0 {
                        return Err(broken(revision, "does not follow the entry before it"));
                    }
                    let (id, at) = (Uuid::from_bytes(header.id), Timestamp::from_millis(header.at));
                    (none.insert(Batch { revision, id, at, sets: Vec::new() }), facts)
                }
            };
            while !facts.is_empty() {
                let (fact, rest) = record::split::<Fact<'_>>(facts).map_err(unreadable(revision))?;
                add(&fact, &mut batch.sets).map_err(unreadable(revision))?;
                facts = rest;
            }
            Ok(())
        })?;
        self.before = hash;
        self.next = revision.next();
        batch.ok_or_else(|| broken(revision, "is empty"))
    }

    /// Shows the parts of one entry to `each`, without their first two bytes; gives back its hash.
    fn next_entry(
        &mut self,
        each: &mut dyn FnMut(&[u8]) -> Result<(), StoreError>,
    ) -> Result<BatchHash, StoreError> {
        let revision = self.next;
        let mut hasher = blake3::Hasher::new();
        for part in 0.. {
            let (key, value) = match self.parts.next() {
                Some(found) => found.map_err(failed)?,
                None => return Err(broken(revision, "is missing or cut short")),
            };
            if key.value() != (revision.0, part) {
                return Err(broken(revision, "is missing or cut short"));
            }
            let bytes = value.value();
            hash_part(&mut hasher, (revision.0, part), bytes);
            match bytes {
                [VERSION, flags, body @ ..] if flags & !(LAST | PACKED) == 0 => {
                    if flags & PACKED == 0 {
                        each(body)?;
                    } else {
                        each(&unpacked(body).ok_or_else(|| broken(revision, "cannot be unpacked"))?)?;
                    }
                    if flags & LAST != 0 {
                        break;
                    }
                }
                [VERSION, ..] | [] => return Err(broken(revision, "cannot be read")),
                [_, ..] => return Err(broken(revision, "is of a version that this Clade does not know")),
            }
        }
        Ok(BatchHash(hasher.finalize().into()))
    }

    /// Whether the log ends where the store says so.
    fn end(&mut self) -> Result<Option<Batch>, StoreError> {
        if self.parts.next().is_some() {
            return Err(broken(self.next, "stands behind the last one"));
        }
        if self.before != self.meta.head {
            return Err(broken(self.meta.revision, "is not the one that was written"));
        }
        Ok(None)
    }
}

/// Adds a fact to the change set that it belongs to.
fn add(fact: &Fact<'_>, sets: &mut Vec<ChangeSet>) -> Result<(), Unfit> {
    let mut begin = |actor| {
        sets.push(ChangeSet { actor, changes: Vec::new() });
        Ok(())
    };
    let change = match *fact {
        Fact::Local => return begin(Actor::Local),
        Fact::Token(id) => return begin(Actor::Token(TokenId::parse(id)?)),
        Fact::PutEntity(id, Raw(bytes)) => Change::PutEntity(Arc::new(record::entity(EntityId(id), bytes)?)),
        Fact::EndEntity(id, Raw(bytes)) => {
            Change::EndEntity { id: EntityId(id), stamps: record::stamps(bytes)? }
        }
        Fact::PutMapping(id, Raw(bytes)) => {
            Change::PutMapping(Arc::new(record::mapping(MappingId(Uuid::from_bytes(id)), bytes)?))
        }
        Fact::EndMapping(id, Raw(bytes)) => {
            Change::EndMapping { id: MappingId(Uuid::from_bytes(id)), stamps: record::stamps(bytes)? }
        }
        Fact::PutToken(id, Raw(bytes)) => {
            Change::PutToken(Arc::new(record::token(TokenId::parse(id)?, bytes)?))
        }
    };
    sets.last_mut().ok_or(Unfit::Shape)?.changes.push(change);
    Ok(())
}

fn unreadable(revision: Revision) -> impl Fn(Unfit) -> StoreError {
    move |why| broken(revision, &format!("cannot be read: {why}"))
}

fn broken(revision: Revision, what: &str) -> StoreError {
    damaged(format!("the change log is damaged: the entry of revision {revision} {what}; restore a backup"))
}
