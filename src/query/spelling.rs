//! Fuzzy matching for search: words with one or two typos (a letter too many, missing or wrong, or two exchanged).
//!
//! Invariant: the cost does not grow with the directory. Records that share the most trigrams with the words are
//! compared first, and at most [`CANDIDATES_MAX`] of them.

use roaring::RoaringBitmap;

use crate::graph::View;
use crate::model::entity::Kind;
use crate::query::relevance::{Rated, own_texts};
use crate::query::text::Part;

/// Maximum number of records whose texts are compared.
const CANDIDATES_MAX: u64 = 4_000;
/// Minimum length for one edit; shorter words must match exactly.
// One edit in a word of three letters matches almost anything.
const ONE_EDIT_LENGTH_MIN: usize = 4;
/// Minimum length for two edits.
const TWO_EDITS_LENGTH_MIN: usize = 8;
/// Maximum length of a word for edits; longer words must match exactly.
// Bounds the row of the distance matrix, which is on the stack, and the number of trigram sets per word.
const LENGTH_MAX: usize = 32;
/// Points by number of edits, from 0. Even 0 edits get less than a phrase that is found exactly (at least 250).
const POINTS: [u16; 3] = [200, 150, 100];

/// The records that may contain similar words, and the words.
pub(super) struct Similar {
    pub(super) candidates: RoaringBitmap,
    pub(super) words: SpelledWords,
}

/// The words as characters.
pub(super) struct SpelledWords(Vec<Vec<char>>);

impl Similar {
    /// Finds candidates among `scope`. `None` if every word is too short or too long for edits.
    pub(super) fn new(view: &View, words: &[Part], scope: &RoaringBitmap) -> Option<Self> {
        let letters = SpelledWords(words.iter().map(|word| word.bare().chars().collect()).collect());
        if letters.0.iter().all(|word| edits_allowed(word.len()) == 0) {
            return None;
        }
        let mut candidates: Option<RoaringBitmap> = None;
        for (word, letters) in words.iter().zip(&letters.0) {
            let near = if edits_allowed(letters.len()) == 0 {
                view.candidates_containing(word.bare(), scope).all()
            } else {
                // An edit changes up to three or four trigrams of a word, so no single one may be required. The
                // records that share most of them come first.
                sharing_most(&view.trigrams(word.bare(), scope))
            };
            candidates = Some(match candidates {
                None => near,
                Some(all) => all & near,
            });
        }
        Some(Self { candidates: candidates.unwrap_or_default(), words: letters })
    }
}

/// The ids that are in most of the sets, about [`CANDIDATES_MAX`] at most.
// Counts with bitmaps, one per count: for n sets n²/2 intersections of whole bitmaps, not a counter per record.
fn sharing_most(sets: &[RoaringBitmap]) -> RoaringBitmap {
    // `shared[n]` contains the ids that are in more than `n` of the sets seen so far.
    let mut shared: Vec<RoaringBitmap> = Vec::with_capacity(sets.len());
    for set in sets {
        shared.push(RoaringBitmap::new());
        // Downwards, so that each level still reads the one below it without the current set.
        for n in (1..shared.len()).rev() {
            let more = &shared[n - 1] & set;
            shared[n] |= more;
        }
        shared[0] |= set;
    }
    let mut most = RoaringBitmap::new();
    for set in shared.into_iter().rev() {
        let remaining = CANDIDATES_MAX.saturating_sub(most.len());
        if remaining == 0 {
            break;
        }
        most.extend((set - &most).into_iter().take(usize::try_from(remaining).unwrap_or(usize::MAX)));
    }
    most
}

impl SpelledWords {
    /// Scores a record that contains something similar to every word; the matched text is that of the nearest word.
    pub(super) fn rate(&self, texts: &str, kind: Kind) -> Option<Rated> {
        let (mut worst, mut best) = (0, None);
        for word in &self.0 {
            let nearest = own_texts(texts, kind)
                .filter_map(|(field, text)| Some((edits_in(text, word)?, text.len(), field)))
                .min()?;
            worst = worst.max(nearest.0);
            best = Some(best.map_or(nearest, |best| nearest.min(best)));
        }
        let (_, length, field) = best?;
        Some(Rated { points: *POINTS.get(worst)?, field, length })
    }
}

fn edits_allowed(length: usize) -> usize {
    match length {
        TWO_EDITS_LENGTH_MIN..=LENGTH_MAX => 2,
        ONE_EDIT_LENGTH_MIN..TWO_EDITS_LENGTH_MIN => 1,
        _ => 0,
    }
}

/// The number of edits between `word` and the nearest beginning of a word of the bare `text`; `None` if there are too
/// many.
fn edits_in(text: &str, word: &[char]) -> Option<usize> {
    let allowed = edits_allowed(word.len());
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|other| !other.is_empty());
    words.filter_map(|other| edits_at_start(other, word, allowed)).min()
}

/// The optimal string alignment distance between `word` and its nearest prefix of `other`; `None` if it is more than
/// `allowed`.
// Prefixes, because users type the beginning of a word.
fn edits_at_start(other: &str, word: &[char], allowed: usize) -> Option<usize> {
    if word.len() > LENGTH_MAX {
        return None;
    }
    // One row of the distance matrix: the distances of a prefix of `other` to every prefix of `word`. Exchanged
    // letters need the two rows above.
    let mut row: [usize; LENGTH_MAX + 1] = std::array::from_fn(|at| at);
    let mut above = row;
    let mut nearest = row[word.len()];
    let mut previous = None;
    // A longer prefix of `other` differs by more than `allowed` letters in length alone.
    for (length, letter) in other.chars().enumerate().take(word.len() + allowed) {
        let above_that = std::mem::replace(&mut above, row);
        row[0] = length + 1;
        for at in 1..=word.len() {
            let differs = usize::from(word[at - 1] != letter);
            row[at] = (above[at] + 1).min(row[at - 1] + 1).min(above[at - 1] + differs);
            let exchanged = at > 1 && previous == Some(word[at - 1]) && word[at - 2] == letter;
            if exchanged {
                row[at] = row[at].min(above_that[at - 2] + 1);
            }
        }
        nearest = nearest.min(row[word.len()]);
        previous = Some(letter);
    }
    (nearest <= allowed).then_some(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_or_two_edits_are_allowed() {
        let edits = |text: &str, word: &str| edits_in(text, &word.chars().collect::<Vec<_>>());
        assert_eq!(edits("web checkout", "chekcout"), Some(1));
        assert_eq!(edits("web checkout", "chckout"), Some(1));
        assert_eq!(edits("checkout api", "chexkput"), Some(2));
        assert_eq!(edits("checkout", "chekou"), Some(1), "the beginning of a word is enough");
        assert_eq!(edits("büro nord", "buro"), Some(1));
        assert_eq!(edits("web", "wbe"), None, "a short word must be spelled right");
        assert_eq!(edits("checkout", "billing"), None);
    }

    #[test]
    fn records_in_most_sets_come_first() {
        let sets = [[1, 2, 3], [2, 3, 4], [3, 4, 5]].map(RoaringBitmap::from);
        let most = sharing_most(&sets);
        assert_eq!(most.into_iter().collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    }
}
