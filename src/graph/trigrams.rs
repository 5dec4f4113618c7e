//! What `contains` and `startsWith` look up: for each three letters in a row, who has them in a text of their own.
//!
//! What must stay true: whoever has such a text is a candidate. Others may be too, since letters are told apart by
//! class and a long part is looked up in pieces; so whoever asks looks at the texts of the candidates.
//!
//! Built when it is first asked for, kept by every change from then on but for a very large one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use roaring::RoaringBitmap;
use rustc_hash::FxHashMap;

use crate::graph::folded_texts::{SEPARATOR, Texts};
use crate::model::entity::{Entity, EntityId};

/// The letters of so many records stand together: those of one container of a bitmap. Two graphs share what neither
/// has changed since they were equal.
const BLOCK: u32 = 1 << 16;
/// How many classes of letters there are. The first stands for the beginning and the end of a text.
const CLASSES: u32 = 64;
const EDGE: u32 = 0;
/// Classes up to this are of one letter each.
const LAST_OF_ONE: u32 = 43;
const SEPARATOR_BYTE: u8 = SEPARATOR as u8;
/// Candidates so few are looked at rather than narrowed further.
const FEW: u64 = 64;

/// Three classes in a row, as one number.
type Gram = u32;

/// What texts there are, and who has which letters in a row.
#[derive(Debug, Clone, Default)]
pub(super) struct TextIndex {
    texts: Texts,
    blocks: Vec<Arc<TrigramPostings>>,
}

/// Who of one block has which letters in a row.
#[derive(Debug, Clone, Default)]
struct TrigramPostings(FxHashMap<Gram, RoaringBitmap>);

/// Who may have a part of a text.
pub(crate) struct TextCandidates {
    pub(crate) ids: RoaringBitmap,
    /// Whether all of them have it in some text of theirs, so that none needs to be looked at.
    pub(crate) certain: bool,
}

impl TextIndex {
    /// The index of all entities whose number is less than `end`, built on all cores.
    pub(super) fn build<'e>(end: EntityId, entity: impl Fn(EntityId) -> Option<&'e Entity> + Sync) -> Self {
        let blocks = end.0.div_ceil(BLOCK);
        let next = AtomicU32::new(0);
        let build_some = || {
            let mut gathered = TrigramBlock::default();
            let mut built = Vec::new();
            loop {
                let block = next.fetch_add(1, Ordering::Relaxed);
                if block >= blocks {
                    return built;
                }
                let numbers = block * BLOCK..end.0.min((block + 1).saturating_mul(BLOCK));
                let mut texts = Texts::default();
                for entity in numbers.filter_map(|number| entity(EntityId(number))) {
                    texts.put(entity);
                    gathered.add(entity.id, texts.of(entity.id));
                }
                built.push((block, texts, gathered.take()));
            }
        };
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let mut built = thread::scope(|scope| {
            let others: Vec<_> = (1..threads)
                // Without another thread, this one does all of it.
                .filter_map(|_| thread::Builder::new().spawn_scoped(scope, build_some).ok())
                .collect();
            let mut built = build_some();
            built.extend(others.into_iter().flat_map(|other| other.join().expect("any text can be indexed")));
            built
        });
        built.sort_unstable_by_key(|(block, ..)| *block);
        let mut index = Self::default();
        for (_, texts, letters) in built {
            index.texts.take_from(texts);
            index.blocks.push(Arc::new(letters));
        }
        index
    }

    /// Enters `entity`.
    pub(super) fn insert(&mut self, entity: &Entity) {
        self.texts.put(entity);
        let block = (entity.id.0 / BLOCK) as usize;
        if self.blocks.len() <= block {
            self.blocks.resize_with(block + 1, Arc::default);
        }
        let letters = &mut Arc::make_mut(&mut self.blocks[block]).0;
        each_gram(self.texts.of(entity.id), |gram| {
            letters.entry(gram).or_default().insert(entity.id.0);
        });
    }

    /// Takes an entity out.
    pub(super) fn remove(&mut self, id: EntityId) {
        if let Some(block) = self.blocks.get_mut((id.0 / BLOCK) as usize) {
            let letters = &mut Arc::make_mut(block).0;
            each_gram(self.texts.of(id), |gram| {
                if let Some(ids) = letters.get_mut(&gram) {
                    ids.remove(id.0);
                }
            });
        }
        self.texts.clear(id);
    }

    /// The texts of all records, folded.
    pub(super) fn texts(&self) -> &Texts {
        &self.texts
    }

    /// Who may have `part`, folded, somewhere in a text; none when it is too short to look up.
    pub(super) fn containing(&self, part: &str) -> Option<TextCandidates> {
        let classes: Vec<u32> = part.bytes().map(class).collect();
        let ids = match classes[..] {
            [] | [_] => return None,
            [first, second] => self.followed_by_any(first, second),
            _ => self.with_all(&classes),
        };
        let is_of_one = |class: &u32| (EDGE + 1..=LAST_OF_ONE).contains(class);
        Some(TextCandidates { ids, certain: classes.len() <= 3 && classes.iter().all(is_of_one) })
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

    /// For each gram of `word`, folded: who has it.
    pub(super) fn each_of(&self, word: &str) -> Vec<RoaringBitmap> {
        let classes: Vec<u32> = word.bytes().map(class).collect();
        let mut grams = grams(&classes);
        grams.sort_unstable();
        grams.dedup();
        grams.iter().map(|gram| self.united(|letters| letters.0.get(gram).cloned())).collect()
    }

    fn followed_by_any(&self, first: u32, second: u32) -> RoaringBitmap {
        self.united(|letters| {
            let grams = (0..CLASSES).map(|third| gram(first, second, third));
            grams.filter_map(|gram| letters.0.get(&gram)).fold(None, |found, ids| match found {
                None => Some(ids.clone()),
                Some(found) => Some(found | ids),
            })
        })
    }

    fn with_all(&self, classes: &[u32]) -> RoaringBitmap {
        let grams = grams(classes);
        self.united(|letters| letters.with_all(&grams))
    }

    fn united(&self, of_block: impl Fn(&TrigramPostings) -> Option<RoaringBitmap>) -> RoaringBitmap {
        let mut all = RoaringBitmap::new();
        for found in self.blocks.iter().filter_map(|letters| of_block(letters)) {
            all |= found;
        }
        all
    }
}

