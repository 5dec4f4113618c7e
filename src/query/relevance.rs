//! How well a text that is searched for fits the texts of a record, by where it stands in them.
//!
//! What must stay true: a whole text counts more than a beginning, that more than the beginning of a word, and that more
//! than the middle.

use std::cmp::Reverse;

use crate::graph::SEPARATOR;
use crate::model::entity::Kind;
use crate::model::field::Field;
use crate::query::text::Part;

/// Points for a whole text, its beginning, the beginning of a word in it, and its middle.
pub(super) const WHOLE: u16 = 1000;
const BEGINNING: u16 = 750;
const WORD: u16 = 500;
const MIDDLE: u16 = 250;

/// How well a record fits, and by which of its texts.
pub(super) struct Rated {
    pub(super) points: u16,
    /// Its place in [`Kind::texts`].
    pub(super) field: usize,
    /// The bytes of the text.
    pub(super) length: usize,
}

/// The text of a record that `part` fits best, the shortest of equals. A project is not found by its owner.
pub(super) fn best_text(texts: &str, kind: Kind, part: &Part) -> Option<Rated> {
    part.place_in(texts)?;
    own_texts(texts, kind)
        .filter_map(|(field, text)| Some(Rated { points: closeness(text, part)?, field, length: text.len() }))
        .max_by_key(|rated| (rated.points, Reverse(rated.length)))
}

/// The shortest text of a record that begins with `part`.
pub(super) fn best_beginning(texts: &str, kind: Kind, part: &Part) -> Option<Rated> {
    let begun = own_texts(texts, kind).filter(|(_, text)| part.begins(text));
    let (field, text) = begun.max_by_key(|(_, text)| Reverse(text.len()))?;
    let points = if text.len() == part.folded().len() { WHOLE } else { BEGINNING };
    Some(Rated { points, field, length: text.len() })
}

/// The texts that search looks at, each with its place in [`Kind::texts`].
pub(super) fn own_texts(texts: &str, kind: Kind) -> impl Iterator<Item = (usize, &str)> {
    let own = kind.texts().iter().take_while(|field| **field != Field::OwnerEmail).count();
    texts.split(SEPARATOR).enumerate().take(own)
}

/// How well `part` fits `text`, which is folded.
fn closeness(text: &str, part: &Part) -> Option<u16> {
    let begins_word = |at: usize| text[..at].chars().next_back().is_some_and(|c| !c.is_alphanumeric());
    let mut at = part.place_in(text)?;
    if at == 0 {
        return Some(if text.len() == part.folded().len() { WHOLE } else { BEGINNING });
    }
    loop {
        if begins_word(at) {
            return Some(WORD);
        }
        let next = at + text[at..].chars().next().map_or(1, char::len_utf8);
        match text.get(next..).and_then(|rest| part.place_in(rest)) {
            Some(further) => at = next + further,
            None => return Some(MIDDLE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_before_beginning_before_word_before_middle() {
        let closeness = |text, part| super::closeness(text, &Part::new(part));
        assert_eq!(closeness("checkout", "Checkout"), Some(WHOLE));
        assert_eq!(closeness("checkout api", "check"), Some(BEGINNING));
        assert_eq!(closeness("web-checkout", "check"), Some(WORD));
        assert_eq!(closeness("recheck the check", "check"), Some(WORD));
        assert_eq!(closeness("büro recheck", "check"), Some(MIDDLE));
        assert_eq!(closeness("web", "check"), None);
    }
}
