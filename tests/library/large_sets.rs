//! Units and projects with many records directly below them, for which other ways of finding and updating are taken.

use clade::model::command::Beneath;
use clade::query::{Field, Filter, Relation, TextTest, select};
use clade::{
    CreateMapping, CreateOrgUnit, CreatePerson, CreateProject, DeleteMapping, DeleteOrgUnit, DeletePerson,
    Directory, Kind, View,
};

fn email(number: usize) -> String {
    format!("p{number}@corp.example")
}

/// The members of the project `all`, found by its id, which must be those of its mappings; their number.
fn members(view: &View) -> usize {
    let id = Filter::Text(Field::ProjectId, TextTest::Eq("all".to_owned()));
    let found = select(view, Kind::Person, &Filter::Related(Relation::Project, Box::new(id)));
    let mut listed: Vec<_> = view.members(view.project("all").unwrap().id()).iter().map(|id| id.0).collect();
    listed.sort_unstable();
    assert_eq!(found.iter().collect::<Vec<_>>(), listed);
    listed.len()
}

#[test]
fn a_large_project_has_the_members_that_its_mappings_say() {
    let directory = Directory::in_memory().unwrap();
    directory.apply(CreateProject::new("all", "All").under("Corp")).unwrap();
    directory.apply((0..400).map(|at| CreatePerson::new(&email(at)))).unwrap();
    let member = |at| CreateMapping::member("all", &email(at));
    // One by one over the number at which a project becomes large, and back.
    for at in 0..300 {
        directory.apply(member(at)).unwrap();
    }
    assert_eq!(members(&directory.view()), 300);
    directory.apply((0..40).map(|at| DeletePerson::new(&email(at)))).unwrap();
    assert_eq!(members(&directory.view()), 260);
    for at in 40..60 {
        let view = directory.view();
        let person = view.person(&email(at)).unwrap().id();
        let membership = view.mapping_between(view.project("all").unwrap().id(), person).unwrap().id;
        directory.apply(DeleteMapping::new(membership)).unwrap();
    }
    assert_eq!(members(&directory.view()), 240);
    directory.apply((300..400).map(member)).unwrap();
    assert_eq!(members(&directory.view()), 340);
    // A change set that is large in proportion to the directory is applied in another way.
    let more = (400..3_000).map(|at| CreatePerson::new(&email(at)));
    directory.apply(more).unwrap();
    directory.apply((400..3_000).map(member)).unwrap();
    assert_eq!(members(&directory.view()), 2_940);
    assert_eq!(directory.check().unwrap().findings, Vec::<String>::new());
}

#[test]
fn a_unit_that_loses_its_many_children_one_by_one_keeps_what_else_it_reaches() {
    let directory = Directory::in_memory().unwrap();
    directory.apply(CreateOrgUnit::new("Corp", "organization")).unwrap();
    directory.apply(CreateOrgUnit::new("Wide", "department").under("Corp")).unwrap();
    let child = |at: usize| CreateOrgUnit::new(&format!("w{at}"), "team");
    directory.apply((0..50).map(|at| child(at).under("Wide"))).unwrap();
    directory.apply(CreatePerson::new("ada@corp.example").in_units(["w0", "w1"])).unwrap();
    directory.apply(CreateProject::new("cart", "Cart").in_units(["w2", "Corp"])).unwrap();
    let reached = || {
        let totals = directory.view().org_unit("Corp").unwrap().totals();
        (totals.units, totals.people, totals.projects)
    };
    assert_eq!(reached(), (51, 1, 1));
    for (at, expected) in [(0, (50, 1, 1)), (1, (49, 0, 1)), (2, (48, 0, 1)), (3, (47, 0, 1))] {
        directory.apply(DeleteOrgUnit::new(format!("w{at}").as_str()).beneath(Beneath::End)).unwrap();
        assert_eq!(reached(), expected, "w{at}");
        assert_eq!(directory.check().unwrap().findings, Vec::<String>::new());
    }
}
