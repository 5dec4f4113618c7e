//! Property test of queries: random filters, facets, sorts, pages and searches over random organizations equal a
//! reference model that reads every record.

mod mappings;
mod organisation;
mod twin;

use clade::model::UnitType;
use clade::query::{
    Descendant, FacetBy, Field, Filter, Order, OrderBy, PageRequest, Relation, TextTest, cursor, descendants,
    facet, page, search, select,
};
use clade::{Kind, View};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select as one_of;

use organisation::{Org, org};
use twin::{Ask, Twin};

const FIELDS: [Field; 13] = [
    Field::Key,
    Field::Name,
    Field::Type,
    Field::ExternalId,
    Field::Email,
    Field::FirstName,
    Field::LastName,
    Field::DisplayName,
    Field::ProjectId,
    Field::OwnerEmail,
    Field::Platform,
    Field::Url,
    Field::Identifier,
];
const RELATIONS: [Relation; 4] =
    [Relation::Member, Relation::Project, Relation::Repository, Relation::Service];
/// Texts that some record has, in the same or another case, and texts that no record has.
const TEXTS: [&str; 32] = [
    "",
    " ",
    "a",
    "A",
    "Ada",
    "ADA",
    "adA ",
    "BÜRO",
    "büro",
    "ü",
    "R&D",
    "a/b",
    "研究",
    "研",
    "u1",
    "a/u1",
    " bu0",
    "p0",
    "P1",
    "ada0@X",
    " Ada1@x ",
    "@",
    "hr-1",
    "pm",
    "Application",
    "TEAM",
    "tribe",
    "h0/r1",
    "git@H0:r1",
    "https://h1/r0.git/",
    "svc-1-0",
    "nobody",
];

fn text() -> impl Strategy<Value = String> {
    one_of(TEXTS.as_slice()).prop_map(str::to_owned)
}

/// The relations of a kind.
fn relations(kind: Kind) -> Vec<Relation> {
    match kind {
        Kind::OrgUnit => Vec::new(),
        Kind::Project => vec![Relation::Member, Relation::Repository, Relation::Service],
        Kind::Person | Kind::Repository | Kind::Service => vec![Relation::Project],
    }
}

