//! Search over every kind at once, the best first.

use std::cmp::Reverse;

use crate::graph::View;
use crate::model::entity::{Entity, EntityId, Kind};
use crate::model::key::{RepoUrl, fold};
use crate::query::least::Least;
use crate::query::position::RecordKey;
use crate::query::text::{folded, own_texts};

/// Points for a whole text, its beginning, the beginning of a word in it, and its middle.
const WHOLE: u16 = 1000;
const BEGINNING: u16 = 750;
const WORD: u16 = 500;
const MIDDLE: u16 = 250;

/// One finding.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// What was found.
    pub id: EntityId,
    /// Greater is better, from 0 to 1.
    pub score: f32,
    /// The text that matched.
    pub matched: String,
}

/// The `first` best matches for `text` among `kinds` (all when empty), beneath `within` if given: whole texts
/// before beginnings before beginnings of words before the middle, without case. Words that stand apart must
/// each be found in some text of the record; they score half of what they would together. A url finds its
/// repositories however it is spelled. Of equal ones the shorter text comes first, then the lesser key.
#[must_use]
pub fn search(view: &View, text: &str, kinds: &[Kind], within: Option<EntityId>, first: usize) -> Vec<Hit> {
    let Some(wanted) = Wanted::new(text) else { return Vec::new() };
    let mut best = Least::new(first, |a: &Found<'_>, b: &Found<'_>| a.rank().cmp(&b.rank()));
    let mut buffer = String::new();
    for kind in Kind::ALL.into_iter().filter(|kind| kinds.is_empty() || kinds.contains(kind)) {
        let candidates = within.map_or_else(|| view.all(kind), |unit| view.below(unit, kind));
        for entity in candidates.iter().filter_map(|id| view.entity(EntityId(id))) {
            if let Some((points, matched)) = wanted.rate(entity, &mut buffer) {
                best.push(Found { id: entity.id, points, matched, key: RecordKey::of(view, entity) });
            }
        }
    }
    best.into_sorted().into_iter().map(Found::into_hit).collect()
}

struct Found<'v> {
    id: EntityId,
    points: u16,
    matched: &'v str,
    key: RecordKey<'v>,
}

impl<'v> Found<'v> {
    /// The best is the least.
    fn rank(&self) -> (Reverse<u16>, usize, &RecordKey<'v>) {
        (Reverse(self.points), self.matched.chars().count(), &self.key)
    }

    fn into_hit(self) -> Hit {
        let score = f32::from(self.points) / f32::from(WHOLE);
        Hit { id: self.id, score, matched: self.matched.to_owned() }
    }
}

/// What is searched for, folded.
struct Wanted {
    phrase: String,
    words: Vec<String>,
    /// As every spelling of it is compared.
    url: Option<String>,
}

impl Wanted {
    /// None where there is nothing to search for.
    fn new(text: &str) -> Option<Self> {
        let phrase = fold(text.trim()).into_owned();
        let words: Vec<_> = phrase.split_whitespace().map(str::to_owned).collect();
        let url = RepoUrl::parse(text).ok().filter(|_| text.contains(['/', ':']));
        let url = url.map(|url| url.normalized());
        (!words.is_empty()).then_some(Self { phrase, words, url })
    }

    /// The points of an entity, and the text that got them.
    fn rate<'e>(&self, entity: &'e Entity, buffer: &mut String) -> Option<(u16, &'e str)> {
        let own_url = entity.as_repository().and_then(|repository| repository.url.as_ref());
        if let (Some(own), Some(wanted)) = (own_url, &self.url)
            && own.normalized() == *wanted
        {
            return Some((WHOLE, own.as_str()));
        }
        let together = best_text(entity, &self.phrase, buffer);
        let apart = if self.words.len() > 1 { self.rate_apart(entity, buffer) } else { None };
        match (together, apart) {
            (Some(together), Some(apart)) => Some(if apart.0 > together.0 { apart } else { together }),
            (together, apart) => together.or(apart),
        }
    }

    /// Half of what the words get on average; the text is that of the word that got most.
    fn rate_apart<'e>(&self, entity: &'e Entity, buffer: &mut String) -> Option<(u16, &'e str)> {
        let (mut sum, mut count, mut best) = (0_u32, 0_u32, (0, ""));
        for word in &self.words {
            let found = best_text(entity, word, buffer)?;
            sum += u32::from(found.0);
            count += 1;
            if found.0 > best.0 {
                best = found;
            }
        }
        let points = sum.checked_div(count * 2).and_then(|points| u16::try_from(points).ok())?;
        Some((points, best.1))
    }
}

/// The text of an entity that `part` fits best, the shortest of equals.
fn best_text<'e>(entity: &'e Entity, part: &str, buffer: &mut String) -> Option<(u16, &'e str)> {
    own_texts(entity)
        .filter_map(|text| Some((closeness(folded(text, buffer), part)?, text)))
        .max_by_key(|(points, text)| (*points, Reverse(text.len())))
}

/// How well `part` fits `text`, both folded.
fn closeness(text: &str, part: &str) -> Option<u16> {
    let begins_word = |at: usize| text[..at].chars().next_back().is_some_and(|c| !c.is_alphanumeric());
    match text.find(part)? {
        0 if text.len() == part.len() => Some(WHOLE),
        0 => Some(BEGINNING),
        _ if text.match_indices(part).any(|(at, _)| begins_word(at)) => Some(WORD),
        _ => Some(MIDDLE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_before_beginning_before_word_before_middle() {
        assert_eq!(closeness("checkout", "checkout"), Some(WHOLE));
        assert_eq!(closeness("checkout api", "check"), Some(BEGINNING));
        assert_eq!(closeness("web-checkout", "check"), Some(WORD));
        assert_eq!(closeness("recheck the check", "check"), Some(WORD));
        assert_eq!(closeness("recheck", "check"), Some(MIDDLE));
        assert_eq!(closeness("web", "check"), None);
    }

    #[test]
    fn nothing_is_searched_for_by_spaces() {
        assert!(Wanted::new(" \t ").is_none());
    }
}
