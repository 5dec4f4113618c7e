//! Correctness at scale: queries over a whole generated organization, through bitmaps and indexes, equal a reference
//! model that walks edges and scans records.
//!
//! The default organization is small. `CLADE_TEST_ENTITIES=1000000 cargo test --release --test scale answers` uses a
//! million entities.

mod organisation;
mod plain_records;
mod random_filters;
mod scan;

use clade::directory::Totals;
use clade::query::{
    FacetBy, Field, Filter, Order, OrderBy, PageRequest, Relation, TextTest, cursor, facet, page, search,
    select,
};
use clade::{EntityId, Kind, View};

use organisation::{ORG, Org};
use random_filters::Draw;
use scan::Scan;

const FILTERS: usize = 60;
const RECORDS: usize = 200;
const UNITS: usize = 12;
const PAGE: usize = 50;

/// An unscoped view and a view of one business, each with its reference model.
fn scopes(org: &Org) -> [(View, Scan<'_>); 2] {
    let business = org.plain.at("b0");
    [None, Some(business)].map(|scope| {
        let narrowed = scope.map(|at: usize| org.view.within(&[org.plain.records[at].id]));
        (narrowed.unwrap_or_else(|| org.view.clone()), Scan::new(&org.plain, scope))
    })
}

/// Reports the first difference of two long results.
fn assert_same<A: PartialEq + std::fmt::Debug>(found: &[A], expected: &[A], asked: impl std::fmt::Display) {
    let nth = found.iter().zip(expected).take_while(|(found, expected)| found == expected).count();
    let (next, wanted) = (found.get(nth), expected.get(nth));
    let lengths = (found.len(), expected.len());
    assert!(
        next.is_none() && wanted.is_none(),
        "{asked}: {lengths:?} apart at {nth}: {next:?}, not {wanted:?}"
    );
}

fn answered(view: &View, kind: Kind, filter: &Filter) -> Vec<EntityId> {
    select(view, kind, filter).iter().map(EntityId).collect()
}

#[test]
fn every_record_is_there_and_in_the_order_in_which_it_was_made() {
    for (view, scan) in scopes(&ORG) {
        for kind in Kind::ALL {
            let expected = ORG.ids(&scan.all(kind).collect::<Vec<_>>());
            assert!(!expected.is_empty());
            assert_same(&answered(&view, kind, &Filter::All), &expected, kind);
        }
    }
}

#[test]
fn ancestors_are_what_walking_up_meets() {
    let (plain, view) = (&ORG.plain, &ORG.view);
    let mut draw = Draw::new(plain, 1);
    for _ in 0..RECORDS {
        let kind = draw.kind();
        let (at, unit) = (draw.place(kind), draw.unit());
        let ancestors = view.ancestors(plain.records[at].id);
        let mut expected = ORG.ids(&plain.ancestors(at));
        expected.sort_unstable();
        let mut sorted = ancestors.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, expected, "{:?}", plain.records[at]);
        // Root first: each after all that are above it.
        for (nth, id) in ancestors.iter().enumerate() {
            let above = ORG.ids(plain.above(plain.place_of(*id)));
            assert!(above.iter().all(|id| ancestors[..nth].contains(id)), "{ancestors:?}");
        }
        let [upper, lower] = [unit, at].map(|at| plain.records[at].id);
        assert_eq!(view.contains(upper, lower), plain.is_beneath(at, unit), "{upper:?} {lower:?}");
    }
}

#[test]
fn totals_and_subtrees_are_the_descendants() {
    let mut draw = Draw::new(&ORG.plain, 2);
    let units: Vec<_> = (0..UNITS).map(|_| draw.unit()).collect();
    for (view, scan) in scopes(&ORG) {
        for unit in &units {
            let id = ORG.plain.records[*unit].id;
            let is_seen = scan.all(Kind::OrgUnit).any(|seen| seen == *unit);
            let beneath = Kind::ALL.map(|kind| {
                let is_beneath = |at: &usize| is_seen && ORG.plain.is_beneath(*at, *unit);
                let places: Vec<_> = scan.all(kind).filter(is_beneath).collect();
                let expected = ORG.ids(&places);
                let below: Vec<_> = view.below(id, kind).iter().map(EntityId).collect();
                assert_same(&below, &expected, format_args!("{kind} beneath {}", view.label(id)));
                expected.len() as u64
            });
            let [units, people, projects, repositories, services] = beneath;
            let expected = Totals { units, people, projects, repositories, services };
            assert_eq!(view.totals(id), expected, "{:?}", ORG.plain.records[*unit]);
        }
    }
}

