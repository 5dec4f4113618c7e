//! The bare texts of every record, without case and marks, packed contiguously by id, so that scanning the texts of many records
//! costs little more than reading the memory.
//!
//! Invariant: the texts of a record are stored as [`bare`] returns them, in the order of [`Kind::texts`], with a
//! [`SEPARATOR`] between two. A missing text is empty.

use std::hint::black_box;
use std::ops::Range;
use std::sync::Arc;

use memchr::memmem::Finder;
use roaring::RoaringBitmap;

use crate::model::entity::{Entity, EntityId, Kind};
use crate::model::field::Field;
use crate::model::text::bare;

/// Separates the texts of a record; validated texts contain no control characters.
pub(crate) const SEPARATOR: char = '\u{1f}';
/// Number of records per chunk. Graphs share unchanged chunks.
// A change moves the bytes behind it in its chunk and copies the chunk once if it is shared, so chunks are small.
const CHUNK: usize = 512;
/// Number of records whose texts are prefetched together; their texts fit into the nearest cache.
const FETCH_BATCH: usize = 128;
/// The usual size of a line of the processor's cache.
const CACHE_LINE_BYTES: usize = 64;
/// With this many candidates in a chunk or more, all its bytes are searched.
const SEARCHED_AT_ONCE_MIN: u64 = 24;

/// The texts of all records, by entity id.
#[derive(Debug, Clone, Default)]
pub(super) struct Texts {
    chunks: Vec<Arc<Chunk>>,
}

#[derive(Debug, Clone, Default)]
struct Chunk {
    /// The end offset of each record's texts in `bytes`; they begin at the end offset of the record before.
    ends: Vec<u32>,
    bytes: String,
}

impl Texts {
    /// The texts of a record; empty if the record does not exist.
    pub(super) fn of(&self, id: EntityId) -> &str {
        let (chunk, slot) = chunk_and_slot(id);
        self.chunks.get(chunk).map_or("", |chunk| chunk.of(slot))
    }

    /// Stores the texts of `entity`.
    pub(super) fn put(&mut self, entity: &Entity) {
        self.set(entity.id, &joined(entity));
    }

    /// Removes the texts of a record.
    pub(super) fn clear(&mut self, id: EntityId) {
        self.set(id, "");
    }

    /// Appends the texts of records whose ids start at a multiple of [`CHUNK`] and are greater than all ids here.
    pub(super) fn take_from(&mut self, others: Self) {
        let own = self.chunks.len();
        // Chunks are indexed by id, so `others` begins with empty chunks for the ids that are already here.
        self.chunks.extend(others.chunks.into_iter().skip(own));
    }

    /// Calls `show` with the texts of each of `ids`, in order. The texts are prefetched in batches, so that the cache
    /// misses of a batch overlap instead of following each other.
    pub(super) fn each(&self, ids: impl Iterator<Item = EntityId>, mut show: impl FnMut(EntityId, &str)) {
        let mut ids = ids.peekable();
        let mut fetched = Vec::with_capacity(FETCH_BATCH);
        while ids.peek().is_some() {
            fetched.extend(ids.by_ref().take(FETCH_BATCH).map(|id| (id, self.of(id))));
            // Both ends, since a text may span two cache lines. `black_box` keeps the compiler from removing the loads,
            // whose results are not used.
            let ends = |texts: &str| (texts.bytes().next(), texts.bytes().next_back());
            for (_, texts) in &fetched {
                black_box(ends(texts));
            }
            for (id, texts) in fetched.drain(..) {
                show(id, texts);
            }
        }
    }

    /// The records of `ids` with a match that passes: `passes` gets the texts of a record and the offset of the match.
    // The pattern must not be empty. Where many records of a chunk are candidates, all its bytes are searched in one go, which is as fast as memory can be
    // read. Visiting each record by itself waits for memory at each.
    pub(super) fn matching(
        &self,
        ids: &RoaringBitmap,
        finder: &Finder<'_>,
        passes: impl Fn(&str, usize) -> bool,
    ) -> RoaringBitmap {
        let mut found = Vec::new();
        for (number, chunk) in self.chunks.iter().enumerate() {
            let first = number_of(number * CHUNK);
            let range = first..=first + (number_of(CHUNK) - 1);
            match ids.range_cardinality(range.clone()) {
                0 => {}
                few if few < SEARCHED_AT_ONCE_MIN => {
                    let ids = ids.range(range).map(EntityId);
                    self.each(ids, |id, texts| {
                        let mut matches = finder.find_iter(texts.as_bytes());
                        if matches.any(|offset| passes(texts, offset)) {
                            found.push(id.0);
                        }
                    });
                }
                _ => {
                    let mut candidates = ids.range(range).peekable();
                    chunk.matching(finder, &passes, |slot| {
                        let id = first + number_of(slot);
                        while candidates.next_if(|candidate| *candidate < id).is_some() {}
                        found.extend(candidates.next_if_eq(&id));
                    });
                }
            }
        }
        RoaringBitmap::from_sorted_iter(found).expect("chunks and slots are in the order of the ids")
    }

