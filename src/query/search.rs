//! Full-text search over all kinds, ranked by how well a text of the record matches.
//!
//! Three stages, each run only if those before found too few: texts that begin with the phrase, texts that contain all
//! words, and words with spelling mistakes.

use std::cmp::Reverse;

use roaring::RoaringBitmap;

use crate::graph::View;
use crate::model::entity::{EntityId, Kind};
use crate::model::field::Field;
use crate::model::repo_url::RepoUrl;
use crate::query::relevance::{Rated, WHOLE, best_beginning, best_text};
use crate::query::spelling::Similar;
use crate::query::text::Part;
use crate::query::top_k::Least;

/// One search result.
///
/// ```
/// use clade::query::search;
///
/// let cart = clade::CreateProject::new("cart", "Shopping cart");
/// let view = clade::Directory::in_memory()?.apply(cart)?.view;
/// let hit = |text| search(&view, text, &[], None, 10).remove(0);
/// assert_eq!((hit("cart").matched.as_str(), hit("cart").score), ("cart", 1.0), "the whole project id");
/// assert_eq!((hit("shop").matched.as_str(), hit("shop").score), ("Shopping cart", 0.75), "a beginning");
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The record that was found.
    pub id: EntityId,
    /// The score from 0 to 1; greater is better.
    pub score: f32,
    /// The text that matched.
    pub matched: String,
}

/// Returns the `first` best matches for `text` among `kinds` (all if empty), limited to descendants of `within` if
/// that is `Some`. Case-insensitive.
///
/// Whole texts rank before beginnings, these before beginnings of words, these before other matches. Words that do not
/// occur as one phrase must each occur in some text of the record; they score half. A repository is found by its url in
/// any spelling. Equal scores are ordered by length of the text, shortest first, then by creation.
///
/// If that finds too few, records with one or two spelling differences come last.
#[must_use]
pub fn search(view: &View, text: &str, kinds: &[Kind], within: Option<EntityId>, first: usize) -> Vec<Hit> {
    let Some(wanted) = SearchTerms::new(text) else { return Vec::new() };
    let scope = SearchScope::new(view, kinds, within);
    let all = scope.all_records();
    // Nothing outranks a beginning or a whole url, so a page full of these is final and the slower stages are skipped.
    let mut beginning = view.candidates_starting(wanted.phrase.bare(), &all);
    beginning.extend(wanted.at_url(view));
    let mut found = scope.best(&beginning, first, |id, kind, texts| {
        wanted.rate_url(view, id, kind).or_else(|| best_beginning(texts, kind, &wanted.phrase))
    });
    if found.len() < first {
        // Starts over: this stage also finds all that the first one found, with the same scores.
        found = scope.best(&wanted.candidates(view, &all), first, |id, kind, texts| {
            wanted.rate(view, id, kind, texts)
        });
    }
    if found.len() < first
        && let Some(similar) = Similar::new(view, &wanted.words, &all)
    {
        let mut rest = similar.candidates;
        // What was found exactly must not come a second time as a misspelling.
        for found in &found {
            rest.remove(found.id.0);
        }
        let more = scope.best(&rest, first - found.len(), |_, kind, texts| similar.words.rate(texts, kind));
        found.extend(more);
    }
    found.into_iter().filter_map(|found| found.into_hit(view)).collect()
}

/// The kinds and the subtree that are searched.
struct SearchScope<'v> {
    view: &'v View,
    kinds: Vec<Kind>,
    within: Option<EntityId>,
}

impl<'v> SearchScope<'v> {
    fn new(view: &'v View, kinds: &[Kind], within: Option<EntityId>) -> Self {
        let is_wanted = |kind: &Kind| kinds.is_empty() || kinds.contains(kind);
        Self { view, kinds: Kind::ALL.into_iter().filter(is_wanted).collect(), within }
    }

    fn of_kind(&self, kind: Kind) -> &'v RoaringBitmap {
        self.within.map_or_else(|| self.view.all(kind), |unit| self.view.below(unit, kind))
    }

    fn all_records(&self) -> RoaringBitmap {
        self.kinds.iter().fold(RoaringBitmap::new(), |all, kind| all | self.of_kind(*kind))
    }

    /// The `first` best candidates in this scope, scored by `rate`; `None` from `rate` leaves a record out.
    fn best(
        &self,
        candidates: &RoaringBitmap,
        first: usize,
        rate: impl Fn(EntityId, Kind, &str) -> Option<Rated>,
    ) -> Vec<RankedHit> {
        let view = self.view;
        let mut best = Least::new(first, RankedHit::cmp);
        for kind in &self.kinds {
            view.for_each_text(&(candidates & self.of_kind(*kind)), |id, texts| {
                if let Some(Rated { points, field, length }) = rate(id, *kind, texts) {
                    best.push(RankedHit { points: Reverse(points), length, id, field });
                }
            });
        }
        best.into_sorted()
    }
}