#[test]
fn a_filter_matches_what_passes_it() {
    let mut draw = Draw::new(&ORG.plain, 3);
    let scopes = scopes(&ORG);
    let mut some = 0;
    for nth in 0..FILTERS {
        let kind = draw.kind();
        let filter = draw.filter(kind, nth % 3);
        for (view, scan) in &scopes {
            let expected = ORG.ids(&scan.select(kind, &filter));
            some += usize::from(!expected.is_empty());
            assert_same(&answered(view, kind, &filter), &expected, format_args!("{kind} {filter:?}"));
        }
    }
    assert!(some > FILTERS / 2, "only {some} filters match anything");
}

/// A typical dashboard query: a subtree, a neighbour and a text together.
fn compound(unit: &str) -> Filter {
    let platform = Filter::Text(Field::Platform, TextTest::Eq("gitlab.com".to_owned()));
    Filter::And(vec![
        Filter::Within(vec![ORG.plain.records[ORG.plain.at(unit)].id]),
        Filter::Related(Relation::Repository, Box::new(platform)),
        Filter::Text(Field::Name, TextTest::Contains("amber".to_owned())),
    ])
}

#[test]
fn a_facet_counts_each_record_once_for_each_of_its_values() {
    let mut draw = Draw::new(&ORG.plain, 4);
    for (view, scan) in scopes(&ORG) {
        let drawn = (0..4).map(|_| {
            let kind = draw.kind();
            (kind, draw.filter(kind, 1))
        });
        let asked = drawn.chain([(Kind::Project, Filter::All), (Kind::Project, compound("b0"))]);
        for (kind, filter) in asked {
            let matches = scan.select(kind, &filter);
            for by in FacetBy::ALL {
                let counted = facet(&view, kind, &filter, by, false);
                let expected = scan.facet(&matches, by);
                assert_same(&counted, &expected, format_args!("{kind} by {by:?} of {filter:?}"));
            }
        }
    }
}

#[test]
fn pages_in_every_order_are_parts_of_the_sorted_whole() {
    let fields = [Field::Name, Field::ProjectId, Field::ExternalId, Field::OwnerEmail].map(OrderBy::Field);
    let orders = [OrderBy::Created, OrderBy::Updated].into_iter().chain(fields);
    let scan = Scan::new(&ORG.plain, None);
    for (by, descending) in orders.flat_map(|by| [(by, false), (by, true)]) {
        let order = Order { by, descending };
        for filter in [Filter::All, compound("corp")] {
            let matches = select(&ORG.view, Kind::Project, &filter);
            let whole = ORG.ids(&scan.sorted(&ORG.view, &scan.select(Kind::Project, &filter), order));
            assert!(whole.len() > PAGE);
            for start in [0, whole.len() / 3, whole.len() - PAGE, whole.len() - 1] {
                let end = whole.len().min(start + PAGE);
                let after = start.checked_sub(1).map(|before| cursor(&ORG.view, order, whole[before]));
                let request = PageRequest { first: Some(PAGE), after, ..PageRequest::default() };
                let found = page(&ORG.view, &matches, order, &request).unwrap();
                assert_eq!(found.ids, whole[start..end], "{order:?} after {start}");
                assert_eq!((found.has_previous, found.has_next), (start > 0, end < whole.len()));
                let before = whole.get(end).map(|next| cursor(&ORG.view, order, *next));
                let request = PageRequest { last: Some(end - start), before, ..PageRequest::default() };
                let found = page(&ORG.view, &matches, order, &request).unwrap();
                assert_eq!(found.ids, whole[start..end], "{order:?} before {end}");
            }
        }
    }
}

#[test]
fn a_search_finds_the_best_first() {
    let business = ORG.plain.at("b0");
    let words =
        ["amber", "AMB", "ü", "é", "quartz", "repo-77", "svc-4", "p1", "pm-12", "hr-3", "son1", "late"];
    for (view, scan) in scopes(&ORG) {
        for word in words {
            for (kinds, within) in [
                (Kind::ALL.as_slice(), None),
                (&[Kind::Project], None),
                (&[Kind::Person, Kind::Repository], Some(business)),
            ] {
                let unit = within.map(|at| ORG.plain.records[at].id);
                let expected = scan.found(word, kinds, within);
                for first in [10, 1_000] {
                    let hits = search(&view, word, kinds, unit, first);
                    let (found, like) = hits.split_at(hits.len().min(expected.len()));
                    let found: Vec<_> = found.iter().map(|hit| (hit.id, hit.score)).collect();
                    let wanted = expected.iter().take(first);
                    #[expect(clippy::cast_precision_loss, reason = "points are small")]
                    let wanted: Vec<_> = wanted.map(|(id, points)| (*id, *points as f32 / 1000.0)).collect();
                    assert_eq!(found, wanted, "{word} {kinds:?}");
                    assert!(like.iter().all(|hit| hit.score < 0.25), "{word}: what is like it comes last");
                }
            }
        }
    }
}