impl TrigramPostings {
    fn with_all(&self, grams: &[Gram]) -> Option<RoaringBitmap> {
        let mut sets = grams.iter().map(|gram| self.0.get(gram)).collect::<Option<Vec<_>>>()?;
        sets.sort_by_cached_key(|ids| ids.len());
        let mut sets = sets.into_iter();
        let least = sets.next()?;
        let Some(next) = sets.next() else { return Some(least.clone()) };
        let mut left = least & next;
        for ids in sets {
            if left.len() <= FEW {
                break;
            }
            left &= ids;
        }
        Some(left)
    }
}

/// The letters of a block while it is built: a place for each gram that there can be, so that nothing is hashed.
struct TrigramBlock {
    lists: Vec<Vec<u32>>,
    used: Vec<Gram>,
}

impl Default for TrigramBlock {
    fn default() -> Self {
        Self { lists: vec![Vec::new(); CLASSES.pow(3) as usize], used: Vec::new() }
    }
}

impl TrigramBlock {
    /// Adds an entity, whose number is greater than those before.
    fn add(&mut self, id: EntityId, texts: &str) {
        each_gram(texts, |gram| {
            let ids = &mut self.lists[gram as usize];
            match ids.last() {
                Some(last) if *last == id.0 => return,
                Some(_) => {}
                None => self.used.push(gram),
            }
            ids.push(id.0);
        });
    }

    fn take(&mut self) -> TrigramPostings {
        let compact = |gram: Gram| {
            let ids = &mut self.lists[gram as usize];
            let mut bitmap =
                RoaringBitmap::from_sorted_iter(ids.drain(..)).expect("numbers come in their order");
            let _smaller = bitmap.optimize();
            (gram, bitmap)
        };
        TrigramPostings(self.used.drain(..).map(compact).collect())
    }
}

fn grams(classes: &[u32]) -> Vec<Gram> {
    classes.windows(3).map(|row| gram(row[0], row[1], row[2])).collect()
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
        for byte in 0..=u8::MAX {
            let of_its_class = (0..=u8::MAX).filter(|other| class(*other) == class(byte)).count();
            assert_eq!(of_its_class == 1, class(byte) <= LAST_OF_ONE, "{byte}");
        }
        let letters: Vec<u32> = (b'a'..=b'z').chain(b'0'..=b'9').map(class).collect();
        let distinct: std::collections::BTreeSet<_> = letters.iter().collect();
        assert_eq!(distinct.len(), letters.len());
    }
}
