//! Reference model of queries: scans every record.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use clade::model::Level;
use clade::model::text::{Collated, bare, fold};
use clade::query::{Bucket, FacetBy, Field, Filter, Order, OrderBy, Relation, TextTest};
use clade::{EntityId, Kind, View};

use super::plain_records::Plain;

/// The texts by which an untyped search finds a record.
const OWN: [Field; 9] = [
    Field::Key,
    Field::Name,
    Field::Email,
    Field::FirstName,
    Field::LastName,
    Field::DisplayName,
    Field::ProjectId,
    Field::Url,
    Field::Identifier,
];

/// The visible plain records: all of them, or a unit and its subtree.
pub(crate) struct Scan<'o> {
    pub(crate) plain: &'o Plain,
    seen: Vec<bool>,
}

impl<'o> Scan<'o> {
    pub(crate) fn new(plain: &'o Plain, scope: Option<usize>) -> Self {
        let is_seen = |at| scope.is_none_or(|scope| at == scope || plain.is_beneath(at, scope));
        let seen = (0..plain.records.len()).map(|at| !plain.records[at].has_ended && is_seen(at)).collect();
        Self { plain, seen }
    }

    pub(crate) fn all(&self, kind: Kind) -> impl Iterator<Item = usize> + '_ {
        self.plain.of_kind(kind).filter(|at| self.seen[*at])
    }

    fn neighbours(&self, at: usize, relation: Relation) -> impl Iterator<Item = usize> + '_ {
        self.plain.neighbours(at, relation).into_iter().filter(|other| self.seen[*other])
    }

    pub(crate) fn select(&self, kind: Kind, filter: &Filter) -> Vec<usize> {
        self.all(kind).filter(|at| self.passes(*at, filter)).collect()
    }

    fn passes(&self, at: usize, filter: &Filter) -> bool {
        let seen = |unit: &EntityId| Some(self.plain.place_of(*unit)).filter(|unit| self.seen[*unit]);
        match filter {
            Filter::All => true,
            Filter::And(filters) => filters.iter().all(|filter| self.passes(at, filter)),
            Filter::Or(filters) => filters.iter().any(|filter| self.passes(at, filter)),
            Filter::Not(filter) => !self.passes(at, filter),
            Filter::Within(units) => {
                units.iter().filter_map(seen).any(|unit| self.plain.is_beneath(at, unit))
            }
            Filter::DirectlyIn(units) => {
                units.iter().filter_map(seen).any(|unit| self.plain.above(at).contains(&unit))
            }
            Filter::Text(field, test) => text_passes(self.plain.text(at, *field), *field, test),
            Filter::AnyText(part) => {
                let part = bare(part);
                let owner = self.plain.text(at, Field::OwnerEmail);
                let mut assets = [Relation::Repository, Relation::Service]
                    .into_iter()
                    .flat_map(|relation| self.neighbours(at, relation));
                self.own(at).chain(owner).any(|text| bare(text).contains(&*part))
                    || assets.any(|asset| self.own(asset).any(|text| bare(text).contains(&*part)))
            }
            Filter::Related(relation, filter) => {
                self.neighbours(at, *relation).any(|other| self.passes(other, filter))
            }
        }
    }

    fn own(&self, at: usize) -> impl Iterator<Item = &str> {
        // What other systems call a record is its own, but not all kinds were given one.
        let fields = OWN.into_iter().chain([Field::ExternalId]);
        fields.filter_map(move |field| self.plain.text(at, field))
    }

    pub(crate) fn facet(&self, matches: &[usize], by: FacetBy) -> Vec<Bucket> {
        let mut counted: BTreeMap<String, Bucket> = BTreeMap::new();
        for at in matches {
            let mut values = self.values(*at, by);
            values.sort_unstable();
            values.dedup();
            for (is, value, unit) in values {
                let unit = unit.map(|unit| self.plain.records[unit].id);
                counted.entry(is).or_insert(Bucket { value, unit, count: 0 }).count += 1;
            }
        }
        let mut buckets: Vec<_> = counted.into_iter().collect();
        buckets.sort_by(|(key, bucket), (other_key, other)| {
            (Reverse(bucket.count), &bucket.value, key).cmp(&(Reverse(other.count), &other.value, other_key))
        });
        buckets.into_iter().map(|(_, bucket)| bucket).collect()
    }

    /// The values of a record in a dimension: key, label, unit.
    fn values(&self, at: usize, by: FacetBy) -> Vec<(String, String, Option<usize>)> {
        let of = |at: usize, field| {
            let text = self.plain.text(at, field)?;
            Some((text.to_owned(), text.to_owned(), None))
        };
        let related = |relation, field| {
            self.neighbours(at, relation).filter_map(|other| of(other, field)).collect::<Vec<_>>()
        };
        match by {
            FacetBy::Level(level) => self.units_above(at, level),
            FacetBy::Platform if self.plain.records[at].kind == Kind::Repository => {
                of(at, Field::Platform).into_iter().collect()
            }
            FacetBy::Platform => related(Relation::Repository, Field::Platform),
            FacetBy::Owner => of(at, Field::OwnerEmail).into_iter().collect(),
            FacetBy::Member => related(Relation::Member, Field::Email),
            FacetBy::Project => related(Relation::Project, Field::ProjectId),
            FacetBy::Type => of(at, Field::Type).into_iter().collect(),
        }
    }

    fn units_above(&self, at: usize, level: Level) -> Vec<(String, String, Option<usize>)> {
        let is_one =
            |unit: &usize| self.seen[*unit] && self.plain.text(*unit, Field::Type) == Some(level.as_str());
        let text = |unit, field| self.plain.text(unit, field).unwrap().to_owned();
        let units = self.plain.ancestors(at).into_iter().filter(is_one);
        units.map(|unit| (text(unit, Field::Key), text(unit, Field::Name), Some(unit))).collect()
    }

    /// Sorts records; ties by their keys.
    pub(crate) fn sorted(&self, view: &View, places: &[usize], order: Order) -> Vec<usize> {
        let collated = |text: String| Collated(text.into());
        let value = |at: usize| match order.by {
            OrderBy::Created => Some(collated(format!("{at:020}"))),
            OrderBy::Updated => {
                let updated = view.entity(self.plain.records[at].id).unwrap().stamps.updated_at;
                Some(collated(format!("{:020}", updated.as_millis())))
            }
            OrderBy::Field(field) => self.plain.text(at, field).map(Collated::from),
        };
        let mut keyed: Vec<_> = places.iter().map(|at| (value(*at), self.key(*at), *at)).collect();
        keyed.sort_by(|(a, a_key, _), (b, b_key, _)| {
            let by_value = match (a, b) {
                (Some(a), Some(b)) if order.descending => b.cmp(a),
                (Some(a), Some(b)) => a.cmp(b),
                (a, b) => a.is_none().cmp(&b.is_none()),
            };
            by_value.then_with(|| a_key.cmp(b_key))
        });
        keyed.into_iter().map(|(.., at)| at).collect()
    }

    fn key(&self, at: usize) -> [&str; 3] {
        let text = |at, field| self.plain.text(at, field).unwrap_or_default();
        let project = self.plain.records[at].project.map_or("", |project| text(project, Field::ProjectId));
        match self.plain.records[at].kind {
            Kind::OrgUnit => [text(at, Field::Key), "", ""],
            Kind::Person => [text(at, Field::Email), "", ""],
            Kind::Project => [text(at, Field::ProjectId), "", ""],
            Kind::Repository => [project, text(at, Field::Url), text(at, Field::Name)],
            Kind::Service => [project, text(at, Field::Identifier), text(at, Field::Name)],
        }
    }

    /// All records with `part` in one of their own texts, best first, each with its score.
    pub(crate) fn found(&self, part: &str, kinds: &[Kind], within: Option<usize>) -> Vec<(EntityId, u32)> {
        let part = bare(part);
        let mut found = Vec::new();
        for at in kinds.iter().flat_map(|kind| self.all(*kind)) {
            if within.is_some_and(|unit| !self.plain.is_beneath(at, unit)) {
                continue;
            }
            let rated = self.own(at).filter_map(|text| {
                let text = bare(text);
                Some((Reverse(points(&text, &part)?), text.len()))
            });
            found.extend(rated.min().map(|(points, length)| (points, length, self.plain.records[at].id)));
        }
        found.sort_unstable();
        found.into_iter().map(|(Reverse(points), _, id)| (id, points)).collect()
    }
}

