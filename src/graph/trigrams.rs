//! Trigram index for `contains`, `startsWith` and search: for each three bytes in a row, a bitmap of the records that
//! have them in one of their texts.
//!
//! Invariant: every record that matches is a candidate. There may be false positives, since bytes are grouped into
//! classes and a long pattern is looked up in pieces, so the caller compares the texts of the candidates.
//!
//! Built on first use, since a build takes seconds for a million records. From then on every change updates it, except
//! bulk changes, which drop it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use roaring::{MultiOps as _, RoaringBitmap};
use rustc_hash::FxHashMap;

use crate::graph::bare_texts::{SEPARATOR, Texts};
use crate::model::entity::{Entity, EntityId};

/// Number of records per block: the range of one container of a Roaring bitmap, so that a bitmap of a block has a
/// single container. Graphs share unchanged blocks, and a change copies one block at most.
const BLOCK: u32 = 1 << 16;
/// Number of byte classes; the first one is the boundary of a text.
// 64 classes make 64³ = 262,144 trigrams, few enough for an array slot each during a build. Telling all 256 bytes
// apart would take 16 million.
const CLASSES: u32 = 64;
/// The class before the first and after the last byte of each text, which makes `startsWith` a trigram lookup too.
const BOUNDARY: u32 = 0;
/// Classes from 1 up to this contain a single byte each.
const LAST_SINGLE_BYTE_CLASS: u32 = 43;
const SEPARATOR_BYTE: u8 = SEPARATOR as u8;
/// With this many candidates or fewer, comparing their texts is cheaper than intersecting further bitmaps.
const FEW_CANDIDATES: u64 = 64;

/// A trigram: three consecutive byte classes as one number of 18 bits.
type Gram = u32;

/// The bare texts of all records and the postings of their trigrams.
#[derive(Debug, Clone, Default)]
pub(super) struct TextIndex {
    texts: Texts,
    blocks: Vec<Arc<TrigramPostings>>,
}

/// For each trigram, the records of one block that contain it.
#[derive(Debug, Clone, Default)]
struct TrigramPostings(FxHashMap<Gram, RoaringBitmap>);

/// The records that may contain a pattern.
#[derive(Debug, Default)]
pub(crate) struct TextCandidates {
    /// Those that contain it in some text, so no text needs to be read.
    pub(crate) certain: RoaringBitmap,
    /// Those whose texts have to be compared.
    pub(crate) possible: RoaringBitmap,
}

impl TextCandidates {
    /// All of them, as one set.
    pub(crate) fn all(self) -> RoaringBitmap {
        self.certain | self.possible
    }
}

