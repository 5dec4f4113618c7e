//! Which entities a filter matches: cheap conditions first, texts read only of what those leave.
//!
//! Whatever the way taken, the answer is what testing each entity in sight by itself would give.

use std::borrow::Cow;

use roaring::RoaringBitmap;

use crate::graph::View;
use crate::model::entity::{EntityId, Kind};
use crate::model::key::{Email, ProjectId, RepoUrl, ServiceIdentifier, UnitKey};
use crate::model::reference::UnitRef;
use crate::query::filter::{Field, Filter, Relation, TextTest};
use crate::query::text::Matcher;

/// All entities of `kind` in sight that `filter` matches.
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

/// Parts of a text from this many bytes on narrow the candidates well.
const LOOKED_UP_FROM: usize = 3;

/// What it takes to evaluate a filter, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cost {
    Bitmaps,
    Lookups,
    Letters,
    Scan,
}

/// Evaluates filters over one kind. `among` narrows the question to some candidates, or to none but what is in
/// sight; the answer is always a part of it.
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
                Cow::Owned(&*self.candidates(among) - &*without)
            }
            Filter::Within(units) => Self::union(units, among, |unit| self.view.below(unit, self.kind)),
            Filter::DirectlyIn(units) => {
                Self::union(units, among, |unit| self.view.directly_below(unit, self.kind))
            }
            Filter::Text(field, test) => Cow::Owned(match self.indexed(*field, test) {
                Some(found) => found & &*self.candidates(among),
                None => Matcher::new(*field, test).pass(self.view, self.kind, &self.candidates(among)),
            }),
            Filter::AnyText(text) => self.any_text(text, among),
            Filter::Related(relation, condition) => Cow::Owned(self.related(*relation, condition, among)),
        }
    }

    fn candidates<'a>(self, among: Option<&'a RoaringBitmap>) -> Cow<'a, RoaringBitmap>
    where
        'v: 'a,
    {
        Cow::Borrowed(among.unwrap_or_else(|| self.view.all(self.kind)))
    }

    fn all_of(self, conditions: &[Filter], among: Option<&RoaringBitmap>) -> Cow<'v, RoaringBitmap> {
        let mut left: Option<Cow<'v, RoaringBitmap>> = None;
        for condition in self.cheap_first(conditions) {
            if matches!(condition, Filter::All) {
                continue;
            }
            let fewer = self.of(condition, left.as_deref().or(among));
            if fewer.is_empty() {
                return fewer;
            }
            left = Some(fewer);
        }
        left.unwrap_or_else(|| self.of(&Filter::All, among))
    }

    fn any_of(self, conditions: &[Filter], among: Option<&RoaringBitmap>) -> Cow<'v, RoaringBitmap> {
        if let [condition] = conditions {
            return self.of(condition, among);
        }
        let mut rest = self.candidates(among).into_owned();
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
            Filter::AnyText(part) if part.len() >= LOOKED_UP_FROM => Cost::Letters,
            Filter::Text(field, TextTest::Contains(part) | TextTest::StartsWith(part))
                if part.len() >= LOOKED_UP_FROM && self.kind.texts().contains(field) =>
            {
                Cost::Letters
            }
            Filter::Text(..) | Filter::AnyText(_) => Cost::Scan,
            Filter::Related(relation, part) if self.platform_test(*relation, part).is_some() => Cost::Bitmaps,
            Filter::Related(relation, part) => self.beside(*relation).cost(part).max(Cost::Lookups),
        }
    }

    pub(super) fn beside(self, relation: Relation) -> Self {
        Self { kind: relation.leads_to(), ..self }
    }

    fn union(
        units: &[EntityId],
        among: Option<&RoaringBitmap>,
        held: impl Fn(EntityId) -> Cow<'v, RoaringBitmap>,
    ) -> Cow<'v, RoaringBitmap> {
        match (units, among) {
            ([unit], None) => held(*unit),
            ([unit], Some(among)) => Cow::Owned(&*held(*unit) & among),
            (units, among) => {
                let mut union = RoaringBitmap::new();
                for unit in units {
                    union |= &*held(*unit);
                }
                if let Some(among) = among {
                    union &= among;
                }
                Cow::Owned(union)
            }
        }
    }

    /// A project is found by the texts of its repositories and services too: they are part of its record.
    fn any_text(self, text: &str, among: Option<&RoaringBitmap>) -> Cow<'v, RoaringBitmap> {
        let mut found = Matcher::any_contains(text).pass(self.view, self.kind, &self.candidates(among));
        if self.kind == Kind::Project {
            let condition = Filter::AnyText(text.to_owned());
            for relation in [Relation::Repository, Relation::Service] {
                let rest = &*self.candidates(among) - &found;
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

    /// The answer of an index, where there is one for this test.
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

    /// Keys trim what they are parsed from, which an exact comparison does not.
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

    /// Those with a neighbour that passes. Either the neighbours that pass are found and followed back, or,
    /// where that would read more texts, only the candidates' own neighbours are tested.
    fn related(self, relation: Relation, condition: &Filter, among: Option<&RoaringBitmap>) -> RoaringBitmap {
        let Some(back) = relation.reversed(self.kind) else { return RoaringBitmap::new() };
        let candidates = self.candidates(among);
        if let Some(test) = self.platform_test(relation, condition) {
            return self.on_platforms(test) & &*candidates;
        }
        let there = self.beside(relation);
        let would_scan = there.cost(condition) == Cost::Scan;
        let passing = if would_scan && candidates.len() < there.view.all(there.kind).len() {
            let near: RoaringBitmap =
                candidates.iter().flat_map(|id| self.neighbours(id, relation)).collect();
            there.of(condition, Some(&(near & there.view.all(there.kind))))
        } else {
            there.of(condition, None)
        };
        if passing.len() < candidates.len() {
            let found: RoaringBitmap = passing.iter().flat_map(|id| there.neighbours(id, back)).collect();
            found & &*candidates
        } else {
            let has_passing =
                |id: &u32| self.neighbours(*id, relation).iter().any(|id| passing.contains(*id));
            candidates.iter().filter(has_passing).collect()
        }
    }

    /// What is asked of the platform of a project's repositories, where nothing else is and an index can tell.
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
