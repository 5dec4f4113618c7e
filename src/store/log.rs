//! The change log: every batch that was ever committed, each over the hash of the one before it.
//!
//! What must stay true: an entry is never changed once written, and an entry that was is noticed.
//!
//! An entry stands in parts under `(revision, part)`, so that neither writing nor reading a large one
//! makes an enormous value. A part is its version, its flags, in the first part the header, and then facts
//! to its end; header and facts of a large part are packed. The hash of an entry is BLAKE3 over its parts
//! as they stand, with their keys.

use redb::{OwnedRange, ReadTransaction, Table};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::StoreError;
use crate::model::change::{Batch, BatchHash};
use crate::model::entity::Revision;
use crate::model::time::Timestamp;
use crate::model::token::Actor;
use crate::store::fact::{Fact, Logged, add, broken, unreadable};
use crate::store::failure::{damaged, failed, reading};
use crate::store::record;
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
            Actor::Jwt(subject) => Fact::Subject(subject.as_str()),
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
        entries.before = read_parts(&mut entries.parts, before_first, &mut |_| Ok(()))?;
        entries.next = from;
    }
    Ok(entries)
}

/// The hash of the entry of `revision`; all zeros before the first.
pub(super) fn hash_at(transaction: &ReadTransaction, revision: Revision) -> Result<BatchHash, StoreError> {
    Ok(read(transaction, revision.next())?.before)
}

/// Reads entry after entry.
pub(super) struct Entries {
    parts: Parts,
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
        let found =
            reading(|| if self.next > self.meta.revision { self.end() } else { self.batch().map(Some) });
        self.done = !matches!(found, Ok(Some(_)));
        found.transpose()
    }
}

impl Entries {
    fn batch(&mut self) -> Result<Batch, StoreError> {
        let revision = self.next;
        let mut sets = Vec::new();
        let mut add = |fact: Logged<'_>| add(&fact, &mut sets).map_err(unreadable(revision));
        let (head, hash) = read_entry(&mut self.parts, revision, Some(self.before), &mut add)?;
        self.before = hash;
        self.next = revision.next();
        Ok(Batch { revision, id: head.id, at: head.at, sets })
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

/// The parts of entries, in order.
pub(super) type Parts = OwnedRange<(u64, u32), &'static [u8]>;

/// What an entry says of itself.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    /// A `UUIDv7` of its own.
    pub id: Uuid,
    /// When it was committed.
    pub at: Timestamp,
}

impl Head {
    fn of(header: &Header) -> Self {
        Self { id: Uuid::from_bytes(header.id), at: Timestamp::from_millis(header.at) }
    }
}

/// Shows the entry of `revision`, which comes next in `parts`, fact by fact to `each`; gives back its hash. Where the
/// hash `before` it is known, the entry must say the same.
pub(super) fn read_entry(
    parts: &mut Parts,
    revision: Revision,
    before: Option<BatchHash>,
    each: &mut dyn FnMut(Logged<'_>) -> Result<(), StoreError>,
) -> Result<(Head, BatchHash), StoreError> {
    let mut head = None;
    let hash = read_parts(parts, revision, &mut |body| {
        let mut facts = body;
        if head.is_none() {
            let (header, rest) = read_header(body, revision)?;
            if before.is_some_and(|before| header.before != before.0) {
                return Err(broken(revision, "does not follow the entry before it"));
            }
            head = Some(Head::of(&header));
            facts = rest;
        }
        while !facts.is_empty() {
            let (fact, rest) = record::split::<Fact<'_>>(facts).map_err(unreadable(revision))?;
            each(Logged::new(revision, fact))?;
            facts = rest;
        }
        Ok(())
    })?;
    Ok((head.ok_or_else(|| broken(revision, "is empty"))?, hash))
}

/// What the entry of `revision` says of itself; nothing else of it is looked at.
pub(super) fn read_head(parts: &mut Parts, revision: Revision) -> Result<Head, StoreError> {
    let mut head = None;
    let first = parts.next().ok_or_else(|| broken(revision, "is missing or cut short"))?;
    let (key, value) = first.map_err(failed)?;
    if key.value() != (revision.0, 0) {
        return Err(broken(revision, "is missing or cut short"));
    }
    show_part(value.value(), revision, &mut |body| {
        head = Some(Head::of(&read_header(body, revision)?.0));
        Ok(())
    })?;
    head.ok_or_else(|| broken(revision, "is empty"))
}

fn read_header(body: &[u8], revision: Revision) -> Result<(Header, &[u8]), StoreError> {
    let (header, facts) = record::split::<Header>(body).map_err(unreadable(revision))?;
    if header.revision != revision.0 {
        return Err(broken(revision, "says another revision"));
    }
    Ok((header, facts))
}

/// Shows the parts of one entry to `each`, without their first two bytes; gives back its hash.
fn read_parts(
    parts: &mut Parts,
    revision: Revision,
    each: &mut dyn FnMut(&[u8]) -> Result<(), StoreError>,
) -> Result<BatchHash, StoreError> {
    let mut hasher = blake3::Hasher::new();
    for part in 0.. {
        let (key, value) = match parts.next() {
            Some(found) => found.map_err(failed)?,
            None => return Err(broken(revision, "is missing or cut short")),
        };
        if key.value() != (revision.0, part) {
            return Err(broken(revision, "is missing or cut short"));
        }
        let bytes = value.value();
        hash_part(&mut hasher, (revision.0, part), bytes);
        if show_part(bytes, revision, each)? {
            break;
        }
    }
    Ok(BatchHash(hasher.finalize().into()))
}

/// Shows a part to `each`, without its first two bytes; whether it is the entry's last.
fn show_part(
    bytes: &[u8],
    revision: Revision,
    each: &mut dyn FnMut(&[u8]) -> Result<(), StoreError>,
) -> Result<bool, StoreError> {
    match bytes {
        [VERSION, flags, body @ ..] if flags & !(LAST | PACKED) == 0 => {
            if flags & PACKED == 0 {
                each(body)?;
            } else {
                each(&unpacked(body).ok_or_else(|| broken(revision, "cannot be unpacked"))?)?;
            }
            Ok(flags & LAST != 0)
        }
        [VERSION, ..] | [] => Err(broken(revision, "cannot be read")),
        [_, ..] => Err(broken(revision, "is of a version that this Clade does not know")),
    }
}
