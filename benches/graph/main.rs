//! Benchmarks of the graph and its queries (hierarchy, filters, facets, pages, search, changes) over generated
//! organizations of 10 k, 100 k and 1 M entities.
//!
//! `cargo bench --bench graph` measures everything, and writes the results into `BENCHMARKS.md` and
//! `benches/growth.svg`. `cargo bench --bench graph -- NAME` measures the benchmarks whose name contains NAME, and
//! writes nothing. `CLADE_BENCH_ENTITIES` limits the size of the largest organization.
//!
//! Changes are applied to an in-memory directory, so the disk does not count. Each goes through `Directory::apply`:
//! the time includes plan, apply, commit (to an in-memory store), publish, and the round trip to the writer's
//! thread. Only `insert_planned_applied_and_published` excludes the commit and the round trip.

#![expect(clippy::unwrap_used, reason = "a bench that cannot continue fails")]

mod growth;
mod narrow;
mod org;
mod plot;

use std::cell::Cell;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{env, thread};

use clade::model::command::{Command, Create, IfExists, MoveUnit, Placement, ProjectFields};
use clade::model::{Level, Name, ProjectId, RepoUrl, UnitRef};
use clade::query::{
    FacetBy, FacetPage, Field, Filter, Order, OrderBy, PageRequest, TextTest, cursor, descendants, facet,
    facets, page, search, select,
};
use clade::{EntityId, Kind, View};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion};
use mimalloc::MiMalloc;
use roaring::RoaringBitmap;

use growth::Growth;
use org::Org;

/// The program uses the same allocator.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const SIZES: [u64; 3] = [10_000, 100_000, 1_000_000];
/// Page size of a typical list view.
const PAGE: usize = 50;
/// Number of a page deep in a list. A shorter list uses its last page.
const DEEP_PAGE: u64 = 10_000;
/// Few, since there are many benchmarks: medians of 20 samples are stable enough to show growth.
const SAMPLES: usize = 20;
const WARM_UP: Duration = Duration::from_millis(300);
const MEASURED: Duration = Duration::from_secs(1);

/// Benchmarks of one kind over an organization of one size.
struct Bench<'c> {
    kind: &'static str,
    size: u64,
    group: BenchmarkGroup<'c, WallTime>,
    growth: &'c mut Growth,
}

impl Bench<'_> {
    /// Measures the time of one call of `question`.
    fn ask<A>(&mut self, name: &str, question: impl Fn() -> A) {
        self.growth.add(self.kind, name, self.size);
        self.group.bench_function(BenchmarkId::new(name, self.size), |bencher| bencher.iter(&question));
    }

    /// Measures `question` by the duration that it returns.
    fn ask_how_long(&mut self, name: &str, question: impl Fn() -> Duration) {
        self.growth.add(self.kind, name, self.size);
        self.group.bench_function(BenchmarkId::new(name, self.size), |bencher| {
            bencher.iter_custom(|times| (0..times).map(|_| question()).sum());
        });
    }
}

fn main() {
    let largest = env::var("CLADE_BENCH_ENTITIES").map_or(u64::MAX, |text| text.parse().unwrap());
    let mut criterion = Criterion::default()
        .output_directory(&growth::folder())
        .sample_size(SAMPLES)
        .warm_up_time(WARM_UP)
        .measurement_time(MEASURED)
        .configure_from_args();
    let mut growth = Growth::new();
    for size in SIZES.into_iter().filter(|size| *size <= largest) {
        let org = Org::of(size);
        let mut of_kind = |kind, questions: fn(&mut Bench<'_>, &Org)| {
            let group = criterion.benchmark_group(kind);
            questions(&mut Bench { kind, size, group, growth: &mut growth }, &org);
        };
        of_kind("hierarchy", hierarchy);
        of_kind("filter", filters);
        of_kind("page and search", pages);
        of_kind("narrow", narrow::questions);
        of_kind("change", changes);
    }
    criterion.final_summary();
    growth.write(&SIZES);
}

