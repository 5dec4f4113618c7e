//! Search over every kind at once, the best first.

use std::borrow::Cow;
use std::cmp::Reverse;

use roaring::RoaringBitmap;

use crate::graph::View;
use crate::model::entity::{EntityId, Kind};
use crate::model::field::Field;
use crate::model::key::RepoUrl;
use crate::query::relevance::{Rated, WHOLE, best_beginning, best_text};
use crate::query::spelling::Similar;
use crate::query::text::Part;
use crate::query::top_k::Least;

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
/// repositories however it is spelled. Of equal ones the shorter text comes first, then the earlier record.
///
/// Where that finds too few, what differs by a letter or two comes last.
#[must_use]
pub fn search(view: &View, text: &str, kinds: &[Kind], within: Option<EntityId>, first: usize) -> Vec<Hit> {
    let Some(wanted) = SearchTerms::new(text) else { return Vec::new() };
    let scope = SearchScope::new(view, kinds, within);
    let mut found = Vec::new();
    if let Some(mut beginning) = view.may_start(wanted.phrase.folded()) {
        // Nothing but a beginning or a whole url is worth as much, so a page full of them is the best there is.
        beginning.extend(wanted.at_url(view));
        found = scope.best(&beginning, first, |id, kind, texts| {
            wanted.rate_url(view, id, kind).or_else(|| best_beginning(texts, kind, &wanted.phrase))
        });
    }
    if found.len() < first {
        found =
            scope.best(&wanted.candidates(view), first, |id, kind, texts| wanted.rate(view, id, kind, texts));
    }
    if found.len() < first
        && let Some(similar) = Similar::new(view, &wanted.words, &scope.everyone())
    {
        let mut rest = similar.candidates;
        for found in &found {
            rest.remove(found.id.0);
        }
        let more = scope.best(&rest, first - found.len(), |_, kind, texts| similar.words.rate(texts, kind));
        found.extend(more);
    }
    found.into_iter().filter_map(|found| found.into_hit(view)).collect()
}

/// What is searched among.
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

    fn of_kind(&self, kind: Kind) -> Cow<'v, RoaringBitmap> {
        self.within.map_or_else(|| Cow::Borrowed(self.view.all(kind)), |unit| self.view.below(unit, kind))
    }

    fn everyone(&self) -> RoaringBitmap {
        self.kinds.iter().fold(RoaringBitmap::new(), |all, kind| all | &*self.of_kind(*kind))
    }

    /// The `first` best of the candidates in this scope, by what `rate` gives.
    fn best(
        &self,
        candidates: &RoaringBitmap,
        first: usize,
        rate: impl Fn(EntityId, Kind, &str) -> Option<Rated>,
    ) -> Vec<RankedHit> {
        let view = self.view;
        let mut best = Least::new(first, RankedHit::cmp);
        for kind in &self.kinds {
            view.each_texts(&(candidates & &*self.of_kind(*kind)), |id, texts| {
                if let Some(Rated { points, field, length }) = rate(id, *kind, texts) {
                    best.push(RankedHit { points: Reverse(points), length, id, field });
                }
            });
        }
        best.into_sorted()
    }
}

/// The best is the least.
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

/// What is searched for.
struct SearchTerms {
    phrase: Part,
    words: Vec<Part>,
    /// Normalised.
    url: Option<String>,
}

impl SearchTerms {
    /// None where there is nothing to search for.
    fn new(text: &str) -> Option<Self> {
        let phrase = Part::new(text.trim());
        let words: Vec<_> = phrase.folded().split_whitespace().map(Part::new).collect();
        let url = if text.contains(['/', ':']) {
            RepoUrl::parse(text).ok().map(|url| url.normalized())
        } else {
            None
        };
        (!words.is_empty()).then_some(Self { phrase, words, url })
    }

    /// Everyone who may have all the words, or is at the url.
    fn candidates(&self, view: &View) -> RoaringBitmap {
        let mut left: Option<RoaringBitmap> = None;
        for likely in self.words.iter().filter_map(|word| view.may_contain(word.folded())) {
            left = Some(match left {
                None => likely.ids,
                Some(left) => left & likely.ids,
            });
        }
        let mut candidates = left.unwrap_or_else(|| {
            Kind::ALL.into_iter().fold(RoaringBitmap::new(), |all, kind| all | view.all(kind))
        });
        candidates.extend(self.at_url(view));
        candidates
    }

    /// The repositories at the url.
    fn at_url(&self, view: &View) -> impl Iterator<Item = u32> {
        let url = self.url.as_deref().and_then(|url| RepoUrl::parse(url).ok());
        url.map(|url| view.repositories_at(&url)).unwrap_or_default().into_iter().map(|id| id.0)
    }

    /// How well a record fits: with all the words in one text, or each in some text.
    fn rate(&self, view: &View, id: EntityId, kind: Kind, texts: &str) -> Option<Rated> {
        let together = self.rate_together(view, id, kind, texts);
        let apart = if self.words.len() > 1 { self.rate_apart(kind, texts) } else { None };
        match (together, apart) {
            (Some(together), Some(apart)) if apart.points > together.points => Some(apart),
            (Some(together), _) => Some(together),
            (None, apart) => apart,
        }
    }

    fn rate_together(&self, view: &View, id: EntityId, kind: Kind, texts: &str) -> Option<Rated> {
        self.rate_url(view, id, kind).or_else(|| best_text(texts, kind, &self.phrase))
    }

    /// The whole of a repository's url, however it is spelled.
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

    /// Half of what the words get on average; the text is that of the word that got most.
    fn rate_apart(&self, kind: Kind, texts: &str) -> Option<Rated> {
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
    fn nothing_is_searched_for_by_spaces() {
        assert!(SearchTerms::new(" \t ").is_none());
    }
}