    fn set(&mut self, id: EntityId, texts: &str) {
        let (chunk, slot) = chunk_and_slot(id);
        if self.chunks.len() <= chunk {
            self.chunks.resize_with(chunk + 1, Arc::default);
        }
        Arc::make_mut(&mut self.chunks[chunk]).set(slot, texts);
    }
}

impl Chunk {
    /// Calls `visit` with each record that has a match that passes, in order.
    fn matching(
        &self,
        finder: &Finder<'_>,
        passes: impl Fn(&str, usize) -> bool,
        mut visit: impl FnMut(usize),
    ) {
        self.prefetch();
        let length = finder.needle().len();
        let (mut begin, mut slot) = (0, 0);
        while let Some(found) = finder.find(&self.bytes.as_bytes()[begin..]) {
            let at = begin + found;
            // Step by step and not by binary search, whose reads are all over the chunk.
            while self.ends[slot] as usize <= at {
                slot += 1;
            }
            let range = self.range(slot);
            // Nothing separates two records, so a match may begin in one and end in the next.
            if at + length <= range.end && passes(&self.bytes[range.clone()], at - range.start) {
                visit(slot);
                begin = range.end;
            } else {
                begin = at + 1;
            }
        }
    }

    /// Reads a byte of each cache line, so that the waits for memory overlap.
    fn prefetch(&self) {
        let bytes = self.bytes.as_bytes().iter().step_by(CACHE_LINE_BYTES);
        let ends = self.ends.iter().step_by(CACHE_LINE_BYTES / size_of::<u32>());
        // `black_box` keeps the compiler from removing the loads, whose results are not used.
        black_box((bytes.fold(0, |all, byte| all ^ byte), ends.fold(0, |all, end| all ^ end)));
    }

    fn of(&self, slot: usize) -> &str {
        // `ends` grows on demand, so the last records of a chunk may have no slot yet.
        if slot < self.ends.len() { &self.bytes[self.range(slot)] } else { "" }
    }

    fn range(&self, slot: usize) -> Range<usize> {
        let start = slot.checked_sub(1).map_or(0, |before| self.ends[before]);
        start as usize..self.ends[slot] as usize
    }

    fn set(&mut self, slot: usize, texts: &str) {
        let length = |bytes: usize| u32::try_from(bytes).expect("the texts of a chunk are less than 4 GiB");
        if self.ends.len() <= slot {
            self.ends.resize(slot + 1, length(self.bytes.len()));
        }
        let range = self.range(slot);
        self.bytes.replace_range(range.clone(), texts);
        let (before, now) = (length(range.len()), length(texts.len()));
        for end in &mut self.ends[slot..] {
            *end = *end - before + now;
        }
    }
}

fn number_of(index: usize) -> u32 {
    u32::try_from(index).expect("ids are 32 bits wide")
}

fn chunk_and_slot(id: EntityId) -> (usize, usize) {
    let number = id.0 as usize;
    (number / CHUNK, number % CHUNK)
}

/// The position of a field among the texts of a kind; `None` if it is not one of them.
pub(crate) fn position(kind: Kind, field: Field) -> Option<usize> {
    kind.texts().iter().position(|known| *known == field)
}

/// The position of the text that an offset into a record's texts is in.
pub(crate) fn position_at(texts: &str, offset: usize) -> usize {
    memchr::memchr_iter(SEPARATOR as u8, &texts.as_bytes()[..offset]).count()
}

/// The text at this position of a record's texts; empty if it is missing.
pub(crate) fn nth_text(texts: &str, position: usize) -> &str {
    let mut rest = texts;
    for _ in 0..position {
        rest = memchr::memchr(SEPARATOR as u8, rest.as_bytes()).map_or("", |end| &rest[end + 1..]);
    }
    memchr::memchr(SEPARATOR as u8, rest.as_bytes()).map_or(rest, |end| &rest[..end])
}

fn joined(entity: &Entity) -> String {
    let mut joined = String::new();
    for (nth, field) in entity.kind().texts().iter().enumerate() {
        if nth > 0 {
            joined.push(SEPARATOR);
        }
        if let Some(text) = field.text(entity) {
            joined.push_str(&bare(text));
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_record_has_the_texts_stored_last() {
        let mut texts = Texts::default();
        let mut expected = vec![String::new(); 2 * CHUNK];
        for step in 0..4_000_usize {
            let id = step * 389 % (2 * CHUNK);
            let text = "x".repeat(step % 7);
            texts.set(EntityId(u32::try_from(id).unwrap()), &text);
            expected[id] = text;
        }
        for (id, text) in (0..).zip(&expected) {
            assert_eq!(texts.of(EntityId(id)), text);
        }
        assert_eq!(texts.of(EntityId(u32::MAX)), "");
    }

    #[test]
    fn clone_is_unaffected_by_later_changes() {
        let mut texts = Texts::default();
        texts.set(EntityId(1), "one");
        let before = texts.clone();
        texts.set(EntityId(1), "two");
        assert_eq!((before.of(EntityId(1)), texts.of(EntityId(1))), ("one", "two"));
    }
}
