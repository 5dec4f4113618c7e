//! The append-only change log: every committed batch, as a hash chain. Each entry has the hash of the one before it.
//!
//! Invariant: an entry is never changed once written, and a changed entry is detected.
//!
//! An entry is stored in parts under `(revision, part)`, so that a large one needs no huge value. A part is its
//! version, its flags, the header (in the first part only), and then items up to its end; header and items of a large
//! part are compressed with LZ4. The hash of an entry is BLAKE3 over its stored parts with their keys.

use redb::{OwnedRange, ReadTransaction, Table};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::StoreError;
use crate::model::change::{Batch, BatchHash};
use crate::model::entity::Revision;
use crate::model::time::Timestamp;
use crate::model::token::Actor;
use crate::store::failure::{damaged, failed, reading};
use crate::store::log_item::{LogItem, LoggedItem, add, broken, unreadable};
use crate::store::record;
use crate::store::tables::{LOG, Meta};

/// The version byte of parts that are written.
const VERSION: u8 = 1;
/// The maximum size of a part before compression; only a single larger item exceeds it.
const PART_BYTES_MAX: usize = 1 << 20;
/// The size from which parts are compressed.
// Below that, it would save less than one page of redb (4096 bytes), and ordinary changes are far smaller.
const COMPRESSED_FROM: usize = 4096;
/// The maximum size of a decompressed part.
// The size is a `u32` in the file: without a limit, a damaged one would allocate up to 4 GiB. Clade writes no larger
// parts.
const DECOMPRESSED_MAX: usize = 1 << 30;

/// Flag: the last part of the entry.
const LAST: u8 = 1;
/// Flag: the rest of the part is its decompressed length and an LZ4 block.
const COMPRESSED: u8 = 2;

#[derive(Serialize, Deserialize)]
struct Header {
    revision: u64,
    id: [u8; 16],
    at: i64,
    before: [u8; 32],
}

/// Writes one log entry.
pub(super) struct Entry<'t> {
    table: Table<'t, (u64, u32), &'static [u8]>,
    revision: Revision,
    part: u32,
    /// The current part: version, flags, items.
    bytes: Vec<u8>,
    /// The current item, in a buffer that is reused.
    item: Vec<u8>,
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
        Self { table, revision: batch.revision, part: 0, bytes, item: Vec::new(), hasher }
    }

    /// Appends the header of a change set.
    pub(super) fn begin_set(&mut self, actor: &Actor) -> Result<(), StoreError> {
        self.append(&match actor {
            Actor::Local => LogItem::Local,
            Actor::Token(id) => LogItem::Token(id.as_str()),
            Actor::Jwt(subject) => LogItem::Subject(subject.as_str()),
        })
    }

    /// Appends an item.
    pub(super) fn append(&mut self, item: &LogItem<'_>) -> Result<(), StoreError> {
        self.item.clear();
        record::put(item, &mut self.item);
        // 2 is the length of version and flags: an empty part is never written, however large the item is.
        if self.bytes.len() + self.item.len() > PART_BYTES_MAX && self.bytes.len() > 2 {
            self.write_part(false)?;
        }
        self.bytes.extend_from_slice(&self.item);
        Ok(())
    }

    /// Writes the last part; returns the hash of the entry.
    pub(super) fn finish(mut self) -> Result<BatchHash, StoreError> {
        self.write_part(true)?;
        Ok(BatchHash(self.hasher.finalize().into()))
    }

    fn write_part(&mut self, last: bool) -> Result<(), StoreError> {
        self.bytes[1] = if last { LAST } else { 0 };
        if self.bytes.len() >= COMPRESSED_FROM {
            let packed = lz4_flex::compress_prepend_size(&self.bytes[2..]);
            self.bytes[1] |= COMPRESSED;
            self.bytes.splice(2.., packed);
        }
        let key = (self.revision.0, self.part);
        // Over the compressed bytes, so that checking the chain does not depend on how LZ4 compresses.
        hash_part(&mut self.hasher, key, &self.bytes);
        self.table.insert(key, self.bytes.as_slice()).map_err(failed)?;
        self.part += 1;
        self.bytes.truncate(2);
        Ok(())
    }
}

/// Decompresses a part; `None` if [`Entry`] did not compress it.
fn decompressed(packed: &[u8]) -> Option<Vec<u8>> {
    let (length, block) = lz4_flex::block::uncompressed_size(packed).ok()?;
    if length > DECOMPRESSED_MAX { None } else { lz4_flex::decompress(block, length).ok() }
}

fn hash_part(hasher: &mut blake3::Hasher, (revision, part): (u64, u32), bytes: &[u8]) {
    hasher.update(&revision.to_be_bytes());
    hasher.update(&part.to_be_bytes());
    // The length too: without it, moving a boundary between two parts would leave the hash unchanged.
    hasher.update(&(bytes.len() as u64).to_be_bytes());
    hasher.update(bytes);
}

