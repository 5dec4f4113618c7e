//! What the graph and its queries take, over made-up organisations of 10 k, 100 k and 1 M entities.
//!
//! Changes are made in memory: what they take beside the disk.
//!
//! `cargo bench --bench graph -- NAME` measures those whose name holds NAME.

#![expect(clippy::unwrap_used, reason = "a bench that cannot go on fails")]

use std::cell::Cell;
use std::hint::black_box;

use clade::cli::demo_data::DemoData;
use clade::model::command::{Command, IfExists, MoveUnit};
use clade::model::{CreateProject, Level, ProjectId, RepoUrl, UnitRef};
use clade::query::{
    FacetBy, Field, Filter, Order, OrderBy, PageRequest, Relation, TextTest, cursor, descendants, facet,
    page, search, select,
};
use clade::server::rest::{command_of_line, in_order};
use clade::{Directory, EntityId, Kind, View};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, criterion_group, criterion_main};
use roaring::RoaringBitmap;

const SIZES: [u64; 3] = [10_000, 100_000, 1_000_000];

/// An organisation, with the records that the questions are about.
struct Org {
    directory: Directory,
    view: View,
    /// The root.
    corp: EntityId,
    /// The largest business.
    business: EntityId,
    /// The largest department.
    department: EntityId,
    /// The largest team.
    team: EntityId,
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
        let [business, department, team] = ["b0", "d0", "t0"].map(|key| view.org_unit(key).unwrap().id());
        let project = view.project_by_id(&ProjectId::parse("p0").unwrap()).unwrap();
        assert_eq!(Kind::ALL.map(|kind| view.all(kind).len())[..3].iter().sum::<u64>(), entities);
        assert!(view.contains(corp, project) && view.totals(department).projects > 0);
        Self { directory, view, corp, business, department, team, project }
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
    let Org { view, corp, business, department, team, project, .. } = org;
    let ids = |unit: EntityId| view.below(black_box(unit), Kind::Project).iter().collect::<Vec<u32>>();
    bench(group, "ancestors", size, || view.ancestors(black_box(*project)));
    bench(group, "levels", size, || view.levels(black_box(*project)));
    bench(group, "contains", size, || view.contains(black_box(*corp), black_box(*project)));
    bench(group, "totals", size, || view.totals(black_box(*corp)));
    bench(group, "subtree_ids_of_all", size, || ids(*corp));
    bench(group, "subtree_ids_of_a_business", size, || ids(*business));
    bench(group, "subtree_ids_of_a_department", size, || ids(*department));
    bench(group, "subtree_ids_of_a_team", size, || ids(*team));
    let children = view.directly_below(*business, Kind::OrgUnit);
    let beneath = |child: u32| view.below(EntityId(child), Kind::Project);
    bench(group, "counts_per_child", size, || children.iter().map(|child| beneath(child).len()).sum::<u64>());
    let tenth: RoaringBitmap = view.below(*business, Kind::Project).iter().step_by(10).collect();
    let selected = |child: u32| beneath(child).intersection_len(&tenth);
    bench(group, "counts_per_child_of_a_tenth", size, || children.iter().map(selected).sum::<u64>());
    let url = RepoUrl::parse("git@github.com:corp/repo-77").unwrap();
    bench(group, "repository_to_team", size, || {
        let repository = view.repositories_at(black_box(&url)).first().copied()?;
        view.levels(repository)[Level::Team.index()]
    });
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
    let mut dimensions = Level::ALL.map(FacetBy::Level).to_vec();
    dimensions.push(FacetBy::Platform);
    let in_business =
        Filter::And(vec![Filter::Within(vec![org.business]), Filter::AnyText("amber".to_owned())]);
    bench(group, "all_facets_of_a_business_with_text", size, || {
        clade::query::facets(view, Kind::Project, black_box(&in_business), &dimensions, false)
    });
    let member = Filter::Text(Field::Email, TextTest::Eq("person77@corp.example".to_owned()));
    let of_member = Filter::And(vec![
        Filter::Within(vec![org.business]),
        Filter::Related(Relation::Member, Box::new(member)),
        Filter::Text(Field::Name, TextTest::Contains("a".to_owned())),
    ]);
    let fifty = PageRequest { first: Some(50), ..PageRequest::default() };
    bench(group, "compound_with_page_and_total", size, || {
        let matches = select(view, Kind::Project, black_box(&of_member));
        (matches.len(), page(view, &matches, Order::default(), &fifty).unwrap())
    });
}

fn pages(group: &mut BenchmarkGroup<'_, WallTime>, size: u64, org: &Org) {
    let view = &org.view;
    let matches = view.below(org.corp, Kind::Project);
    let hundred = PageRequest { first: Some(100), ..PageRequest::default() };
    let paged = |by| page(view, &matches, Order { by, descending: true }, black_box(&hundred));
    bench(group, "page_by_creation", size, || paged(OrderBy::Created));
    bench(group, "page_by_name", size, || paged(OrderBy::Field(Field::Name)));
    let deep = matches.select(u32::try_from(matches.len() / 2).unwrap()).map(EntityId).unwrap();
    for (name, by) in
        [("deep_page_by_creation", OrderBy::Created), ("deep_page_by_name", OrderBy::Field(Field::Name))]
    {
        let order = Order { by, descending: true };
        let after = PageRequest { after: Some(cursor(view, order, deep)), ..hundred.clone() };
        bench(group, name, size, || page(view, &matches, order, black_box(&after)));
    }
    bench(group, "search", size, || search(view, black_box("quartz rav"), &[], None, 10));
    bench(group, "search_of_a_common_beginning", size, || search(view, black_box("amb"), &[], None, 10));
    bench(group, "search_with_a_typo", size, || search(view, black_box("quratz raven"), &[], None, 10));
}

/// Applied and published, with a reader in the way of neither.
fn changes(group: &mut BenchmarkGroup<'_, WallTime>, size: u64, org: &Org) {
    let directory = &org.directory;
    let number = Cell::new(0_u64);
    bench(group, "insert", size, || {
        number.set(number.get() + 1);
        directory.apply(CreateProject::new(&format!("new-{}", number.get()), "New").under("corp")).unwrap()
    });
    let is_away = Cell::new(false);
    let home = directory.view().parents(org.department)[0];
    let away = directory.view().roots()[0];
    bench(group, "move_of_the_largest_department", size, || {
        let (from, to) = if is_away.replace(!is_away.get()) { (away, home) } else { (home, away) };
        let unit = UnitRef::Id(org.department);
        let moved = MoveUnit { unit, to: to.into(), from: Some(from.into()), if_revision: None };
        directory.apply(Command::MoveUnit(moved)).unwrap()
    });
}

fn graph(criterion: &mut Criterion) {
    for size in SIZES {
        let org = Org::of(size);
        hierarchy(&mut criterion.benchmark_group("hierarchy"), size, &org);
        filters(&mut criterion.benchmark_group("filter"), size, &org);
        pages(&mut criterion.benchmark_group("page"), size, &org);
        changes(&mut criterion.benchmark_group("change"), size, &org);
    }
}

criterion_group!(benches, graph);
criterion_main!(benches);