fn hierarchy(bench: &mut Bench<'_>, org: &Org) {
    let Org { view, corp, business, department, team, project, .. } = org;
    let ids = |unit: EntityId| view.below(black_box(unit), Kind::Project).iter().collect::<Vec<u32>>();
    bench.ask("ancestors_of_a_team", || view.ancestors(black_box(*team)));
    bench.ask("ancestors_of_a_project", || view.ancestors(black_box(*project)));
    bench.ask("levels", || view.levels(black_box(*project)));
    bench.ask("contains", || view.contains(black_box(*corp), black_box(*project)));
    bench.ask("totals", || view.totals(black_box(*corp)));
    bench.ask("subtree_ids_of_all", || ids(*corp));
    bench.ask("subtree_ids_of_a_business", || ids(*business));
    bench.ask("subtree_ids_of_a_department", || ids(*department));
    bench.ask("subtree_ids_of_a_team", || ids(*team));
    let children = view.directly_below(*business, Kind::OrgUnit);
    let descendants_of = |child: u32| view.below(EntityId(child), Kind::Project);
    bench.ask("counts_per_child", || children.iter().map(|child| descendants_of(child).len()).sum::<u64>());
    let tenth: RoaringBitmap = view.below(*business, Kind::Project).iter().step_by(10).collect();
    let selected = |child: u32| descendants_of(child).intersection_len(&tenth);
    bench.ask("counts_per_child_of_a_tenth", || children.iter().map(selected).sum::<u64>());
    let url = RepoUrl::parse("git@github.com:corp/repo-77").unwrap();
    bench.ask("repository_to_team", || {
        let repository = view.repositories_at(black_box(&url)).first().copied()?;
        view.levels(repository)[Level::Team.index()]
    });
    bench.ask("descendants", || descendants(view, black_box(*corp), None, &[]));
    bench.ask("view_within_a_department", || view.within(&[black_box(*department)]));
}

fn filters(bench: &mut Bench<'_>, org: &Org) {
    let view = &org.view;
    let count = |filter: &Filter| select(view, Kind::Project, black_box(filter)).len();
    let contains = Filter::Text(Field::Name, TextTest::Contains("amber".to_owned()));
    let any_text = Filter::AnyText("repo-77".to_owned());
    let compound = Org::compound(org.department);
    assert!([&contains, &any_text, &compound].into_iter().all(|filter| count(filter) > 0));
    bench.ask("name_contains", || count(&contains));
    bench.ask("any_text_contains", || count(&any_text));
    bench.ask("compound", || count(&compound));
    let of_member = org.compound_of_a_member();
    let first = PageRequest { first: Some(PAGE), ..PageRequest::default() };
    bench.ask("compound_of_a_member_with_page_and_total", || {
        paged(view, &of_member, Order::default(), black_box(&first))
    });
    let of_many = Org::compound(org.business);
    bench.ask("compound_first_page_and_total", || paged(view, &of_many, Order::default(), black_box(&first)));
    let middle = middle_of(&select(view, Kind::Project, &of_many));
    let deep = PageRequest { after: Some(cursor(view, Order::default(), middle)), ..first.clone() };
    bench.ask("compound_deep_page_and_total", || paged(view, &of_many, Order::default(), black_box(&deep)));

    let counted = |filter: &Filter, by| facet(view, Kind::Project, black_box(filter), by, false);
    bench.ask("facet_by_team", || counted(&Filter::All, FacetBy::Level(Level::Team)));
    bench.ask("facet_by_department", || counted(&Filter::All, FacetBy::Level(Level::Department)));
    bench.ask("facet_by_team_of_compound", || counted(&compound, FacetBy::Level(Level::Team)));
    bench.ask("facet_by_platform", || counted(&Filter::All, FacetBy::Platform));
    let mut dimensions = Level::ALL.map(FacetBy::Level).to_vec();
    dimensions.push(FacetBy::Platform);
    let in_business =
        Filter::And(vec![Filter::Within(vec![org.business]), Filter::AnyText("amber".to_owned())]);
    bench.ask("all_facets_of_a_business_with_text", || {
        facets(
            view,
            Kind::Project,
            black_box(&in_business),
            &dimensions,
            false,
            &FacetPage { first: 1_000, after: None },
        )
    });
}

/// The number of matching projects, and a page of them.
fn paged(view: &View, filter: &Filter, order: Order, request: &PageRequest) -> (u64, Vec<EntityId>) {
    let matches = select(view, Kind::Project, black_box(filter));
    (matches.len(), page(view, &matches, order, request).unwrap().ids)
}

