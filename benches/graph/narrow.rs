//! Scoped tokens: the same queries about one business through a view of everything, and through a view that is
//! limited to that business.

use std::hint::black_box;

use clade::model::Level;
use clade::query::{
    FacetBy, FacetPage, Field, Filter, Order, OrderBy, PageRequest, TextTest, facets, page, search, select,
};
use clade::{EntityId, Kind, View};
use roaring::RoaringBitmap;

use crate::Bench;
use crate::org::Org;

const PAGE: usize = 100;

/// Measures each query on both views, after checking that both give the same result.
pub(crate) fn questions(bench: &mut Bench<'_>, org: &Org) {
    let (business, department, team) = (org.business, org.department, org.team);
    let project = EntityId(org.view.below(team, Kind::Project).min().unwrap());
    let views = [org.view.clone(), org.view.within(&[business])];
    let mut ask = |name: &str, question: &dyn Fn(&View) -> u64| {
        let [wide, narrow] = &views;
        assert_eq!(question(wide), question(narrow), "{name}");
        bench.ask(&format!("{name}_by_a_wide_token"), || question(black_box(wide)));
        bench.ask(&format!("{name}_by_a_narrow_token"), || question(black_box(narrow)));
    };
    let within = |unit| Filter::Within(vec![unit]);
    let contains = |part: &str| Filter::Text(Field::Name, TextTest::Contains(part.to_owned()));

    ask("contains", &|view| u64::from(view.contains(department, project)));
    ask("totals", &|view| view.totals(business).projects);
    ask("ancestors", &|view| {
        view.ancestors(project).iter().filter(|unit| view.contains(business, **unit)).count() as u64
    });
    ask("subtree_ids_of_a_department", &|view| {
        view.below(department, Kind::Project).iter().map(u64::from).sum()
    });
    let children: RoaringBitmap = org.view.directly_below(business, Kind::OrgUnit).clone();
    ask("counts_per_child", &|view| {
        children.iter().map(|child| view.below(EntityId(child), Kind::Project).len()).sum()
    });
    let compound = Org::compound(department);
    ask("compound", &|view| select(view, Kind::Project, &compound).len());
    let named = Filter::And(vec![within(business), contains("amber")]);
    ask("name_contains", &|view| select(view, Kind::Project, &named).len());
    for (name, by) in [("page_by_creation", OrderBy::Created), ("page_by_name", OrderBy::Field(Field::Name))]
    {
        let order = Order { by, descending: true };
        let first = PageRequest { first: Some(PAGE), ..PageRequest::default() };
        ask(name, &|view| {
            let matches = view.below(business, Kind::Project);
            page(view, matches, order, &first).unwrap().ids.into_iter().map(|id| u64::from(id.0)).sum()
        });
    }
    ask("search", &|view| search(view, "quartz rav", &[], Some(business), 10).len() as u64);
    let dimensions = Level::ALL[2..].iter().map(|level| FacetBy::Level(*level)).collect::<Vec<_>>();
    let in_business = Filter::And(vec![within(business), Filter::AnyText("amber".to_owned())]);
    // A record shared with another business has a bucket there too in the wide view, so only the number of facets is
    // compared.
    ask("facets_with_text", &|view| {
        black_box(facets(
            view,
            Kind::Project,
            &in_business,
            &dimensions,
            false,
            &FacetPage { first: 1_000, after: None },
        ))
        .len() as u64
    });
}
