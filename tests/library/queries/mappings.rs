//! Property test of mapping queries: random filters and pages equal a reference model that tests and sorts every
//! mapping.

use std::cmp::Ordering;
use std::collections::HashMap;

use clade::model::mapping::{Mapping, MappingId, MappingType, Relationship};
use clade::model::text::{Collated, bare};
use clade::query::{MappingFilter, MappingOrder, MappingOrderBy, MappingPageRequest, Subtree, mappings};
use clade::{EntityId, Kind, View};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::{select as one_of, subsequence};

use super::organisation::{SOURCES, org};
use super::twin::Twin;
use super::with_both;

/// Keys that some record has, in the same or another case, and one that no record has.
const KEYS: [&str; 9] = ["bu0", "A/U1", "u2", "ada0@X", "ADA1@x", "p0", "P1", "q2", "nobody"];
const TEXTS: [&str; 9] = ["", "u", "ADA", "a/u1", "p0", "HR", "7", "-", "nobody"];

/// A filter, with records by random numbers.
#[derive(Debug, Clone)]
struct Ask {
    types: Option<Vec<MappingType>>,
    relationships: Option<Vec<Relationship>>,
    from_keys: Option<Vec<&'static str>>,
    to_keys: Option<Vec<&'static str>>,
    end: Option<usize>,
    source: Option<&'static str>,
    within: Vec<Vec<usize>>,
    parents: Option<(Option<usize>, Option<usize>)>,
    text: Option<&'static str>,
}

/// Mostly `None`, so that the conditions together still match something.
fn rarely<S: Strategy + 'static>(strategy: S) -> BoxedStrategy<Option<S::Value>>
where
    S::Value: Clone,
{
    prop_oneof![5 => Just(None), 1 => strategy.prop_map(Some)].boxed()
}

fn ask() -> impl Strategy<Value = Ask> {
    let keys = || rarely(vec(one_of(KEYS.as_slice()), 0..4));
    let within = prop_oneof![3 => Just(Vec::new()), 1 => vec(vec(0..100_usize, 0..3), 1..3)];
    let ends = (keys(), keys(), rarely(0..100_usize), within);
    let own = (
        rarely(subsequence(MappingType::ALL.to_vec(), 0..=4)),
        rarely(subsequence(Relationship::ALL.to_vec(), 0..=5)),
        rarely(one_of(SOURCES.as_slice())),
        rarely((of(0..100_usize), of(0..4_usize))),
        rarely(one_of(TEXTS.as_slice())),
    );
    (ends, own).prop_map(
        |((from_keys, to_keys, end, within), (types, relationships, source, parents, text))| Ask {
            types,
            relationships,
            from_keys,
            to_keys,
            end,
            source,
            within,
            parents,
            text,
        },
    )
}

impl Ask {
    fn filter(&self, twin: &Twin<'_>) -> MappingFilter {
        let unit = |drawn: usize| twin.ids[twin.unit(drawn)];
        let owned = |keys: &Option<Vec<&str>>| {
            keys.as_ref().map(|keys| keys.iter().map(|key| (*key).to_owned()).collect())
        };
        MappingFilter {
            types: self.types.clone(),
            relationships: self.relationships.clone(),
            from_keys: owned(&self.from_keys),
            to_keys: owned(&self.to_keys),
            end: self.end.map(|drawn| twin.ids[drawn % twin.ids.len()]),
            source: self.source.map(str::to_owned),
            within: self.within.iter().map(|units| units.iter().map(|at| unit(*at)).collect()).collect(),
            parents: self.parents.map(|(root, depth)| Subtree { root: root.map(unit), depth }),
            text: self.text.map(str::to_owned),
        }
    }

    fn passes(&self, both: &Both<'_>, mapping: &Mapping) -> bool {
        let Both { view, twin, places, .. } = both;
        let (from, to) = (places[&mapping.from], places[&mapping.to]);
        let key = |id| bare(&view.label(id)).into_owned();
        let is_among = |keys: &Option<Vec<&str>>, id| {
            keys.as_ref().is_none_or(|keys| keys.iter().any(|wanted| bare(wanted) == key(id)))
        };
        let is_in = |end, unit| end == unit || twin.is_beneath(end, unit);
        let is_within = |units: &Vec<usize>| {
            let mut units = units.iter().map(|drawn| twin.unit(*drawn)).filter(|unit| twin.sees(*unit));
            units.any(|unit| is_in(from, unit) || is_in(to, unit))
        };
        let source = mapping.source.as_ref().map(|source| source.as_str());
        let says = |text: &&str| {
            let texts = [key(mapping.from), key(mapping.to), mapping.id.to_string()];
            let own = bare(source.unwrap_or_default()).into_owned();
            texts.into_iter().chain([own]).any(|own| own.contains(&*bare(text)))
        };
        self.types.as_ref().is_none_or(|types| types.contains(&mapping.mapping_type))
            && self.relationships.as_ref().is_none_or(|all| all.contains(&mapping.relationship))
            && is_among(&self.from_keys, mapping.from)
            && is_among(&self.to_keys, mapping.to)
            && self.end.is_none_or(|drawn| [from, to].contains(&(drawn % twin.ids.len())))
            && self.source.is_none_or(|wanted| source == Some(wanted))
            && self.within.iter().all(is_within)
            && self.parents.is_none_or(|(root, depth)| {
                mapping.mapping_type == MappingType::ParentChild && both.is_less_deep(from, root, depth)
            })
            && self.text.as_ref().is_none_or(says)
    }
}

/// A view and its reference model.
struct Both<'b> {
    view: &'b View,
    twin: &'b Twin<'b>,
    /// The index of each record.
    places: HashMap<EntityId, usize>,
}