/// A scored record. The derived order puts the best one first: points, then length, then id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct RankedHit {
    points: Reverse<u16>,
    length: usize,
    id: EntityId,
    field: usize,
}

impl RankedHit {
    fn into_hit(self, view: &View) -> Option<Hit> {
        let entity = view.entity(self.id)?;
        let matched = entity.kind().texts().get(self.field)?.text(entity)?.to_owned();
        Some(Hit { id: self.id, score: f32::from(self.points.0) / f32::from(WHOLE), matched })
    }
}

/// The parsed search text.
struct SearchTerms {
    phrase: Part,
    words: Vec<Part>,
    /// The normalized url, if the text is one.
    url: Option<String>,
}

impl SearchTerms {
    /// `None` if the text is blank.
    fn new(text: &str) -> Option<Self> {
        let phrase = Part::new(text.trim());
        let words: Vec<_> = phrase.bare().split_whitespace().map(Part::new).collect();
        // Any word would parse as a url, so only a text that looks like one is tried.
        let url = if text.contains(['/', ':']) {
            RepoUrl::parse(text).ok().map(|url| url.normalized())
        } else {
            None
        };
        (!words.is_empty()).then_some(Self { phrase, words, url })
    }

    /// The records of `all` that may contain all words, and those at the url.
    fn candidates(&self, view: &View, all: &RoaringBitmap) -> RoaringBitmap {
        let mut candidates = all.clone();
        for word in &self.words {
            candidates = view.candidates_containing(word.bare(), &candidates).all();
        }
        candidates.extend(self.at_url(view));
        candidates
    }

    /// The repositories with the url.
    fn at_url(&self, view: &View) -> impl Iterator<Item = u32> {
        let url = self.url.as_deref().and_then(|url| RepoUrl::parse(url).ok());
        url.map(|url| view.repositories_at(&url)).unwrap_or_default().into_iter().map(|id| id.0)
    }

    /// Scores a record: the better one of the phrase in one text and each word in some text.
    fn rate(&self, view: &View, id: EntityId, kind: Kind, texts: &str) -> Option<Rated> {
        let phrase = self.rate_phrase(view, id, kind, texts);
        let words = if self.words.len() > 1 { self.rate_words(kind, texts) } else { None };
        match (phrase, words) {
            (Some(phrase), Some(words)) if words.points > phrase.points => Some(words),
            (Some(phrase), _) => Some(phrase),
            (None, words) => words,
        }
    }

    fn rate_phrase(&self, view: &View, id: EntityId, kind: Kind, texts: &str) -> Option<Rated> {
        self.rate_url(view, id, kind).or_else(|| best_text(texts, kind, &self.phrase))
    }

    /// Scores a repository whose whole url is the one that is searched for, in any spelling.
    fn rate_url(&self, view: &View, id: EntityId, kind: Kind) -> Option<Rated> {
        if let (Kind::Repository, Some(wanted)) = (kind, &self.url) {
            let entity = view.entity(id)?;
            let own = entity.as_repository()?.url.as_ref();
            if own.is_some_and(|own| own.normalized() == *wanted) {
                let field = kind.texts().iter().position(|field| *field == Field::Url)?;
                return Some(Rated { points: WHOLE, field, length: wanted.len() });
            }
        }
        None
    }

    /// Half the average points of the words; the text is that of the best word.
    fn rate_words(&self, kind: Kind, texts: &str) -> Option<Rated> {
        let (mut sum, mut count) = (0_u32, 0_u32);
        let mut best: Option<Rated> = None;
        for word in &self.words {
            let found = best_text(texts, kind, word)?;
            sum += u32::from(found.points);
            count += 1;
            if best.as_ref().is_none_or(|best| found.points > best.points) {
                best = Some(found);
            }
        }
        let points = sum.checked_div(count * 2).and_then(|points| u16::try_from(points).ok())?;
        best.map(|best| Rated { points, ..best })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whitespace_alone_searches_for_nothing() {
        assert!(SearchTerms::new(" \t ").is_none());
    }
}