/// Scores of a whole text, its prefix, the prefix of a word, and a substring.
fn points(text: &str, part: &str) -> Option<u32> {
    let mut places = text.match_indices(part).map(|(at, _)| at).peekable();
    let first = *places.peek()?;
    let begins_word = |at: usize| !text[..at].ends_with(char::is_alphanumeric);
    Some(match first {
        0 if text.len() == part.len() => 1000,
        0 => 750,
        _ if places.any(begins_word) => 500,
        _ => 250,
    })
}

/// A text as normalized for equality in a field, for the spellings that occur here.
fn compared(field: Field, text: &str) -> String {
    match field {
        Field::Email | Field::OwnerEmail | Field::Type => text.to_lowercase(),
        Field::Url => {
            let bare = text.trim_start_matches("https://").trim_start_matches("git@").replacen(':', "/", 1);
            bare.trim_end_matches(".git").to_owned()
        }
        Field::ExternalId | Field::Platform | Field::Identifier => text.to_owned(),
        _ => fold(text).into_owned(),
    }
}

fn text_passes(own: Option<&str>, field: Field, test: &TextTest) -> bool {
    let equals = |wanted: &String| own.is_some_and(|own| compared(field, own) == compared(field, wanted));
    match test {
        TextTest::Eq(wanted) => equals(wanted),
        TextTest::In(wanted) => wanted.iter().any(equals),
        TextTest::Contains(part) => own.is_some_and(|own| bare(own).contains(&*bare(part))),
        TextTest::StartsWith(start) => own.is_some_and(|own| bare(own).starts_with(&*bare(start))),
        TextTest::IsNull(is_null) => own.is_none() == *is_null,
    }
}