/// The entries from `from` on.
pub(super) fn read(transaction: &ReadTransaction, from: Revision) -> Result<Entries, StoreError> {
    let meta = Meta::read(transaction)?.ok_or_else(|| damaged("the store has no revision"))?;
    let table = transaction.open_table(LOG).map_err(failed)?;
    let from = from.max(Revision(1));
    // Also read the entry before the first one, because its hash is needed to check that the first follows it.
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

/// Iterates over log entries, and checks the hash chain.
pub(super) struct Entries {
    parts: Parts,
    /// The revision of the next entry.
    next: Revision,
    /// The hash of the one before it.
    before: BatchHash,
    /// The position at which the log must end.
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
        // After an error too: with a broken entry there is no hash to check the next one against.
        self.done = !matches!(found, Ok(Some(_)));
        found.transpose()
    }
}

impl Entries {
    fn batch(&mut self) -> Result<Batch, StoreError> {
        let revision = self.next;
        let mut sets = Vec::new();
        let mut add = |item: LoggedItem<'_>| add(&item, &mut sets).map_err(unreadable(revision));
        let (head, hash) = read_entry(&mut self.parts, revision, Some(self.before), &mut add)?;
        self.before = hash;
        self.next = revision.next();
        Ok(Batch { revision, id: head.id, at: head.at, sets })
    }

    /// Checks that the log ends at the position of the store. Always `None`.
    fn end(&mut self) -> Result<Option<Batch>, StoreError> {
        if self.parts.next().is_some() {
            return Err(broken(self.next, "comes after the last revision of the store"));
        }
        if self.before != self.meta.head {
            return Err(broken(self.meta.revision, "does not have the hash that the store has for it"));
        }
        Ok(None)
    }
}

/// The stored parts of entries, in key order.
pub(super) type Parts = OwnedRange<(u64, u32), &'static [u8]>;

/// The header of a log entry.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    /// The `UUIDv7` of the batch.
    pub id: Uuid,
    /// When it was committed.
    pub at: Timestamp,
}

impl Head {
    fn of(header: &Header) -> Self {
        Self { id: Uuid::from_bytes(header.id), at: Timestamp::from_millis(header.at) }
    }
}

/// Passes the items of the entry of `revision`, which must come next in `parts`, to `each`; returns header and hash.
/// If `before` is given, the entry must name it as the hash of the entry before.
pub(super) fn read_entry(
    parts: &mut Parts,
    revision: Revision,
    before: Option<BatchHash>,
    each: &mut dyn FnMut(LoggedItem<'_>) -> Result<(), StoreError>,
) -> Result<(Head, BatchHash), StoreError> {
    let mut head = None;
    let hash = read_parts(parts, revision, &mut |body| {
        let mut items = body;
        if head.is_none() {
            let (header, rest) = read_header(body, revision)?;
            if before.is_some_and(|before| header.before != before.0) {
                return Err(broken(revision, "does not follow the entry before it"));
            }
            head = Some(Head::of(&header));
            items = rest;
        }
        while !items.is_empty() {
            let (item, rest) = record::split::<LogItem<'_>>(items).map_err(unreadable(revision))?;
            each(LoggedItem::new(revision, item))?;
            items = rest;
        }
        Ok(())
    })?;
    Ok((head.ok_or_else(|| broken(revision, "is empty"))?, hash))
}

/// Reads the header of the entry of `revision`, and only its first part.
pub(super) fn read_head(parts: &mut Parts, revision: Revision) -> Result<Head, StoreError> {
    let mut head = None;
    let first = parts.next().ok_or_else(|| broken(revision, "is missing or cut short"))?;
    let (key, value) = first.map_err(failed)?;
    if key.value() != (revision.0, 0) {
        return Err(broken(revision, "is missing or cut short"));
    }
    visit_part(value.value(), revision, &mut |body| {
        head = Some(Head::of(&read_header(body, revision)?.0));
        Ok(())
    })?;
    head.ok_or_else(|| broken(revision, "is empty"))
}

fn read_header(body: &[u8], revision: Revision) -> Result<(Header, &[u8]), StoreError> {
    let (header, items) = record::split::<Header>(body).map_err(unreadable(revision))?;
    if header.revision != revision.0 {
        return Err(broken(revision, "names another revision"));
    }
    Ok((header, items))
}

/// Passes the decompressed parts of one entry to `each`, without version and flags; returns its hash.
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
        if visit_part(bytes, revision, each)? {
            break;
        }
    }
    Ok(BatchHash(hasher.finalize().into()))
}

/// Passes a decompressed part to `each`, without version and flags; `true` if it is the last of its entry.
fn visit_part(
    bytes: &[u8],
    revision: Revision,
    each: &mut dyn FnMut(&[u8]) -> Result<(), StoreError>,
) -> Result<bool, StoreError> {
    match bytes {
        // An unknown flag may change the meaning of the rest, so it is refused.
        [VERSION, flags, body @ ..] if flags & !(LAST | COMPRESSED) == 0 => {
            if flags & COMPRESSED == 0 {
                each(body)?;
            } else {
                each(&decompressed(body).ok_or_else(|| broken(revision, "cannot be decompressed"))?)?;
            }
            Ok(flags & LAST != 0)
        }
        [VERSION, ..] | [] => Err(broken(revision, "cannot be read")),
        [_, ..] => Err(broken(revision, "has a version that this Clade does not know")),
    }
}
