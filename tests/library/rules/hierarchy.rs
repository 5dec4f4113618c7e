//! Rules 1 and 2 of the model. The hierarchy has no cycles: every command that would create one is refused with the
//! whole path. An entity counts once, however many paths lead to it.

use clade::graph::OrgUnitNode;
use clade::model::command::{
    Command, Create, Delete, EndRef, IfExists, LinkUnits, MappingFields, MoveUnit, UnitFields, Update,
};
use clade::model::{CreateMapping, CreateOrgUnit, CreatePerson, CreateProject, UnitKey, UnitRef};
use clade::{Directory, Error};

use super::{keys, org};

#[test]
fn a_cycle_is_refused_by_its_whole_path_through_every_command() {
    let directory = org(&["Corp > Retail", "Retail > Shop", "Shop > Cart"]);
    let path = ["Cart", "Corp", "Retail", "Shop", "Cart"].map(str::to_owned).to_vec();
    let unit = |key: &str| UnitRef::from(key);
    let refusals = [
        directory.apply(LinkUnits::new("Cart", "Corp")).unwrap_err(),
        directory.apply(CreateMapping::parent_child("Cart", "Corp")).unwrap_err(),
        directory
            .apply(Command::MoveUnit(MoveUnit {
                unit: unit("Corp"),
                to: unit("Cart"),
                from: None,
                if_revision: None,
            }))
            .unwrap_err(),
        directory
            .apply(CreateOrgUnit::new("Corp", "organization").key("Corp").under("Cart").or_update())
            .unwrap_err(),
    ];
    for refusal in refusals {
        assert!(matches!(&refusal, Error::WouldCycle { path: told } if *told == path), "{refusal}");
        assert!(refusal.to_string().contains("Cart > Corp > Retail > Shop > Cart"), "{refusal}");
    }
}

#[test]
fn a_cycle_within_one_set_is_refused_and_nothing_of_the_set_remains() {
    let directory = org(&["Corp > Retail"]);
    let before = directory.view();
    let refusal = directory
        .apply([
            LinkUnits::new("Retail", "Shop"),
            LinkUnits::new("Shop", "Cart"),
            LinkUnits::new("Cart", "Retail"),
        ])
        .unwrap_err();
    assert!(refusal.to_string().contains("Cart > Retail > Shop > Cart"), "{refusal}");
    assert_eq!(before.differences(&directory.view()), Vec::<String>::new());
}

#[test]
fn a_unit_is_not_its_own_parent_known_or_not() {
    let directory = org(&["Corp > Retail"]);
    for refused in [LinkUnits::new("Retail", "Retail"), LinkUnits::new("New", "New")] {
        assert_eq!(directory.apply(refused).unwrap_err().code(), "self-parent");
    }
    assert_eq!(
        directory.apply(CreateMapping::parent_child("Corp", "Corp")).unwrap_err().code(),
        "self-parent"
    );
    assert!(directory.view().org_unit("New").is_err());
}

#[test]
fn a_mapping_is_reversed_unless_another_path_leads_down() {
    let directory = org(&["Corp > Retail", "Retail > Shop, Cart", "Shop > Cart"]);
    let turn = |upper: &str, lower: &str| {
        let view = directory.view();
        let id = |key: &str| view.org_unit(key).unwrap().id();
        let fields = MappingFields {
            from: Some(EndRef::Text(lower.to_owned())),
            to: Some(EndRef::Text(upper.to_owned())),
            ..MappingFields::default()
        };
        let target = view.mapping_between(id(upper), id(lower)).unwrap().id;
        directory.apply(Command::UpdateMapping(Update { target, fields, if_revision: None }))
    };
    let view = turn("Corp", "Retail").unwrap().view;
    assert_eq!(keys(&view, view.roots()), ["Retail"]);
    let refusal = turn("Retail", "Cart").unwrap_err();
    assert!(refusal.to_string().contains("Cart > Retail > Shop > Cart"), "{refusal}");
    let view = turn("Shop", "Cart").unwrap().view;
    assert_eq!(keys(&view, view.ancestors(view.org_unit("Shop").unwrap().id())), ["Retail", "Cart"]);
    assert_eq!(directory.check().unwrap().findings, Vec::<String>::new());
}