/// A filter that often matches some records of a kind, and sometimes does not apply to the kind.
fn ask(kind: Kind, depth: usize) -> BoxedStrategy<Ask> {
    let test = prop_oneof![
        2 => text().prop_map(TextTest::Eq),
        2 => vec(text(), 0..9).prop_map(TextTest::In),
        3 => text().prop_map(TextTest::Contains),
        2 => text().prop_map(TextTest::StartsWith),
        2 => any::<bool>().prop_map(TextTest::IsNull),
    ];
    let units = || vec(0..100_usize, 0..3);
    let leaf = prop_oneof![
        1 => Just(Ask::All),
        3 => units().prop_map(Ask::Within),
        2 => units().prop_map(Ask::DirectlyIn),
        4 => (one_of(FIELDS.as_slice()), test).prop_map(|(field, test)| Ask::Text(field, test)),
        2 => text().prop_map(Ask::AnyText),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    let several = || vec(ask(kind, depth - 1), 0..4);
    let mut ways = relations(kind);
    if ways.is_empty() {
        ways.extend(RELATIONS);
    }
    let related = one_of(ways).prop_flat_map(move |relation| {
        ask(relation.leads_to(), depth - 1).prop_map(move |ask| Ask::Related(relation, Box::new(ask)))
    });
    prop_oneof![
        3 => leaf,
        3 => several().prop_map(Ask::And),
        2 => several().prop_map(Ask::Or),
        1 => ask(kind, depth - 1).prop_map(|ask| Ask::Not(Box::new(ask))),
        3 => related,
    ]
    .boxed()
}

fn kind_and_ask() -> impl Strategy<Value = (Kind, Ask)> {
    // Projects have the most ways to their neighbours.
    let kind = prop_oneof![3 => Just(Kind::Project), 4 => one_of(Kind::ALL.as_slice())];
    kind.prop_flat_map(|kind| (Just(kind), ask(kind, 3)))
}

fn order() -> impl Strategy<Value = Order> {
    let by = prop_oneof![
        1 => Just(OrderBy::Created),
        1 => Just(OrderBy::Updated),
        3 => one_of(FIELDS.as_slice()).prop_map(OrderBy::Field),
    ];
    (by, any::<bool>()).prop_map(|(by, descending)| Order { by, descending })
}

/// Compares a view, of everything or limited to a unit, with the reference model of the same.
fn with_both(org: &Org, view: &View, scope: Option<usize>, test: impl FnOnce(&View, &Twin<'_>)) {
    let ids = org.ids(view);
    let mut twin = Twin { org, ids: &ids, scope: None };
    twin.scope = scope.map(|drawn| twin.unit(drawn));
    let view = twin.scope.map_or_else(|| view.clone(), |unit| view.within(&[ids[unit]]));
    test(&view, &twin);
}

fn answered(view: &View, kind: Kind, filter: &Filter) -> Vec<u32> {
    select(view, kind, filter).iter().collect()
}

/// A filter on one value of a dimension, as a user would select it.
fn condition(twin: &Twin<'_>, by: FacetBy, text: &str) -> Ask {
    let eq = || TextTest::Eq(text.to_owned());
    let related = |relation, field| Ask::Related(relation, Box::new(Ask::Text(field, eq())));
    match by {
        FacetBy::Level(level) => {
            let of_level = Ask::Text(Field::Type, TextTest::Eq(level.as_str().to_owned()));
            match twin.select(Kind::OrgUnit, &of_level).as_slice() {
                [] => Ask::All,
                units => Ask::Within(units.to_vec()),
            }
        }
        FacetBy::Platform => Ask::Text(Field::Platform, eq()),
        FacetBy::Owner => Ask::Text(Field::OwnerEmail, eq()),
        FacetBy::Member => related(Relation::Member, Field::Email),
        FacetBy::Project => related(Relation::Project, Field::ProjectId),
        FacetBy::Type => Ask::Text(Field::Type, eq()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_condition_on_a_text_matches_what_passes_it(org in org(), scope in of(0..100_usize), texts in vec(text(), 1..8)) {
        with_both(&org, &org.view(), scope, |view, twin| {
            let asks = texts.iter().flat_map(|text| {
                let tests = [TextTest::Eq, TextTest::Contains, TextTest::StartsWith].map(|test| test(text.clone()));
                let of_fields = tests.into_iter().flat_map(|test| FIELDS.map(|field| Ask::Text(field, test.clone())));
                of_fields.chain([Ask::AnyText(text.clone())])
            });
            for ask in asks {
                for kind in Kind::ALL {
                    assert_eq!(answered(view, kind, &ask.filter(twin)), twin.numbers(kind, &ask), "{kind} {ask:?}");
                }
            }
        });
    }

    #[test]
    fn conditions_together_match_what_passes_them(org in org(), scope in of(0..100_usize), asks in vec(kind_and_ask(), 40..80)) {
        with_both(&org, &org.view(), scope, |view, twin| {
            for (kind, ask) in &asks {
                assert_eq!(answered(view, *kind, &ask.filter(twin)), twin.numbers(*kind, ask), "{kind} {ask:?}");
            }
        });
    }

    #[test]
    fn a_facet_counts_each_record_once_for_each_of_its_values(org in org(), scope in of(0..100_usize), (kind, ask) in kind_and_ask(), chosen in text()) {
        with_both(&org, &org.view(), scope, |view, twin| {
            for by in FacetBy::ALL {
                let expected = twin.facet(kind, &ask, by);
                assert_eq!(facet(view, kind, &ask.filter(twin), by, false), expected, "{by:?}");
                // Disjunctive, a condition on the dimension itself is left out, and another is kept.
                let chosen = condition(twin, by, &chosen);
                let both = Ask::And(vec![chosen, Ask::Or(vec![ask.clone()])]).filter(twin);
                assert_eq!(facet(view, kind, &both, by, true), expected, "{by:?} of {both:?}");
            }
        });
    }

    #[test]
    fn a_page_is_a_part_of_the_sorted_whole(
        org in org(),
        scope in of(0..100_usize),
        ((kind, ask), order) in (kind_and_ask(), order()),
        bounds in [of(0..100_usize), of(0..100_usize)],
        (first, last) in (of(0..6_usize), of(0..6_usize)),
    ) {
        with_both(&org, &org.view(), scope, |view, twin| {
            let matches = select(view, kind, &ask.filter(twin));
            let sorted = twin.sorted(view, twin.select(kind, &ask), order);
            // A cursor may stand at a record that the filter does not match.
            let seen: Vec<usize> = twin.all(kind).collect();
            let [after, before] = bounds.map(|drawn| drawn.and_then(|drawn| seen.get(drawn % seen.len().max(1)).copied()));
            let at = |node: Option<usize>| node.map(|node| cursor(view, order, twin.ids[node]));
            let request = PageRequest { first, after: at(after), last, before: at(before) };
            let answered = page(view, &matches, order, &request).unwrap();
            let (expected, has_next, has_previous) = twin.page(view, order, &sorted, (after, before), &request);
            let expected: Vec<_> = expected.into_iter().map(|node| twin.ids[node]).collect();
            assert_eq!(answered.ids, expected, "{order:?} {request:?}");
            assert_eq!((answered.has_next, answered.has_previous), (has_next, has_previous), "{order:?} {request:?}");
        });
    }

    #[test]
    fn pages_one_after_the_other_are_the_whole_in_both_directions(org in org(), scope in of(0..100_usize), order in order(), size in 1..4_usize) {
        with_both(&org, &org.view(), scope, |view, twin| {
            for kind in Kind::ALL {
                let matches = view.all(kind);
                let whole = twin.sorted(view, twin.all(kind).collect(), order);
                let whole: Vec<_> = whole.into_iter().map(|at| twin.ids[at]).collect();
                let mut forwards = Vec::new();
                let mut request = PageRequest { first: Some(size), ..PageRequest::default() };
                loop {
                    let page = page(view, matches, order, &request).unwrap();
                    assert_eq!(page.has_previous, !forwards.is_empty());
                    forwards.extend(page.ids.iter().copied());
                    request.after = page.ids.last().map(|id| cursor(view, order, *id));
                    if !page.has_next {
                        break;
                    }
                    assert_eq!(page.ids.len(), size);
                }
                assert_eq!(forwards, whole, "{kind} forwards by {order:?}");
                let mut backwards = Vec::new();
                let mut request = PageRequest { last: Some(size), ..PageRequest::default() };
                loop {
                    let page = page(view, matches, order, &request).unwrap();
                    assert_eq!(page.has_next, !backwards.is_empty());
                    backwards.splice(..0, page.ids.iter().copied());
                    request.before = page.ids.first().map(|id| cursor(view, order, *id));
                    if !page.has_previous {
                        break;
                    }
                    assert_eq!(page.ids.len(), size);
                }
                assert_eq!(backwards, whole, "{kind} backwards by {order:?}");
            }
        });
    }

    #[test]
    fn a_tree_is_read_by_its_shortest_paths(org in org(), scope in of(0..100_usize), top in 0..100_usize, depth in of(0..4_usize), types in vec(one_of(&["team", "group", "tribe"][..]), 0..2)) {
        with_both(&org, &org.view(), scope, |view, twin| {
            let top = twin.unit(top);
            if !twin.sees(top) {
                assert_eq!(descendants(view, twin.ids[top], depth, &[]), []);
                return;
            }
            let is_listed = |unit: usize| types.is_empty() || types.contains(&org.nodes[unit].texts[&Field::Type].as_str());
            let mut expected = Vec::new();
            for way in twin.ways_down(top) {
                let (unit, above) = way.split_last().unwrap();
                if is_listed(*unit) && depth.is_none_or(|depth| way.len() <= depth) {
                    let parent = twin.ids[*above.last().unwrap_or(&top)];
                    expected.push(Descendant { id: twin.ids[*unit], parent, depth: way.len() });
                }
            }
            let types: Vec<_> = types.iter().map(|word| UnitType::parse(word).unwrap()).collect();
            assert_eq!(descendants(view, twin.ids[top], depth, &types), expected);
        });
    }

    #[test]
    fn a_search_for_a_word_finds_every_record_that_holds_it(org in org(), scope in of(0..100_usize), word in one_of(&["a", "ADA", "bü", "研", "svc", "u1", "P0", "r1", "HR-1", "nobody"][..])) {
        with_both(&org, &org.view(), scope, |view, twin| {
            let hits = search(view, word, &[], None, usize::MAX);
            assert!(hits.is_sorted_by(|a, b| a.score >= b.score), "the best first: {hits:?}");
            let mut found: Vec<_> = hits.iter().map(|hit| hit.id).collect();
            found.sort();
            let all = Kind::ALL.into_iter().flat_map(|kind| twin.all(kind));
            let mut expected: Vec<_> = all.filter(|at| twin.is_found(*at, word)).map(|at| twin.ids[at]).collect();
            expected.sort();
            assert_eq!(found, expected);
        });
    }
}