impl Both<'_> {
    /// Whether a unit is in the subtree of `root`, within this depth.
    fn is_less_deep(&self, unit: usize, root: Option<usize>, depth: Option<usize>) -> bool {
        let is_top = |unit: usize| match root {
            Some(drawn) => unit == self.twin.unit(drawn),
            None => !self.parents(unit).any(|_| true),
        };
        // A part with no level has the one that it begins with.
        let mut level = vec![unit];
        for _ in 0..depth.unwrap_or(usize::MAX).max(1) {
            if level.iter().any(|unit| is_top(*unit)) {
                return true;
            }
            level = level.into_iter().flat_map(|unit| self.parents(unit)).collect();
            if level.is_empty() {
                break;
            }
        }
        false
    }

    fn parents(&self, unit: usize) -> impl Iterator<Item = usize> {
        self.twin.org.nodes[unit].holders.iter().copied().filter(|parent| self.twin.sees(*parent))
    }

    fn compare(&self, order: MappingOrder, a: &Mapping, b: &Mapping) -> Ordering {
        let key = |id| Collated(self.view.label(id).into());
        let ordering = match order.by {
            MappingOrderBy::Id => Ordering::Equal,
            MappingOrderBy::CreatedAt => a.stamps.created_at.cmp(&b.stamps.created_at),
            MappingOrderBy::UpdatedAt => a.stamps.updated_at.cmp(&b.stamps.updated_at),
            MappingOrderBy::FromKey => key(a.from).cmp(&key(b.from)),
            MappingOrderBy::ToKey => key(a.to).cmp(&key(b.to)),
            MappingOrderBy::Type => a.mapping_type.as_str().cmp(b.mapping_type.as_str()),
            MappingOrderBy::Relationship => a.relationship.as_str().cmp(b.relationship.as_str()),
        };
        let ordering = ordering.then(a.id.cmp(&b.id));
        if order.descending { ordering.reverse() } else { ordering }
    }

    /// The ids of all mappings that pass, sorted.
    fn answer(&self, whole: &View, ask: &Ask, order: MappingOrder) -> Vec<MappingId> {
        let is_seen = |id| self.twin.sees(self.places[&id]);
        let in_sight = whole.mappings().into_iter().filter(|it| is_seen(it.from) && is_seen(it.to));
        let mut passing: Vec<_> = in_sight.filter(|mapping| ask.passes(self, mapping)).collect();
        passing.sort_by(|a, b| self.compare(order, a, b));
        passing.into_iter().map(|mapping| mapping.id).collect()
    }
}

/// The requested page of `whole`, and whether there is a next and a previous page.
fn page(whole: &[MappingId], request: &MappingPageRequest) -> (Vec<MappingId>, bool, bool) {
    let place = |id: MappingId| whole.iter().position(|other| *other == id).unwrap();
    let mut begin = request.after.map_or(0, |after| place(after) + 1);
    let mut end = request.before.map_or(whole.len(), place).max(begin);
    if let Some(first) = request.first {
        end = end.min(begin + first);
    }
    if let Some(last) = request.last {
        begin = begin.max(end.saturating_sub(last));
    }
    (whole[begin..end].to_vec(), end < whole.len(), begin > 0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_page_of_mappings_is_a_part_of_all_that_pass(
        org in org(),
        scope in of(0..100_usize),
        asks in vec(ask(), 20..40),
        (by, descending) in (one_of(MappingOrderBy::ALL.as_slice()), any::<bool>()),
        bounds in [of(0..100_usize), of(0..100_usize)],
        (first, last) in (of(0..6_usize), of(0..6_usize)),
    ) {
        let whole_view = org.view();
        with_both(&org, &whole_view, scope, |view, twin| {
            let places = twin.ids.iter().copied().zip(0..).collect();
            let both = Both { view: &whole_view, twin, places };
            let order = MappingOrder { by, descending };
            for ask in &asks {
                let filter = ask.filter(twin);
                let whole = both.answer(&whole_view, ask, order);
                let [after, before] = bounds.map(|drawn| whole.get(drawn? % whole.len().max(1)).copied());
                let request = MappingPageRequest { first, after, last, before };
                let answered = mappings(view, &filter, order, &request).unwrap();
                let ids: Vec<_> = answered.mappings.iter().map(|mapping| mapping.id).collect();
                let found = (ids, answered.has_next, answered.has_previous);
                assert_eq!(found, page(&whole, &request), "{ask:?} {order:?} {request:?}");
                assert_eq!(answered.count, whole.len() as u64, "{ask:?}");
                // About as many records as there are, and the texts of each once for each of its keys.
                let records: u64 = Kind::ALL.into_iter().map(|kind| view.all(kind).len()).sum();
                assert!(filter.cost(view) <= records * 12 + 64, "{ask:?}");
            }
        });
    }

    #[test]
    fn a_page_begins_at_no_mapping_that_does_not_match(org in org(), ask in ask()) {
        let whole_view = org.view();
        with_both(&org, &whole_view, None, |view, twin| {
            let places = twin.ids.iter().copied().zip(0..).collect();
            let both = Both { view, twin, places };
            let order = MappingOrder::default();
            let matching = both.answer(view, &ask, order);
            for mapping in view.mappings() {
                let request = MappingPageRequest { after: Some(mapping.id), ..MappingPageRequest::default() };
                let answered = mappings(view, &ask.filter(twin), order, &request);
                assert_eq!(answered.is_ok(), matching.contains(&mapping.id), "{ask:?}");
            }
        });
    }
}
