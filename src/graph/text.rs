//! What `contains` and `startsWith` look up: for each three letters in a row, who has them in a text of their own.
//!
//! What must stay true: whoever has such a text is a candidate. Others may be too, since letters are told apart by
//! class and a long part is looked up in pieces; so whoever asks looks at the texts of the candidates.
//!
//! Built when it is first asked for, kept by every change from then on.

use roaring::RoaringBitmap;
use rustc_hash::FxHashMap;

use crate::graph::texts::{SEPARATOR, Texts};
use crate::model::entity::{Entity, EntityId};

/// How many classes of letters there are. The first stands for the beginning and the end of a text.
const CLASSES: u32 = 64;
const EDGE: u32 = 0;
const SEPARATOR_BYTE: u8 = SEPARATOR as u8;
/// Candidates so few are looked at rather than narrowed further.
const FEW: u64 = 64;

/// Three classes in a row, as one number.
type Gram = u32;

/// What texts there are, and who has which letters in a row.
#[derive(Debug, Clone, Default)]
pub(super) struct TextIndex {
    texts: Texts,
    grams: FxHashMap<Gram, RoaringBitmap>,
}

impl TextIndex {
    /// The index of `entities`, which come in the order of their numbers.
    pub(super) fn build<'e>(entities: impl Iterator<Item = &'e Entity>) -> Self {
        // One place for each gram there can be, and who came there last: no hashing, and each is entered once.
        let mut table = vec![(None, RoaringBitmap::new()); CLASSES.pow(3) as usize];
        let mut texts = Texts::default();
        for entity in entities {
            texts.put(entity);
            each_gram(texts.of(entity.id), |gram| {
                let (last, ids) = &mut table[gram as usize];
                if *last != Some(entity.id) {
                    *last = Some(entity.id);
                    ids.insert(entity.id.0);
                }
            });
        }
        let used = (0..).zip(table).filter(|(_, (last, _))| last.is_some());
        let compact = |(gram, (_, mut ids)): (Gram, (_, RoaringBitmap))| {
            let _smaller = ids.optimize();
            (gram, ids)
        };
        Self { texts, grams: used.map(compact).collect() }
    }

    /// Enters `entity`.
    pub(super) fn insert(&mut self, entity: &Entity) {
        self.texts.put(entity);
        each_gram(self.texts.of(entity.id), |gram| {
            self.grams.entry(gram).or_default().insert(entity.id.0);
        });
    }

    /// Takes an entity out.
    pub(super) fn remove(&mut self, id: EntityId) {
        each_gram(self.texts.of(id), |gram| {
            if let Some(ids) = self.grams.get_mut(&gram) {
                ids.remove(id.0);
            }
        });
        self.texts.clear(id);
    }

    /// The texts of a record, folded, as [`Texts`] keeps them.
    pub(super) fn texts(&self, id: EntityId) -> &str {
        self.texts.of(id)
    }

    /// Who may have `part`, folded, somewhere in a text; none when it is too short to look up.
    pub(super) fn containing(&self, part: &str) -> Option<RoaringBitmap> {
        let classes: Vec<u32> = part.bytes().map(class).collect();
        match classes[..] {
            [] | [_] => None,
            [first, second] => Some(self.followed_by_any(first, second)),
            _ => Some(self.with_all(&classes)),
        }
    }

    /// Who may have a text that begins with `part`, folded; none when it is empty.
    pub(super) fn starting(&self, part: &str) -> Option<RoaringBitmap> {
        let classes: Vec<u32> = std::iter::once(EDGE).chain(part.bytes().map(class)).collect();
        match classes[..] {
            [_] => None,
            [edge, first] => Some(self.followed_by_any(edge, first)),
            _ => Some(self.with_all(&classes)),
        }
    }

    /// For each gram of `word`, folded, with its beginning: who has it.
    pub(super) fn each_of<'i>(&'i self, word: &str) -> Vec<&'i RoaringBitmap> {
        let classes: Vec<u32> = word.bytes().map(class).collect();
        let mut grams: Vec<Gram> = classes.windows(3).map(|row| gram(row[0], row[1], row[2])).collect();
        grams.sort_unstable();
        grams.dedup();
        grams.iter().filter_map(|gram| self.grams.get(gram)).collect()
    }

    fn followed_by_any(&self, first: u32, second: u32) -> RoaringBitmap {
        let mut found = RoaringBitmap::new();
        for third in 0..CLASSES {
            if let Some(ids) = self.grams.get(&gram(first, second, third)) {
                found |= ids;
            }
        }
        found
    }

    fn with_all(&self, classes: &[u32]) -> RoaringBitmap {
        let mut sets = Vec::new();
        for row in classes.windows(3) {
            match self.grams.get(&gram(row[0], row[1], row[2])) {
                Some(ids) => sets.push(ids),
                None => return RoaringBitmap::new(),
            }
        }
        sets.sort_by_cached_key(|ids| ids.len());
        let mut sets = sets.into_iter();
        let Some(least) = sets.next() else { return RoaringBitmap::new() };
        let Some(next) = sets.next() else { return least.clone() };
        let mut left = least & next;
        for ids in sets {
            if left.len() <= FEW {
                break;
            }
            left &= ids;
        }
        left
    }
}

fn each_gram(texts: &str, mut each: impl FnMut(Gram)) {
    let (mut before, mut at) = (EDGE, EDGE);
    for next in texts.bytes().map(class).chain([EDGE]) {
        // What lies across two texts is in neither.
        if at != EDGE {
            each(gram(before, at, next));
        }
        (before, at) = (at, next);
    }
}

fn gram(first: u32, second: u32, third: u32) -> Gram {
    (first * CLASSES + second) * CLASSES + third
}

/// Letters and digits are told apart, other bytes less so.
fn class(byte: u8) -> u32 {
    let class = match byte {
        b'a'..=b'z' => 1 + byte - b'a',
        b'0'..=b'9' => 27 + byte - b'0',
        b' ' => 37,
        b'-' => 38,
        b'_' => 39,
        b'.' => 40,
        b'/' => 41,
        b'@' => 42,
        b':' => 43,
        SEPARATOR_BYTE => return EDGE,
        0..=0x7f => 44 + byte % 4,
        0x80.. => 48 + byte % 16,
    };
    u32::from(class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_a_class_of_its_own_or_shares_one() {
        let others = (0..=u8::MAX).filter(|byte| *byte != SEPARATOR_BYTE);
        assert!(others.map(class).all(|class| class > EDGE && class < CLASSES));
        let letters: Vec<u32> = (b'a'..=b'z').chain(b'0'..=b'9').map(class).collect();
        let distinct: std::collections::BTreeSet<_> = letters.iter().collect();
        assert_eq!(distinct.len(), letters.len());
    }
}
