//! Rules 5 and 6 of the model. A reference resolves as key, external id, path, then unique name. The ends of a mapping
//! must exist; linking units creates missing ones.

use clade::model::command::{
    Command, Create, Effect, EndRef, IfExists, LinkUnits, MappingFields, Patch, UnitFields,
};
use clade::model::{
    CreateMapping, CreateOrgUnit, CreatePerson, CreateProject, Email, EntityId, ExternalId, Level,
    MappingType, Name, ProjectId, UnitKey, UnitRef, UnitType,
};
use clade::{Directory, Error};

use super::{keys, org, person};

#[test]
fn a_reference_is_tried_as_key_external_id_path_and_name() {
    let directory = org(&["Corp > Retail, Web", "Retail > R&D"]);
    directory.apply(CreateOrgUnit::new("R&D", "department").key("web/rd").under("Web")).unwrap();
    directory
        .apply(Command::CreateUnit(Create {
            fields: UnitFields {
                key: Some(UnitKey::parse("k-7").unwrap()),
                name: Some(Name::parse("Lab").unwrap()),
                external_id: Patch::Set(ExternalId::parse("Retail/R&D").unwrap()),
                ..UnitFields::default()
            },
            if_exists: IfExists::Refuse,
        }))
        .unwrap();
    let view = directory.view();
    let found = |text: &str| view.find_unit(&UnitRef::from(text)).map(|id| view.label(id));
    assert_eq!(found("R&D").unwrap(), "R&D", "a key comes before a name");
    assert_eq!(found("web/rd").unwrap(), "web/rd");
    assert_eq!(found("Retail/R&D").unwrap(), "k-7", "an external id comes before a path");
    assert_eq!(found("Lab").unwrap(), "k-7", "a name that one unit has");
    assert_eq!(found("Web/R&D").unwrap(), "web/rd");
    assert_eq!(found("Corp/Web/R&D").unwrap(), "web/rd");
    assert_eq!(view.org_unit(vec!["Web".to_owned(), "R&D".to_owned()]).unwrap().key.as_str(), "web/rd");
    assert!(matches!(found("Korp"), Err(Error::NotFound { .. })));
}

#[test]
fn two_candidates_are_refused_and_listed() {
    let directory = org(&["Corp > Retail, Web"]);
    for (key, parent) in [("rd-1", "Retail"), ("rd-2", "Web")] {
        directory.apply(CreateOrgUnit::new("R&D", "department").key(key).under(parent)).unwrap();
    }
    let refusal = directory.view().find_unit(&UnitRef::from("R&D")).unwrap_err();
    assert!(matches!(&refusal, Error::Ambiguous { candidates, .. } if *candidates == ["rd-1", "rd-2"]));
    let refusal = directory.apply(CreateMapping::parent_child("Corp", "R&D")).unwrap_err();
    assert_eq!(refusal.code(), "ambiguous");
}

#[test]
fn a_type_is_asked_of_the_last_unit_of_a_path_alone() {
    let directory = Directory::in_memory().unwrap();
    let corp = CreateOrgUnit::new("Corp", "organization");
    let mid = CreateOrgUnit::new("Mid", "business").under("Corp");
    let labs = ["team", "department"]
        .map(|unit_type| CreateOrgUnit::new("Lab", unit_type).key(&format!("lab-{unit_type}")).under("Mid"));
    directory.apply([corp, mid].into_iter().chain(labs)).unwrap();
    let view = directory.view();
    let found = |path: &str, unit_type: &str| {
        let unit_type = UnitType::parse(unit_type).unwrap();
        let by_text = view.units_for(&UnitRef::Text(path.to_owned()), Some(&unit_type));
        let names = path.split('/').map(str::to_owned).collect();
        assert_eq!(view.units_for(&UnitRef::Path(names), Some(&unit_type)), by_text, "{path}");
        keys(&view, by_text)
    };
    assert_eq!(found("Mid/Lab", "team"), ["lab-team"]);
    assert_eq!(found("Corp/Mid/Lab", "department"), ["lab-department"]);
    assert_eq!(found("Corp/Lab", "team"), ["lab-team"]);
    assert_eq!(found("Corp/Mid/Lab", "business"), [""; 0]);
    assert_eq!(found("Corp/Mid", "business"), ["Mid"]);
    let refusal = view.find_unit(&UnitRef::from("Mid/Lab")).unwrap_err();
    assert_eq!(refusal.code(), "ambiguous");
}

#[test]
fn linking_units_creates_missing_ones() {
    let directory = Directory::in_memory().unwrap();
    let types = |word: &str| UnitType::parse(word).unwrap();
    let link = LinkUnits::new("Opsera", "R&D").types(types("root"), types("Department"));
    let view = directory.apply(link.clone()).unwrap().view;
    assert_eq!(view.org_unit("Opsera").unwrap().unit_type, Level::Organization.into());
    assert_eq!(view.org_unit("Opsera/R&D").unwrap().unit_type, Level::Department.into());
    assert_eq!(directory.apply(link).unwrap_err().code(), "duplicate");
}