impl TextIndex {
    /// Builds the index of all entities with an id below `end`, on all cores.
    pub(super) fn build<'e>(end: EntityId, entity: impl Fn(EntityId) -> Option<&'e Entity> + Sync) -> Self {
        let blocks = end.0.div_ceil(BLOCK);
        // Threads take the next block when they finish one, since blocks differ in work. Relaxed: the counter only
        // hands out numbers, and joining the threads publishes their results.
        let next = AtomicU32::new(0);
        let build_blocks = || {
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
                built.push((block, texts, gathered.take_postings()));
            }
        };
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let mut built = thread::scope(|scope| {
            let others: Vec<_> = (1..threads)
                // If no thread can be started, the current one builds all blocks.
                .filter_map(|_| thread::Builder::new().spawn_scoped(scope, build_blocks).ok())
                .collect();
            let mut built = build_blocks();
            built.extend(others.into_iter().flat_map(|other| other.join().expect("any text can be indexed")));
            built
        });
        // `take_from` appends, so the blocks have to be in the order of their ids.
        built.sort_unstable_by_key(|(block, ..)| *block);
        let mut index = Self::default();
        for (_, texts, postings) in built {
            index.texts.take_from(texts);
            index.blocks.push(Arc::new(postings));
        }
        index
    }

    /// Adds `entity`, which must not be in the index.
    pub(super) fn insert(&mut self, entity: &Entity) {
        self.texts.put(entity);
        let block = (entity.id.0 / BLOCK) as usize;
        if self.blocks.len() <= block {
            self.blocks.resize_with(block + 1, Arc::default);
        }
        let postings = &mut Arc::make_mut(&mut self.blocks[block]).0;
        each_gram(self.texts.of(entity.id), |gram| {
            postings.entry(gram).or_default().insert(entity.id.0);
        });
    }

    /// Removes an entity.
    pub(super) fn remove(&mut self, id: EntityId) {
        if let Some(block) = self.blocks.get_mut((id.0 / BLOCK) as usize) {
            let postings = &mut Arc::make_mut(block).0;
            each_gram(self.texts.of(id), |gram| {
                if let Some(ids) = postings.get_mut(&gram) {
                    ids.remove(id.0);
                }
            });
        }
        // Last: the texts say in which postings the entity is. Bitmaps that became empty stay; they match nothing.
        self.texts.clear(id);
    }

    /// The bare texts of all records.
    pub(super) fn texts(&self) -> &Texts {
        &self.texts
    }

    /// The records of `among` that may contain the bare pattern `part` in a text; all of them if it is too short for a
    /// lookup.
    pub(super) fn containing(&self, part: &str, among: &RoaringBitmap) -> TextCandidates {
        let classes: Vec<u32> = part.bytes().map(class).collect();
        let mut candidates = self.candidates(&classes, among);
        // Exact up to three bytes: they are one trigram (or all trigrams with two given bytes), and each of their
        // classes is a single byte. The trigrams of a longer pattern might come from different places of the texts.
        let is_single_byte = |class: &u32| (BOUNDARY + 1..=LAST_SINGLE_BYTE_CLASS).contains(class);
        if classes.len() > 3 || !classes.iter().all(is_single_byte) {
            candidates.possible |= std::mem::take(&mut candidates.certain);
        }
        candidates
    }

    /// The records of `among` that may have a text that begins with the bare pattern `part`.
    pub(super) fn starting(&self, part: &str, among: &RoaringBitmap) -> RoaringBitmap {
        let classes: Vec<u32> = std::iter::once(BOUNDARY).chain(part.bytes().map(class)).collect();
        self.candidates(&classes, among).all()
    }

    /// The records of `among` that have the trigrams of these classes (`certain`), or for which comparing texts costs less
    /// than a lookup (`possible`).
    // Decided for each block by itself: few candidates that are spread over all blocks need no lookup in any of them.
    fn candidates(&self, classes: &[u32], among: &RoaringBitmap) -> TextCandidates {
        let mut candidates = TextCandidates::default();
        let lookup: Lookup = match *classes {
            [] | [_] => return TextCandidates { possible: among.clone(), ..candidates },
            [first, second] => Lookup::FollowedByAny(first, second),
            _ => Lookup::All(grams(classes)),
        };
        for (block, postings) in (0..).zip(&self.blocks) {
            let first = block * BLOCK;
            let ids = first..=first + (BLOCK - 1);
            match among.range_cardinality(ids.clone()) {
                0 => {}
                few if few <= lookup.scanned_max() => candidates.possible.extend(among.range(ids)),
                _ => candidates.certain |= postings.found(&lookup, among),
            }
        }
        candidates
    }

    /// For each distinct trigram of the bare `word`, the records of `among` that contain it.
    pub(super) fn each_of(&self, word: &str, among: &RoaringBitmap) -> Vec<RoaringBitmap> {
        let classes: Vec<u32> = word.bytes().map(class).collect();
        let mut grams = grams(&classes);
        grams.sort_unstable();
        grams.dedup();
        let of_block = |gram: &Gram, postings: &TrigramPostings| Some(postings.0.get(gram)? & among);
        let all_of = |gram| self.blocks.iter().filter_map(|postings| of_block(gram, postings)).union();
        grams.iter().map(all_of).collect()
    }
}

/// What is looked up in each block.
enum Lookup {
    /// These two classes in a row.
    // Every byte of a text has a trigram with it in the middle, so a pattern of two bytes is found through the 64
    // trigrams that begin with it.
    FollowedByAny(u32, u32),
    /// All of these trigrams.
    All(Vec<Gram>),
}

impl Lookup {
    /// With this many candidates or fewer in a block, comparing their texts costs less.
    fn scanned_max(&self) -> u64 {
        match self {
            Self::FollowedByAny(..) => 512,
            Self::All(_) => 32,
        }
    }
}

