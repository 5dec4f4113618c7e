//! What the graph and its queries take, over made-up organisations of 10 k and 100 k entities.
//!
//! `cargo bench --bench graph -- NAME` measures those whose name holds NAME.

#![expect(clippy::unwrap_used, reason = "a bench that cannot go on fails")]

use std::hint::black_box;

use clade::cli::demo_data::DemoData;
use clade::model::command::IfExists;
use clade::model::{Level, ProjectId};
use clade::query::{
    FacetBy, Field, Filter, Order, OrderBy, PageRequest, Relation, TextTest, descendants, facet, page,
    search, select,
};
use clade::server::rest::{command_of_line, in_order};
use clade::{Directory, EntityId, Kind, View};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, criterion_group, criterion_main};

const SIZES: [u64; 2] = [10_000, 100_000];

/// An organisation, with the records that the questions are about.
struct Org {
    view: View,
    /// The root.
    corp: EntityId,
    /// The largest department.
    department: EntityId,
    /// A project in two teams.
    project: EntityId,
}

impl Org {
    fn of(entities: u64) -> Self {
        let mut lines = Vec::new();
        DemoData { entities, seed: 1 }.write(&mut lines).unwrap();
        let commands: Vec<_> = lines
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| ((), command_of_line(line, IfExists::Refuse).unwrap()))
            .collect();
        let directory = Directory::in_memory().unwrap();
        directory.apply_all(in_order(commands).unwrap().into_iter().map(|((), command)| command)).unwrap();
        let view = directory.view();
        let corp = view.org_unit("corp").unwrap().id();
        let department = view.org_unit("d0").unwrap().id();
        let project = view.project_by_id(&ProjectId::parse("p0").unwrap()).unwrap();
        assert_eq!(Kind::ALL.map(|kind| view.all(kind).len())[..3].iter().sum::<u64>(), entities);
        assert!(view.contains(corp, project) && view.totals(department).projects > 0);
        Self { view, corp, department, project }
    }

    /// Those in the department on one platform, with a word in their name: bitmaps, neighbours and texts.
    fn compound(&self) -> Filter {
        let platform = Filter::Text(Field::Platform, TextTest::Eq("gitlab.com".to_owned()));
        Filter::And(vec![
            Filter::Within(vec![self.department]),
            Filter::Related(Relation::Repository, Box::new(platform)),
            Filter::Text(Field::Name, TextTest::Contains("amber".to_owned())),
        ])
    }
}

/// Measures a question to one organisation.
fn bench<A>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, size: u64, question: impl Fn() -> A) {
    group.bench_function(BenchmarkId::new(name, size), |bencher| {
        bencher.iter(&question);
    });
}

fn hierarchy(group: &mut BenchmarkGroup<'_, WallTime>, size: u64, org: &Org) {
    let Org { view, corp, department, project } = org;
    let ids = |unit: EntityId| view.below(black_box(unit), Kind::Project).iter().collect::<Vec<u32>>();
    bench(group, "ancestors", size, || view.ancestors(black_box(*project)));
    bench(group, "levels", size, || view.levels(black_box(*project)));
    bench(group, "contains", size, || view.contains(black_box(*corp), black_box(*project)));
    bench(group, "totals", size, || view.totals(black_box(*corp)));
    bench(group, "subtree_ids_of_all", size, || ids(*corp));
    bench(group, "subtree_ids_of_a_department", size, || ids(*department));
    bench(group, "descendants", size, || descendants(view, black_box(*corp), None, &[]));
    bench(group, "within", size, || view.within(&[black_box(*department)]));
}

fn filters(group: &mut BenchmarkGroup<'_, WallTime>, size: u64, org: &Org) {
    let view = &org.view;
    let count = |filter: &Filter| select(view, Kind::Project, black_box(filter)).len();
    let contains = Filter::Text(Field::Name, TextTest::Contains("amber".to_owned()));
    let any_text = Filter::AnyText("repo-77".to_owned());
    let compound = org.compound();
    assert!([&contains, &any_text, &compound].into_iter().all(|filter| count(filter) > 0));
    bench(group, "name_contains", size, || count(&contains));
    bench(group, "any_text", size, || count(&any_text));
    bench(group, "compound", size, || count(&compound));

    let facets = |filter: &Filter, by| facet(view, Kind::Project, black_box(filter), by, false);
    bench(group, "facet_by_team", size, || facets(&Filter::All, FacetBy::Level(Level::Team)));
    bench(group, "facet_by_department", size, || facets(&Filter::All, FacetBy::Level(Level::Department)));
    bench(group, "facet_by_team_of_compound", size, || facets(&compound, FacetBy::Level(Level::Team)));
    bench(group, "facet_by_platform", size, || facets(&Filter::All, FacetBy::Platform));
}

fn pages(group: &mut BenchmarkGroup<'_, WallTime>, size: u64, org: &Org) {
    let view = &org.view;
    let matches = view.below(org.corp, Kind::Project);
    let hundred = PageRequest { first: Some(100), ..PageRequest::default() };
    let paged = |by| page(view, &matches, Order { by, descending: true }, black_box(&hundred));
    bench(group, "page_by_creation", size, || paged(OrderBy::Created));
    bench(group, "page_by_name", size, || paged(OrderBy::Field(Field::Name)));
    bench(group, "search", size, || search(view, black_box("quartz raven"), &[], None, 20));
}

fn graph(criterion: &mut Criterion) {
    for size in SIZES {
        let org = Org::of(size);
        hierarchy(&mut criterion.benchmark_group("hierarchy"), size, &org);
        filters(&mut criterion.benchmark_group("filter"), size, &org);
        pages(&mut criterion.benchmark_group("page"), size, &org);
    }
}

criterion_group!(benches, graph);
criterion_main!(benches);
