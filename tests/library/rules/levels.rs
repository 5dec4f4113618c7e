//! Rules 3 and 4 of the model. The levels of a record are a path of units, found or created below one another. The
//! level fields are derived from the placement.

use clade::model::command::{
    Command, Create, IfExists, LevelNames, MoveUnit, Patch, PersonFields, PersonRef, Placement, Update,
};
use clade::model::{CreateMapping, CreateOrgUnit, CreateProject, Email, EntityId, Kind, Level, Name};
use clade::query::{FacetBy, Filter, facet, select};
use clade::{Directory, View};

use super::{keys, org, person};

fn levels(names: [&str; 5]) -> LevelNames {
    names.map(|name| (!name.is_empty()).then(|| Name::parse(name).unwrap()))
}

fn person_at(email: &str, names: [&str; 5], if_exists: IfExists) -> Command {
    Command::CreatePerson(Create {
        fields: PersonFields {
            email: Some(Email::parse(email).unwrap()),
            placement: Placement::Levels(levels(names)),
            ..PersonFields::default()
        },
        if_exists,
    })
}

fn patch_levels(email: &str, patches: [Patch<Name>; 5]) -> Command {
    Command::UpdatePerson(Update {
        target: PersonRef::Email(Email::parse(email).unwrap()),
        fields: PersonFields { placement: Placement::PatchLevels(patches), ..PersonFields::default() },
        if_revision: None,
    })
}

/// The level fields of a record, without empty ones.
fn shown(view: &View, id: EntityId) -> String {
    let name = |unit: EntityId| view.entity(unit).unwrap().as_org_unit().unwrap().name.to_string();
    view.levels(id).into_iter().flatten().map(name).collect::<Vec<_>>().join(" > ")
}

#[test]
fn two_departments_of_one_name_in_two_businesses_are_two_units() {
    let directory = Directory::in_memory().unwrap();
    for (email, business) in [("ada@x", "Retail"), ("bob@x", "Web")] {
        directory.apply(person_at(email, ["Corp", business, "Platform", "", ""], IfExists::Refuse)).unwrap();
    }
    let view = directory.view();
    assert_eq!(view.all(Kind::OrgUnit).len(), 5);
    assert_eq!(shown(&view, person(&view, "bob@x")), "Corp > Web > Platform");
    let mut made = keys(&view, view.children(view.org_unit("Web").unwrap().id()));
    made.extend(keys(&view, view.children(view.org_unit("Retail").unwrap().id())));
    assert_eq!(made, ["Corp/Web/Platform", "Platform"]);
    assert_eq!(view.org_unit("Corp/Web/Platform").unwrap().totals().people, 1);
}

#[test]
fn an_unplaced_root_of_the_same_name_and_type_is_adopted() {
    let directory = Directory::in_memory().unwrap();
    directory.apply(CreateOrgUnit::new("Checkout", "team")).unwrap();
    directory.apply(person_at("ada@x", ["Corp", "", "", "", "Checkout"], IfExists::Refuse)).unwrap();
    let view = directory.view();
    assert_eq!(view.all(Kind::OrgUnit).len(), 2);
    assert!(view.contains(view.org_unit("Corp").unwrap().id(), view.org_unit("Checkout").unwrap().id()));
}

#[test]
fn a_level_may_be_left_out_and_is_looked_for_further_down() {
    let directory = Directory::in_memory().unwrap();
    directory.apply(person_at("ada@x", ["Corp", "Retail", "Shop", "", "Cart"], IfExists::Refuse)).unwrap();
    directory.apply(person_at("bob@x", ["Corp", "", "", "", "Cart"], IfExists::Refuse)).unwrap();
    let view = directory.view();
    assert_eq!(view.all(Kind::OrgUnit).len(), 4);
    assert_eq!(shown(&view, person(&view, "bob@x")), "Corp > Retail > Shop > Cart");
}

#[test]
fn the_same_levels_again_change_nothing_and_leave_other_placements() {
    let directory = Directory::in_memory().unwrap();
    let at_cart = ["Corp", "", "", "", "Cart"];
    directory.apply(person_at("ada@x", at_cart, IfExists::Refuse)).unwrap();
    directory.apply(CreateOrgUnit::new("Guild", "chapter")).unwrap();
    let before = directory.apply(CreateMapping::person_in("ada@x", "Guild")).unwrap().view;
    let after = directory.apply(person_at("ada@x", at_cart, IfExists::Merge)).unwrap().view;
    assert_eq!(before.revision(), after.revision());
    assert_eq!(keys(&after, after.parents(person(&after, "ada@x"))), ["Cart", "Guild"]);
}

#[test]
fn new_levels_move_the_record() {
    let directory = Directory::in_memory().unwrap();
    directory.apply(person_at("ada@x", ["Corp", "Retail", "", "", "Cart"], IfExists::Refuse)).unwrap();
    let keep = Patch::Keep;
    let to_pay = Patch::Set(Name::parse("Pay").unwrap());
    let view = directory
        .apply(patch_levels("ada@x", [keep.clone(), keep.clone(), keep.clone(), keep.clone(), to_pay]))
        .unwrap()
        .view;
    assert_eq!(shown(&view, person(&view, "ada@x")), "Corp > Retail > Pay");
    let view = directory
        .apply(patch_levels("ada@x", [keep.clone(), keep.clone(), keep.clone(), keep, Patch::Clear]))
        .unwrap()
        .view;
    assert_eq!(shown(&view, person(&view, "ada@x")), "Corp > Retail");
    let view = directory.apply(patch_levels("ada@x", [const { Patch::Clear }; 5])).unwrap().view;
    assert_eq!(keys(&view, view.parents(person(&view, "ada@x"))), Vec::<String>::new());
}

