//! Filter evaluation: from a filter to the bitmap of matching entities.
//!
//! Invariant: whatever the order of evaluation, the result is that of testing each visible entity by itself. Cheap
//! conditions run first, so that texts are compared only for what these leave.

use std::borrow::Cow;

use roaring::RoaringBitmap;

use crate::graph::View;
use crate::model::entity::{EntityId, Kind};
use crate::model::key::{Email, ProjectId, ServiceIdentifier, UnitKey};
use crate::model::reference::UnitRef;
use crate::model::repo_url::RepoUrl;
use crate::query::filter::{Field, Filter, Relation, TextTest};
use crate::query::text::Matcher;

/// All visible entities of `kind` that `filter` matches.
#[must_use]
pub fn select<'v>(view: &'v View, kind: Kind, filter: &Filter) -> Cow<'v, RoaringBitmap> {
    Selection { view, kind }.of(filter, None)
}

/// The neighbours of an entity along a relation.
pub(super) fn neighbours(view: &View, kind: Kind, id: EntityId, relation: Relation) -> Vec<EntityId> {
    match (kind, relation) {
        (Kind::Project, Relation::Member) => view.members(id),
        (Kind::Project, Relation::Repository) => view.assets(id, Kind::Repository),
        (Kind::Project, Relation::Service) => view.assets(id, Kind::Service),
        (Kind::Person, Relation::Project) => view.memberships(id),
        (Kind::Repository | Kind::Service, Relation::Project) => {
            view.entity(id).and_then(|asset| asset.owning_project()).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// Minimum length in bytes of a pattern that is looked up in the trigram index.
// A pattern of two bytes is the beginning of 64 trigrams. A single byte is not looked up.
const TRIGRAM_BYTES_MIN: usize = 2;
/// With this many candidates or fewer, a condition on their neighbours is evaluated for these alone.
const FEW_CANDIDATES: u64 = 1024;

/// The most expensive step in the evaluation of a filter, cheapest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cost {
    Bitmaps,
    Lookups,
    Trigrams,
    Scan,
}

/// Evaluates filters over one kind. `among` limits the result to these candidates; `None` means all visible entities.
/// The result is always a subset of them.
// `Cow`, since the most common results (all of a kind, one subtree) are bitmaps of the graph that need no copy.
#[derive(Clone, Copy)]
pub(super) struct Selection<'v> {
    pub(super) view: &'v View,
    pub(super) kind: Kind,
}

impl<'v> Selection<'v> {
    fn of(self, filter: &Filter, among: Option<&RoaringBitmap>) -> Cow<'v, RoaringBitmap> {
        match filter {
            Filter::All => match among {
                Some(among) => Cow::Owned(among.clone()),
                None => Cow::Borrowed(self.view.all(self.kind)),
            },
            Filter::And(conditions) => self.all_of(conditions, among),
            Filter::Or(conditions) => self.any_of(conditions, among),
            Filter::Not(condition) => {
                let without = self.of(condition, among);
                Cow::Owned(self.candidates(among) - &*without)
            }
            Filter::Within(units) => Self::union(units, among, |unit| self.view.below(unit, self.kind)),
            Filter::DirectlyIn(units) => {
                Self::union(units, among, |unit| self.view.directly_below(unit, self.kind))
            }
            Filter::Text(field, test) => Cow::Owned(match self.indexed(*field, test) {
                Some(found) => found & self.candidates(among),
                None => Matcher::new(*field, test).matching(self.view, self.kind, self.candidates(among)),
            }),
            Filter::AnyText(text) => self.any_text(text, among),
            Filter::Related(relation, condition) => Cow::Owned(self.related(*relation, condition, among)),
        }
    }

    fn candidates<'a>(self, among: Option<&'a RoaringBitmap>) -> &'a RoaringBitmap
    where
        'v: 'a,
    {
        among.unwrap_or_else(|| self.view.all(self.kind))
    }

    fn all_of(self, conditions: &[Filter], among: Option<&RoaringBitmap>) -> Cow<'v, RoaringBitmap> {
        // Each condition is evaluated only among what those before it left.
        let mut left: Option<Cow<'v, RoaringBitmap>> = None;
        for condition in self.cheap_first(conditions) {
            if matches!(condition, Filter::All) {
                continue;
            }
            let fewer = self.of(condition, left.as_deref().or(among));
            // Spares the more expensive conditions.
            if fewer.is_empty() {
                return fewer;
            }
            left = Some(fewer);
        }
        left.unwrap_or_else(|| self.of(&Filter::All, among))
    }

    fn any_of(self, conditions: &[Filter], among: Option<&RoaringBitmap>) -> Cow<'v, RoaringBitmap> {
        // `Filter::always_applied` produces these; there is nothing to unite.
        if let [condition] = conditions {
            return self.of(condition, among);
        }
        // What has matched one condition is not tested by the next ones.
        let mut rest = self.candidates(among).clone();
        let mut found = RoaringBitmap::new();
        for condition in self.cheap_first(conditions) {
            let more = self.of(condition, Some(&rest));
            rest -= &*more;
            found |= &*more;
        }
        Cow::Owned(found)
    }

    pub(super) fn cheap_first(self, conditions: &[Filter]) -> Vec<&Filter> {
        let mut conditions: Vec<_> = conditions.iter().collect();
        // Stable, and cached since `cost` walks the whole condition.
        conditions.sort_by_cached_key(|condition| self.cost(condition));
        conditions
    }

    pub(super) fn cost(self, filter: &Filter) -> Cost {
        match filter {
            Filter::All | Filter::Within(_) | Filter::DirectlyIn(_) => Cost::Bitmaps,
            Filter::And(parts) | Filter::Or(parts) => {
                parts.iter().map(|part| self.cost(part)).max().unwrap_or(Cost::Bitmaps)
            }
            Filter::Not(part) => self.cost(part),
            Filter::Text(field, test) if self.is_indexed(*field, test) => Cost::Lookups,
            Filter::AnyText(part) if part.len() >= TRIGRAM_BYTES_MIN => Cost::Trigrams,
            Filter::Text(field, TextTest::Contains(part) | TextTest::StartsWith(part))
                if part.len() >= TRIGRAM_BYTES_MIN && self.kind.texts().contains(field) =>
            {
                Cost::Trigrams
            }
            Filter::Text(..) | Filter::AnyText(_) => Cost::Scan,
            Filter::Related(relation, part) if self.platform_test(*relation, part).is_some() => Cost::Bitmaps,
            Filter::Related(relation, part) => self.over_neighbours(*relation).cost(part).max(Cost::Lookups),
        }
    }

    pub(super) fn over_neighbours(self, relation: Relation) -> Self {
        Self { kind: relation.leads_to(), ..self }
    }

    fn union(
        units: &[EntityId],
        among: Option<&RoaringBitmap>,
        set_of: impl Fn(EntityId) -> &'v RoaringBitmap,
    ) -> Cow<'v, RoaringBitmap> {
        match (units, among) {
            ([unit], None) => Cow::Borrowed(set_of(*unit)),
            ([unit], Some(among)) => Cow::Owned(set_of(*unit) & among),
            (units, among) => {
                let mut union = RoaringBitmap::new();
                for unit in units {
                    union |= set_of(*unit);
                }
                if let Some(among) = among {
                    union &= among;
                }
                Cow::Owned(union)
            }
        }
    }

    /// A project also matches by the texts of its repositories and services, which are part of its record in the APIs.
    fn any_text(self, text: &str, among: Option<&RoaringBitmap>) -> Cow<'v, RoaringBitmap> {
        let mut found = Matcher::any_contains(text).matching(self.view, self.kind, self.candidates(among));
        if self.kind == Kind::Project {
            let condition = Filter::AnyText(text.to_owned());
            for relation in [Relation::Repository, Relation::Service] {
                let rest = self.candidates(among) - &found;
                found |= self.related(relation, &condition, Some(&rest));
            }
        }
        Cow::Owned(found)
    }

    pub(super) fn is_indexed(self, field: Field, test: &TextTest) -> bool {
        let has_index = matches!(
            (self.kind, field),
            (Kind::OrgUnit, Field::Key)
                | (Kind::Person, Field::Email)
                | (Kind::Project, Field::ProjectId)
                | (Kind::Repository, Field::Url)
                | (Kind::Service, Field::Identifier)
        );
        has_index && matches!(test, TextTest::Eq(_) | TextTest::In(_))
    }

    /// The result from a hash index; `None` if there is none for this test.
    fn indexed(self, field: Field, test: &TextTest) -> Option<RoaringBitmap> {
        if !self.is_indexed(field, test) {
            return None;
        }
        let texts = match test {
            TextTest::Eq(wanted) => std::slice::from_ref(wanted),
            TextTest::In(wanted) => wanted,
            _ => return None,
        };
        Some(texts.iter().flat_map(|text| self.look_up(field, text)).map(|id| id.0).collect())
    }

    /// Looks up one text in the index of the field.
    // Parsing a key trims it, but an exact comparison does not, so a text with surrounding spaces matches nothing.
    // Emails and urls are normalized in either case.
    fn look_up(self, field: Field, text: &str) -> Vec<EntityId> {
        let is_exact = text.trim() == text;
        match field {
            Field::Email => Email::parse(text)
                .ok()
                .and_then(|email| self.view.person_by_email(&email))
                .into_iter()
                .collect(),
            Field::Url => RepoUrl::parse(text).map(|url| self.view.repositories_at(&url)).unwrap_or_default(),
            _ if !is_exact => Vec::new(),
            Field::Key => {
                let key = UnitKey::parse(text).ok();
                key.and_then(|key| self.view.find_unit(&UnitRef::Key(key)).ok()).into_iter().collect()
            }
            Field::ProjectId => {
                let id = ProjectId::parse(text).ok();
                id.and_then(|id| self.view.project_by_id(&id)).into_iter().collect()
            }
            Field::Identifier => {
                let identifier = ServiceIdentifier::parse(text);
                identifier.map(|identifier| self.view.services_called(&identifier)).unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }

    /// The entities with a neighbour that matches. Either the matching neighbours are found and followed back, or, if
    /// that would compare more texts, only the neighbours of the candidates are tested.
    fn related(self, relation: Relation, condition: &Filter, among: Option<&RoaringBitmap>) -> RoaringBitmap {
        let Some(back) = relation.reversed(self.kind) else { return RoaringBitmap::new() };
        let candidates = self.candidates(among);
        if let Some(test) = self.platform_test(relation, condition) {
            return self.on_platforms(test) & candidates;
        }
        let neighbours = self.over_neighbours(relation);
        let starts_from_candidates = match neighbours.cost(condition) {
            Cost::Bitmaps | Cost::Lookups => false,
            Cost::Trigrams => candidates.len() <= FEW_CANDIDATES,
            Cost::Scan => candidates.len() < neighbours.view.all(neighbours.kind).len(),
        };
        let passing = if starts_from_candidates {
            let near: RoaringBitmap =
                candidates.iter().flat_map(|id| self.neighbours(id, relation)).collect();
            neighbours.of(condition, Some(&(near & neighbours.view.all(neighbours.kind))))
        } else {
            neighbours.of(condition, None)
        };
        if self.kind == Kind::Project && matches!(relation, Relation::Repository | Relation::Service) {
            return self.view.projects_of(&passing) & candidates;
        }
        // Follows the edges from the smaller side.
        if passing.len() < candidates.len() {
            let mut found = RoaringBitmap::new();
            for id in passing.iter() {
                let is_project = neighbours.kind == Kind::Project && back == Relation::Member;
                match self.view.members_of_large(EntityId(id)).filter(|_| is_project) {
                    Some(members) => found |= members & candidates,
                    None => found.extend(neighbours.neighbours(id, back)),
                }
            }
            found & candidates
        } else {
            let has_passing =
                |id: &u32| self.neighbours(*id, relation).iter().any(|id| passing.contains(*id));
            candidates.iter().filter(has_passing).collect()
        }
    }

    /// The test of the platform, if the condition on a project's repositories is nothing else and the platform index
    /// can serve it.
    // `IsNull(true)` asks for repositories without a platform, which that index does not contain.
    pub(super) fn platform_test(self, relation: Relation, condition: &Filter) -> Option<&TextTest> {
        match (self.kind, relation, condition) {
            (Kind::Project, Relation::Repository, Filter::Text(Field::Platform, test))
                if *test != TextTest::IsNull(true) =>
            {
                Some(test)
            }
            _ => None,
        }
    }

    fn on_platforms(self, test: &TextTest) -> RoaringBitmap {
        let matcher = Matcher::new(Field::Platform, test);
        let platforms = self.view.projects_by_platform().filter(|(name, _)| matcher.passes(Some(name)));
        platforms.fold(RoaringBitmap::new(), |all, (_, projects)| all | projects)
    }

    fn neighbours(self, id: u32, relation: Relation) -> Vec<u32> {
        neighbours(self.view, self.kind, EntityId(id), relation).into_iter().map(|id| id.0).collect()
    }
}