#[test]
fn a_duplicate_parent_is_one_parent_and_allows_no_cycle() {
    let directory = Directory::in_memory().unwrap();
    let unit = |key: &str, parents: &[&str]| UnitFields {
        key: Some(UnitKey::parse(key).unwrap()),
        parents: Some(parents.iter().map(|parent| UnitRef::from(*parent)).collect()),
        ..UnitFields::default()
    };
    let create = |fields| Command::CreateUnit(Create { fields, if_exists: IfExists::Refuse });
    let change = |key: &str, parents: &[&str]| {
        let fields = UnitFields { key: None, ..unit(key, parents) };
        Command::UpdateUnit(Update { target: key.into(), fields, if_revision: None })
    };
    directory.apply(CreateOrgUnit::new("Alpha", "team").key("a")).unwrap();
    directory.apply(create(unit("b", &["a", "a", "Alpha"]))).unwrap();
    directory.apply(CreateOrgUnit::new("c", "team")).unwrap();
    let view = directory.apply(change("c", &["Alpha", "a", "b", "a"])).unwrap().view;
    assert_eq!(view.mappings().len(), 3);
    let view = directory.apply(change("b", &[])).unwrap().view;
    assert_eq!(view.mappings().len(), 2, "no second mapping is left behind");
    directory.apply(change("c", &[])).unwrap();
    directory.apply(change("a", &["b"])).unwrap();
    assert_eq!(directory.apply(change("b", &["a", "a"])).unwrap_err().code(), "cycle");
    assert_eq!(directory.check().unwrap().findings, Vec::<String>::new());
}

#[test]
fn a_unit_with_two_parents_counts_once() {
    let directory = org(&["Corp > Retail, Web", "Retail > Checkout", "Web > Checkout"]);
    directory.apply(CreatePerson::new("ada@x").under("Checkout")).unwrap();
    directory.apply(CreateMapping::person_in("ada@x", "Web")).unwrap();
    directory.apply(CreateProject::new("cart", "Cart").under("Checkout")).unwrap();
    let totals = directory.view().org_unit("Corp").unwrap().totals();
    assert_eq!((totals.units, totals.people, totals.projects), (3, 1, 1));
}

#[test]
fn a_record_with_two_paths_stays_when_one_is_removed() {
    let directory = org(&["Corp > Retail, Web", "Retail > Checkout", "Web > Checkout"]);
    directory.apply(CreatePerson::new("ada@x").under("Checkout")).unwrap();
    let view = directory.view();
    let (retail, checkout) = (view.org_unit("Retail").unwrap().id(), view.org_unit("Checkout").unwrap().id());
    let target = view.mapping_between(retail, checkout).unwrap().id;
    let view = directory.apply(Command::DeleteMapping(Delete { target, if_revision: None })).unwrap().view;
    let people = |key: &str| view.org_unit(key).unwrap().totals().people;
    assert_eq!((people("Corp"), people("Retail"), people("Web")), (1, 0, 1));
}

#[test]
fn a_unit_leads_to_its_ancestors_and_descendants() {
    let directory = org(&["Corp > Retail, Web", "Retail > Shop", "Web > Shop"]);
    directory.apply(CreatePerson::new("ada@x").under("Shop")).unwrap();
    directory.apply(CreateProject::new("cart", "Cart").under("Web")).unwrap();
    let view = directory.view();
    let unit = |key: &str| view.org_unit(key).unwrap();
    let sorted = |units: &mut dyn Iterator<Item = OrgUnitNode<'_>>| {
        let mut keys: Vec<String> = units.map(|unit| unit.key.to_string()).collect();
        keys.sort();
        keys
    };
    assert_eq!(sorted(&mut unit("Shop").ancestors()), ["Corp", "Retail", "Web"]);
    assert_eq!(sorted(&mut unit("Corp").ancestors()), [""; 0]);
    assert_eq!(sorted(&mut unit("Corp").children()), ["Retail", "Web"]);
    let people = |key: &str| unit(key).people().map(|person| person.email.to_string()).collect::<Vec<_>>();
    assert_eq!((people("Retail"), people("Corp")), (vec!["ada@x".to_owned()], vec!["ada@x".to_owned()]));
}