#[test]
fn a_level_path_that_would_lead_upwards_makes_a_unit_of_its_own() {
    let directory = Directory::in_memory().unwrap();
    directory.apply(CreateOrgUnit::new("Cart", "team")).unwrap();
    directory.apply(CreateOrgUnit::new("Corp", "organization").under("Cart")).unwrap();
    let view =
        directory.apply(person_at("ada@x", ["Corp", "", "", "", "Cart"], IfExists::Refuse)).unwrap().view;
    assert_eq!(directory.check().unwrap().findings, Vec::<String>::new());
    assert_eq!(keys(&view, view.parents(person(&view, "ada@x"))), ["Cart/Corp/Cart"]);
}

#[test]
fn a_level_path_over_new_units_does_not_lead_upwards_either() {
    for between in [["Corp", "New", "", ""], ["Corp", "New", "Newer", ""], ["Corp", "New", "Newer", "Newest"]]
    {
        let directory = Directory::in_memory().unwrap();
        directory.apply(CreateOrgUnit::new("Cart", "team")).unwrap();
        directory.apply(CreateOrgUnit::new("Corp", "organization").under("Cart")).unwrap();
        let [a, b, c, d] = between;
        let view = directory.apply(person_at("ada@x", [a, b, c, d, "Cart"], IfExists::Refuse)).unwrap().view;
        assert_eq!(directory.check().unwrap().findings, Vec::<String>::new());
        let path = ["Cart"].into_iter().chain(between).chain(["Cart"]).filter(|name| !name.is_empty());
        let path = path.collect::<Vec<_>>().join("/");
        assert_eq!(keys(&view, view.parents(person(&view, "ada@x"))), [path]);
        // A root that is above none of it is adopted.
        directory.apply(CreateOrgUnit::new("Till", "team")).unwrap();
        let levels = [a, "Another", "", "", "Till"];
        let view = directory.apply(person_at("bob@x", levels, IfExists::Refuse)).unwrap().view;
        assert_eq!(keys(&view, view.parents(person(&view, "bob@x"))), ["Till"]);
    }
}

#[test]
fn a_reorganisation_done_once_shows_in_every_record() {
    let directory = Directory::in_memory().unwrap();
    for n in 0..3 {
        let command = person_at(&format!("p{n}@x"), ["Corp", "Retail", "", "", "Cart"], IfExists::Refuse);
        directory.apply(command).unwrap();
    }
    directory.apply(CreateOrgUnit::new("Web", "business").under("Corp")).unwrap();
    let view = directory
        .apply(Command::MoveUnit(MoveUnit {
            unit: "Cart".into(),
            to: "Web".into(),
            from: None,
            if_revision: None,
        }))
        .unwrap()
        .view;
    for n in 0..3 {
        assert_eq!(shown(&view, person(&view, &format!("p{n}@x"))), "Corp > Web > Cart");
    }
}

#[test]
fn the_earliest_mapping_decides_and_a_narrow_view_derives_its_own() {
    let directory = Directory::in_memory().unwrap();
    directory.apply(person_at("ada@x", ["Corp", "Retail", "", "", "Cart"], IfExists::Refuse)).unwrap();
    directory.apply(CreateOrgUnit::new("Web", "business").under("Corp")).unwrap();
    let view = directory.apply(CreateMapping::person_in("ada@x", "Web")).unwrap().view;
    let ada = person(&view, "ada@x");
    // Web is nearer than Retail, which is above the team.
    assert_eq!(shown(&view, ada), "Corp > Web > Cart");
    let narrow = view.within(&[view.org_unit("Retail").unwrap().id()]);
    assert_eq!(shown(&narrow, ada), "Retail > Cart");
    assert_eq!(keys(&narrow, narrow.roots()), ["Retail"]);
}

#[test]
fn filters_and_facets_count_every_unit_above() {
    let directory = org(&["Corp > Retail, Web", "Retail > Cart", "Web > Pay"]);
    directory.apply(CreateProject::new("shop", "Shop").under("Cart")).unwrap();
    let view = directory.apply(CreateMapping::project_in("shop", "Pay")).unwrap().view;
    let within = |key: &str| Filter::Within(vec![view.org_unit(key).unwrap().id()]);
    for key in ["Corp", "Retail", "Web"] {
        assert_eq!(select(&view, Kind::Project, &within(key)).len(), 1, "{key}");
    }
    let by_level = |level| facet(&view, Kind::Project, &Filter::All, FacetBy::Level(level), false);
    let told = |level| by_level(level).into_iter().map(|bucket| (bucket.value, bucket.count));
    assert_eq!(told(Level::Organization).collect::<Vec<_>>(), [("Corp".to_owned(), 1)]);
    let both = [("Retail".to_owned(), 1), ("Web".to_owned(), 1)];
    assert_eq!(told(Level::Business).collect::<Vec<_>>(), both);
}
