//! Words with a letter too many, too few, another one, or two exchanged.
//!
//! What must stay true: looking for them costs no more when there is more to look at. Those who share most letters
//! in a row with the words are looked at first, and at most [`LOOKED_AT_MAX`] are.

use roaring::RoaringBitmap;

use crate::graph::View;
use crate::model::entity::Kind;
use crate::query::relevance::{Rated, own_texts};
use crate::query::text::Part;

/// At most so many records are looked at.
const LOOKED_AT_MAX: u64 = 4_000;
/// Shorter words must be spelled as they are.
const ONE_EDIT_FROM: usize = 4;
/// Words from this length on may differ by two letters.
const TWO_EDITS_FROM: usize = 8;
/// Longer words must be spelled as they are.
const LENGTH_MAX: usize = 32;
/// Points for a word that differs by this many letters, from none.
const POINTS: [u16; 3] = [200, 150, 100];

/// Who may have words like these, and the words.
pub(super) struct Similar {
    pub(super) candidates: RoaringBitmap,
    pub(super) words: SpelledWords,
}

/// Words as their letters.
pub(super) struct SpelledWords(Vec<Vec<char>>);

impl Similar {
    /// Among `everyone`. None where every word is too short or too long to be anything but what it is.
    pub(super) fn new(view: &View, words: &[Part], everyone: &RoaringBitmap) -> Option<Self> {
        let letters = SpelledWords(words.iter().map(|word| word.folded().chars().collect()).collect());
        if letters.0.iter().all(|word| edits_allowed(word.len()) == 0) {
            return None;
        }
        let mut candidates: Option<RoaringBitmap> = None;
        for (word, letters) in words.iter().zip(&letters.0) {
            let near = if edits_allowed(letters.len()) == 0 {
                view.may_contain(word.folded()).map(|likely| likely.ids)
            } else {
                let sets = view.trigrams(word.folded());
                Some(sharing_most(&sets.into_iter().map(|ids| ids & everyone).collect::<Vec<_>>()))
            };
            if let Some(near) = near {
                candidates = Some(candidates.map_or_else(|| near.clone(), |all| all & &near));
            }
        }
        Some(Self { candidates: candidates.unwrap_or_default(), words: letters })
    }
}

/// The numbers that stand in most of the sets, about [`LOOKED_AT_MAX`] at the most.
fn sharing_most(sets: &[RoaringBitmap]) -> RoaringBitmap {
    // In `shared[n]` are those that stand in more than `n` of the sets seen so far.
    let mut shared: Vec<RoaringBitmap> = Vec::with_capacity(sets.len());
    for set in sets {
        shared.push(RoaringBitmap::new());
        for n in (1..shared.len()).rev() {
            let more = &shared[n - 1] & set;
            shared[n] |= more;
        }
        shared[0] |= set;
    }
    let mut most = RoaringBitmap::new();
    for set in shared.into_iter().rev() {
        let room = LOOKED_AT_MAX.saturating_sub(most.len());
        if room == 0 {
            break;
        }
        most.extend((set - &most).into_iter().take(usize::try_from(room).unwrap_or(usize::MAX)));
    }
    most
}

impl SpelledWords {
    /// How well a record fits that has something like every word, by the text with the word that differs least.
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
        TWO_EDITS_FROM..=LENGTH_MAX => 2,
        ONE_EDIT_FROM..TWO_EDITS_FROM => 1,
        _ => 0,
    }
}

/// By how many letters the beginning of some word of `text`, folded, differs from `word`, if by few enough.
fn edits_in(text: &str, word: &[char]) -> Option<usize> {
    let allowed = edits_allowed(word.len());
    let begun = text.split(|c: char| !c.is_alphanumeric()).filter(|other| !other.is_empty());
    begun.filter_map(|other| edits_at_start(other, word, allowed)).min()
}

/// The optimal string alignment distance between `word` and the beginning of `other` that is nearest to it; none
/// when it is more than `allowed`.
fn edits_at_start(other: &str, word: &[char], allowed: usize) -> Option<usize> {
    if word.len() > LENGTH_MAX {
        return None;
    }
    // A row holds the distances of one beginning of `other` to every beginning of `word`.
    let mut row: [usize; LENGTH_MAX + 1] = std::array::from_fn(|at| at);
    let mut above = row;
    let mut nearest = row[word.len()];
    let mut previous = None;
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
    fn a_letter_or_two_may_differ() {
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
    fn those_who_share_most_come_first() {
        let sets = [[1, 2, 3], [2, 3, 4], [3, 4, 5]].map(RoaringBitmap::from);
        let most = sharing_most(&sets);
        assert_eq!(most.into_iter().collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    }
}