#[test]
fn a_wrong_type_of_a_unit_is_refused_instead_of_creating_another() {
    let directory = org(&["Corp > Retail"]);
    let types =
        |parent: &str, child: &str| (UnitType::parse(parent).unwrap(), UnitType::parse(child).unwrap());
    let (parent, child) = types("team", "team");
    let refusal = directory.apply(LinkUnits::new("Retail", "Cart").types(parent, child)).unwrap_err();
    assert_eq!(refusal.code(), "wrong-type");
    let (parent, child) = types("organization", "team");
    let refusal = directory.apply(LinkUnits::new("Corp", "Retail").types(parent, child)).unwrap_err();
    assert_eq!(refusal.code(), "wrong-type");
    // Elsewhere, the same name with another type is another unit.
    let (parent, child) = types("business", "team");
    let view = directory.apply(LinkUnits::new("Retail", "Retail").types(parent, child)).unwrap().view;
    assert_eq!(view.org_unit("Corp/Retail/Retail").unwrap().unit_type, Level::Team.into());
}

#[test]
fn a_mapping_that_names_nothing_says_which() {
    let directory = org(&["Corp > Retail"]);
    directory.apply(CreatePerson::new("ada@x")).unwrap();
    directory.apply(CreateProject::new("shop", "Shop")).unwrap();
    for (command, code, told) in [
        (CreateMapping::member("shop", "bob@x"), "unknown-person", "attribute2 names the person \"bob@x\""),
        (CreateMapping::member("shoe", "ada@x"), "unknown-project", "attribute1 names the project \"shoe\""),
        (CreateMapping::member("bob@x", "shop"), "unknown-person", "attribute1 names the person \"bob@x\""),
        (CreateMapping::project_in("shop", "Korp"), "unknown-unit", "attribute2 names the unit \"Korp\""),
        (CreateMapping::person_in("bob@x", "Corp"), "unknown-person", "attribute1"),
        (CreateMapping::parent_child("Korp", "Corp"), "unknown-unit", "attribute1"),
    ] {
        let refusal = directory.apply(command).unwrap_err();
        assert_eq!(refusal.code(), code, "{refusal}");
        assert!(refusal.to_string().contains(told), "{refusal}");
    }
}

#[test]
fn a_membership_takes_its_ends_in_either_order_and_once() {
    let directory = Directory::in_memory().unwrap();
    directory.apply(CreatePerson::new("ada@x")).unwrap();
    directory.apply(CreateProject::new("shop", "Shop")).unwrap();
    let view = directory.apply(CreateMapping::member("ada@x", "shop")).unwrap().view;
    assert_eq!(view.memberships(person(&view, "ADA@X")).len(), 1);
    let refusal = directory.apply(CreateMapping::member("shop", "ada@x")).unwrap_err();
    assert!(matches!(refusal, Error::Duplicate { id: Some(_), .. }), "{refusal}");
}

#[test]
fn an_end_is_named_in_every_notation_and_errors_quote_it() {
    let directory = Directory::in_memory().unwrap();
    directory.apply(CreatePerson::new("Ada@x").under("Corp/Lab")).unwrap();
    directory.apply(CreateProject::new("engine", "Engine").under("Corp/Lab")).unwrap();
    let view = directory.view();
    let lab = view.find_unit(&UnitRef::from("Lab")).unwrap();
    let ada = EndRef::Person(Email::parse("ada@X").unwrap());
    let engine = EndRef::Project(ProjectId::parse("engine").unwrap());
    let text = |text: &str| EndRef::Text(text.to_owned());
    let path = |names: &[&str]| EndRef::Path(names.iter().map(|name| (*name).to_owned()).collect());
    let map = |from: &EndRef, to: &EndRef, mapping_type: Option<MappingType>| {
        let fields = MappingFields {
            mapping_type,
            from: Some(from.clone()),
            to: Some(to.clone()),
            ..MappingFields::default()
        };
        directory.dry_run([Command::CreateMapping(Create { fields, if_exists: IfExists::Merge })])
    };
    let units = [
        EndRef::Id(lab),
        text("Corp/Lab"),
        path(&["Corp", "Lab"]),
        EndRef::Unit(UnitKey::parse("Lab").unwrap()),
    ];
    for unit in &units {
        for person in [&ada, &text("ada@x"), &EndRef::Id(person(&view, "ada@x"))] {
            let told = map(person, unit, Some(MappingType::PeopleOrg)).unwrap();
            assert_eq!(told.outcomes[0].effect, Effect::Unchanged, "{person:?} in {unit:?}");
        }
        map(&engine, unit, None).unwrap();
    }
    map(&engine, &ada, None).unwrap();
    let refused =
        |from: &EndRef, to: &EndRef, mapping_type| map(from, to, mapping_type).unwrap_err().to_string();
    let nobody = EndRef::Person(Email::parse("nobody@x").unwrap());
    let nothing = EndRef::Project(ProjectId::parse("nothing").unwrap());
    for (from, to, named) in [
        (&nobody, &units[0], "nobody@x"),
        (&nothing, &units[0], "nothing"),
        (&ada, &path(&["Corp", "No"]), "Corp/No"),
        (&ada, &EndRef::Unit(UnitKey::parse("no-key").unwrap()), "no-key"),
        (&ada, &EndRef::Id(EntityId(4_000)), "#4000"),
        (&ada, &text("no text"), "no text"),
    ] {
        let refusal = refused(
            from,
            to,
            Some(if from == &nothing { MappingType::ProjectOrg } else { MappingType::PeopleOrg }),
        );
        assert!(refusal.contains(named), "{refusal}");
    }
    let refusal = refused(&engine, &units[0], Some(MappingType::PeopleOrg));
    assert!(refusal.contains("engine"), "{refusal}");
}