fn middle_of(matches: &RoaringBitmap) -> EntityId {
    EntityId(matches.select(u32::try_from(matches.len() / 2).unwrap()).unwrap())
}

fn pages(bench: &mut Bench<'_>, org: &Org) {
    let view = &org.view;
    let matches = view.below(org.corp, Kind::Project);
    let first = PageRequest { first: Some(PAGE), ..PageRequest::default() };
    let page_of =
        |by, request: &PageRequest| page(view, matches, Order { by, descending: true }, request).unwrap();
    let rank = ((DEEP_PAGE - 1) * PAGE as u64).min(matches.len() - PAGE as u64) - 1;
    for (name, deep_name, by) in [
        ("page_1_by_creation", "page_10000_by_creation", OrderBy::Created),
        ("page_1_by_name", "page_10000_by_name", OrderBy::Field(Field::Name)),
    ] {
        bench.ask(name, || page_of(by, black_box(&first)));
        let before = PageRequest { first: Some(usize::try_from(rank + 1).unwrap()), ..first.clone() };
        let last_before = page_of(by, &before).ids.pop().unwrap();
        let after = Some(cursor(view, Order { by, descending: true }, last_before));
        let deep = PageRequest { after, ..first.clone() };
        assert_eq!(page_of(by, &deep).ids.len(), PAGE);
        bench.ask(deep_name, || page_of(by, black_box(&deep)));
    }
    bench.ask("search", || search(view, black_box("quartz rav"), &[], None, 10));
    bench.ask("search_of_a_common_beginning", || search(view, black_box("amb"), &[], None, 10));
    bench.ask("search_with_a_typo", || search(view, black_box("quratz raven"), &[], None, 10));
}

/// Benchmarks of changes: plan, apply, commit to memory and publish. They run last, since the organization grows.
fn changes(bench: &mut Bench<'_>, org: &Org) {
    let directory = &org.directory;
    let is_away = Cell::new(false);
    let home = directory.view().parents(org.department)[0];
    let away = directory.view().roots()[0];
    bench.ask("move_of_the_largest_department", || {
        let (from, to) = if is_away.replace(!is_away.get()) { (away, home) } else { (home, away) };
        let unit = UnitRef::Id(org.department);
        let moved = MoveUnit { unit, to: to.into(), from: Some(from.into()), if_revision: None };
        directory.apply(Command::MoveUnit(moved)).unwrap()
    });
    let number = Cell::new(0_u64);
    let new_project = || {
        number.set(number.get() + 1);
        let fields = ProjectFields {
            project_id: Some(ProjectId::parse(&format!("new-{}", number.get())).unwrap()),
            name: Some(Name::parse("New").unwrap()),
            placement: Placement::Units(vec![org.team.into()]),
            ..ProjectFields::default()
        };
        Command::CreateProject(Create { fields, if_exists: IfExists::Refuse })
    };
    bench.ask_how_long("insert_planned_applied_and_published", || {
        let took = directory.apply(new_project()).unwrap().took;
        took.planned + took.published
    });
    bench.ask("insert", || directory.apply(new_project()).unwrap());
    bench.ask("hundred_inserts_at_once", || directory.apply((0..100).map(|_| new_project())).unwrap());
    for (name, question) in [
        ("insert_beside_a_busy_reader", count_and_list as fn(&View, EntityId)),
        ("insert_beside_a_slow_reader", count_by_team),
    ] {
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    question(&directory.view(), org.department);
                }
            });
            bench.ask(name, || directory.apply(new_project()).unwrap());
            stop.store(true, Ordering::Relaxed);
        });
    }
}

/// A reader that holds its view for microseconds.
fn count_and_list(view: &View, unit: EntityId) {
    let first = PageRequest { first: Some(PAGE), ..PageRequest::default() };
    let projects = view.below(unit, Kind::Project);
    black_box((view.totals(unit), page(view, projects, Order::default(), &first).unwrap()));
}

/// A reader that holds its view for milliseconds in a large organization: longer than the writer waits for the
/// graph in use before it copies the graph.
fn count_by_team(view: &View, _: EntityId) {
    black_box(facet(view, Kind::Project, &Filter::All, FacetBy::Level(Level::Team), false));
}
