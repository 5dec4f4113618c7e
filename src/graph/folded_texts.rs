//! The texts of every record, folded, side by side in memory: looking at those of many records costs little more
//! than reading them.
//!
//! What must stay true: a record's texts stand here as [`fold`] gives them, in the order of [`Kind::texts`], each
//! behind the one before it and a [`SEPARATOR`]. One that is not there is empty.

use std::hint::black_box;
use std::ops::Range;
use std::sync::Arc;

use crate::model::entity::{Entity, EntityId, Kind};
use crate::model::field::Field;
use crate::model::key::fold;

/// Between the texts of a record: none of them holds a control character.
pub(crate) const SEPARATOR: char = '\u{1f}';
/// So many records stand together. Two graphs share what neither has changed since they were equal.
const CHUNK: usize = 512;
/// The texts of so many records fit into the nearest memory.
const FETCHED_TOGETHER: usize = 128;

/// The texts of all records, by number.
#[derive(Debug, Clone, Default)]
pub(super) struct Texts {
    chunks: Vec<Arc<Chunk>>,
}

#[derive(Debug, Clone, Default)]
struct Chunk {
    /// Where each record's texts end; they begin where those of the one before it end.
    ends: Vec<u32>,
    bytes: String,
}

impl Texts {
    /// The texts of a record; empty when it has none.
    pub(super) fn of(&self, id: EntityId) -> &str {
        let (chunk, slot) = chunk_and_slot(id);
        self.chunks.get(chunk).map_or("", |chunk| chunk.of(slot))
    }

    /// Keeps the texts of `entity`.
    pub(super) fn put(&mut self, entity: &Entity) {
        self.set(entity.id, &joined(entity));
    }

    /// Forgets the texts of a record.
    pub(super) fn clear(&mut self, id: EntityId) {
        self.set(id, "");
    }

    /// Takes over texts whose records are numbered from a multiple of [`CHUNK`] on that is greater than all numbers
    /// here.
    pub(super) fn take_from(&mut self, others: Self) {
        let own = self.chunks.len();
        self.chunks.extend(others.chunks.into_iter().skip(own));
    }

    /// Shows the texts of each of `ids` in turn. The texts of many are fetched together, so that memory is waited for
    /// once and not for each.
    pub(super) fn each(&self, ids: impl Iterator<Item = EntityId>, mut show: impl FnMut(EntityId, &str)) {
        let mut ids = ids.peekable();
        let mut fetched = Vec::with_capacity(FETCHED_TOGETHER);
        while ids.peek().is_some() {
            fetched.extend(ids.by_ref().take(FETCHED_TOGETHER).map(|id| (id, self.of(id))));
            let ends = |texts: &str| (texts.bytes().next(), texts.bytes().next_back());
            for (_, texts) in &fetched {
                black_box(ends(texts));
            }
            for (id, texts) in fetched.drain(..) {
                show(id, texts);
            }
        }
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
    fn of(&self, slot: usize) -> &str {
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

fn chunk_and_slot(id: EntityId) -> (usize, usize) {
    let number = id.0 as usize;
    (number / CHUNK, number % CHUNK)
}

/// The place of a field among the texts of a kind, if it is there.
pub(crate) fn place(kind: Kind, field: Field) -> Option<usize> {
    kind.texts().iter().position(|known| *known == field)
}

/// The text in this place of a record's texts; empty when it has none.
pub(crate) fn nth(texts: &str, place: usize) -> &str {
    let mut rest = texts;
    for _ in 0..place {
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
            joined.push_str(&fold(text));
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_record_has_what_was_put_last() {
        let mut texts = Texts::default();
        let mut twin = vec![String::new(); 2 * CHUNK];
        for step in 0..4_000_usize {
            let id = step * 389 % (2 * CHUNK);
            let text = "x".repeat(step % 7);
            texts.set(EntityId(u32::try_from(id).unwrap()), &text);
            twin[id] = text;
        }
        for (id, expected) in (0..).zip(&twin) {
            assert_eq!(texts.of(EntityId(id)), expected);
        }
        assert_eq!(texts.of(EntityId(u32::MAX)), "");
    }

    #[test]
    fn a_copy_does_not_see_what_is_changed_later() {
        let mut texts = Texts::default();
        texts.set(EntityId(1), "one");
        let before = texts.clone();
        texts.set(EntityId(1), "two");
        assert_eq!((before.of(EntityId(1)), texts.of(EntityId(1))), ("one", "two"));
    }
}