impl TrigramPostings {
    fn found(&self, lookup: &Lookup, among: &RoaringBitmap) -> RoaringBitmap {
        match lookup {
            Lookup::FollowedByAny(first, second) => {
                let sets = (0..CLASSES).filter_map(|third| self.0.get(&gram(*first, *second, third)));
                sets.union() & among
            }
            Lookup::All(grams) => self.containing_all(grams, among).unwrap_or_default(),
        }
    }

    // `among` first: what a token does not see should cost it as little as possible, since time tells of it.
    fn containing_all(&self, grams: &[Gram], among: &RoaringBitmap) -> Option<RoaringBitmap> {
        // A trigram without postings ends the search in this block: no record can contain all of them.
        let mut sets = grams.iter().map(|gram| self.0.get(gram)).collect::<Option<Vec<_>>>()?;
        // Smallest first: an intersection is never larger than its smallest input.
        sets.sort_by_cached_key(|ids| ids.len());
        let mut sets = sets.into_iter();
        let mut left = sets.next()? & among;
        for ids in sets {
            if left.len() <= FEW_CANDIDATES {
                break;
            }
            left &= ids;
        }
        Some(left)
    }
}

/// The postings of a block during a build: an array slot for each possible trigram, so that nothing is hashed.
struct TrigramBlock {
    // Reused for all blocks of a thread: `drain` empties the lists but keeps their memory.
    lists: Vec<Vec<u32>>,
    used: Vec<Gram>,
}

impl Default for TrigramBlock {
    fn default() -> Self {
        Self { lists: vec![Vec::new(); CLASSES.pow(3) as usize], used: Vec::new() }
    }
}

impl TrigramBlock {
    /// Adds an entity, whose id must be greater than those before.
    fn add(&mut self, id: EntityId, texts: &str) {
        each_gram(texts, |gram| {
            let ids = &mut self.lists[gram as usize];
            match ids.last() {
                // A trigram may occur several times in one record.
                Some(last) if *last == id.0 => return,
                Some(_) => {}
                None => self.used.push(gram),
            }
            ids.push(id.0);
        });
    }

    fn take_postings(&mut self) -> TrigramPostings {
        let compact = |gram: Gram| {
            let ids = &mut self.lists[gram as usize];
            let mut bitmap =
                RoaringBitmap::from_sorted_iter(ids.drain(..)).expect("numbers come in their order");
            // A frequent trigram has long runs of consecutive ids, which this stores as ranges.
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
    let (mut before, mut at) = (BOUNDARY, BOUNDARY);
    for next in texts.bytes().map(class).chain([BOUNDARY]) {
        // Skipping separators here keeps a trigram from spanning two texts.
        if at != BOUNDARY {
            each(gram(before, at, next));
        }
        (before, at) = (at, next);
    }
}

fn gram(first: u32, second: u32, third: u32) -> Gram {
    (first * CLASSES + second) * CLASSES + third
}

/// The class of a byte of a bare text.
// Bare texts have no uppercase ASCII. Letters, digits and the punctuation of keys, emails and urls have classes of
// their own, since they occur most. Other ASCII shares four classes; bytes of non-ASCII characters share sixteen.
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
        SEPARATOR_BYTE => return BOUNDARY,
        0..=0x7f => 44 + byte % 4,
        0x80.. => 48 + byte % 16,
    };
    u32::from(class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_byte_classes_are_not_shared() {
        let others = (0..=u8::MAX).filter(|byte| *byte != SEPARATOR_BYTE);
        assert!(others.map(class).all(|class| class > BOUNDARY && class < CLASSES));
        for byte in 0..=u8::MAX {
            let of_its_class = (0..=u8::MAX).filter(|other| class(*other) == class(byte)).count();
            assert_eq!(of_its_class == 1, class(byte) <= LAST_SINGLE_BYTE_CLASS, "{byte}");
        }
        let alphanumerics: Vec<u32> = (b'a'..=b'z').chain(b'0'..=b'9').map(class).collect();
        let distinct: std::collections::BTreeSet<_> = alphanumerics.iter().collect();
        assert_eq!(distinct.len(), alphanumerics.len());
    }
}
