//! Relevance scores of search: how well a pattern matches the texts of a record, by its position in them.
//!
//! Invariant: a whole text scores above a beginning, that above the beginning of a word, and that above any other
//! match.

use std::cmp::Reverse;

use crate::graph::SEPARATOR;
use crate::model::entity::Kind;
use crate::model::field::Field;
use crate::query::text::Part;

/// Points for a match of the whole text, its beginning, the beginning of a word in it, and anywhere else.
pub(super) const WHOLE: u16 = 1000;
const BEGINNING: u16 = 750;
const WORD: u16 = 500;
const MIDDLE: u16 = 250;

/// The score of a record, and the text that matched.
pub(super) struct Rated {
    pub(super) points: u16,
    /// The index of the text in [`Kind::texts`].
    pub(super) field: usize,
    /// The length of the text in bytes.
    pub(super) length: usize,
}

/// The text of a record that `part` matches best, the shortest one of equals. The owner's texts of a project are left
/// out.
pub(super) fn best_text(texts: &str, kind: Kind, part: &Part) -> Option<Rated> {
    // One scan over all texts rejects most candidates before they are split.
    part.find_in(texts)?;
    own_texts(texts, kind)
        .filter_map(|(field, text)| Some(Rated { points: closeness(text, part)?, field, length: text.len() }))
        .max_by_key(|rated| (rated.points, Reverse(rated.length)))
}

/// The shortest text of a record that begins with `part`.
pub(super) fn best_beginning(texts: &str, kind: Kind, part: &Part) -> Option<Rated> {
    let beginning = own_texts(texts, kind).filter(|(_, text)| part.begins(text));
    let (field, text) = beginning.max_by_key(|(_, text)| Reverse(text.len()))?;
    let points = if text.len() == part.bare().len() { WHOLE } else { BEGINNING };
    Some(Rated { points, field, length: text.len() })
}

/// The texts that search compares, each with its index in [`Kind::texts`].
// The texts of a project's owner come last in `Kind::texts`, so cutting there leaves out all three.
pub(super) fn own_texts(texts: &str, kind: Kind) -> impl Iterator<Item = (usize, &str)> {
    let own = kind.texts().iter().take_while(|field| **field != Field::OwnerEmail).count();
    texts.split(SEPARATOR).enumerate().take(own)
}

/// The points of `part` in the bare `text`; `None` if it does not occur.
fn closeness(text: &str, part: &Part) -> Option<u16> {
    let begins_word = |at: usize| text[..at].chars().next_back().is_some_and(|c| !c.is_alphanumeric());
    let mut at = part.find_in(text)?;
    if at == 0 {
        return Some(if text.len() == part.bare().len() { WHOLE } else { BEGINNING });
    }
    // The first occurrence may be inside a word and a later one at the beginning of a word, so all are tried.
    loop {
        if begins_word(at) {
            return Some(WORD);
        }
        // One character on rather than past the match, since occurrences may overlap.
        let next = at + text[at..].chars().next().map_or(1, char::len_utf8);
        match text.get(next..).and_then(|rest| part.find_in(rest)) {
            Some(further) => at = next + further,
            None => return Some(MIDDLE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_scores_above_beginning_above_word_above_middle() {
        let closeness = |text, part| super::closeness(text, &Part::new(part));
        assert_eq!(closeness("checkout", "Checkout"), Some(WHOLE));
        assert_eq!(closeness("checkout api", "check"), Some(BEGINNING));
        assert_eq!(closeness("web-checkout", "check"), Some(WORD));
        assert_eq!(closeness("recheck the check", "check"), Some(WORD));
        assert_eq!(closeness("büro recheck", "check"), Some(MIDDLE));
        assert_eq!(closeness("web", "check"), None);
    }
}
