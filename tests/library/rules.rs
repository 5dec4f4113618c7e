//! The seven rules of the model, each by small cases: no cycles, each entity counts once, level paths, derived level
//! fields, references to units, ends of mappings, deletion and history.

use clade::graph::OrgUnitNode;
use clade::model::attributes::AttributesPatch;
use clade::model::command::{
    Command, Create, Delete, Effect, EndRef, IfExists, LevelNames, LinkUnits, MappingFields, MoveUnit, Patch,
    PersonFields, PersonRef, Placement, ProjectFields, RepositoryFields, ServiceFields, Subject, UnitFields,
    Update,
};
use clade::model::{
    Change, CreateMapping, CreateOrgUnit, CreatePerson, CreateProject, Email, EntityId, ExternalId, Kind,
    Level, MappingType, Name, ProjectId, RepoUrl, Revision, UnitKey, UnitRef, UnitType,
};
use clade::query::{FacetBy, Filter, facet, select};
use clade::{Directory, Error, View};

/// An organization of units, from lines such as `Corp > Retail, Web`: a parent and its children.
fn org(lines: &[&str]) -> Directory {
    let directory = Directory::in_memory().unwrap();
    for line in lines {
        let (parent, children) = line.split_once(" > ").unwrap();
        for child in children.split(", ") {
            directory.apply(LinkUnits::new(parent, child)).unwrap();
        }
    }
    directory
}

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

fn person(view: &View, email: &str) -> EntityId {
    view.person_by_email(&Email::parse(email).unwrap()).unwrap()
}

/// The level fields of a record, without empty ones.
fn shown(view: &View, id: EntityId) -> String {
    let name = |unit: EntityId| view.entity(unit).unwrap().as_org_unit().unwrap().name.to_string();
    view.levels(id).into_iter().flatten().map(name).collect::<Vec<_>>().join(" > ")
}

fn keys(view: &View, ids: Vec<EntityId>) -> Vec<String> {
    ids.into_iter().map(|id| view.label(id)).collect()
}

// 1. The hierarchy has no cycles, on any path in, and a refusal names the whole path.

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
        directory.apply(CreateOrgUnit::new("Corp", "organization").under("Cart").or_update()).unwrap_err(),
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

// 2. An entity counts once, however many ways lead to it.

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

// 3. Levels given on a record are a path: found or made beneath one another.

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
fn an_updated_mapping_keeps_fields_that_are_absent() {
    let directory = org(&["Corp > Lab"]);
    directory.apply(CreatePerson::new("ada@x")).unwrap();
    let attributes =
        |text: &str| AttributesPatch::Merge([("note".to_owned(), text.into())].into_iter().collect());
    let name = |text: &str| Patch::Set(Name::parse(text).unwrap());
    let fields = MappingFields {
        from: Some(EndRef::Text("ada@x".to_owned())),
        to: Some(EndRef::Text("Lab".to_owned())),
        source: name("hr"),
        attributes: attributes("first"),
        ..MappingFields::default()
    };
    let made =
        directory.apply(Command::CreateMapping(Create { fields, if_exists: IfExists::Refuse })).unwrap();
    let Subject::Mapping(id) = made.outcomes[0].subject else { panic!("{:?}", made.outcomes) };
    let change = |fields: MappingFields| {
        let update = Update { target: id, fields, if_revision: None };
        let view = directory.apply(Command::UpdateMapping(update)).unwrap().view;
        let mapping = view.mapping(&id).unwrap();
        let source = mapping.source.as_ref().map(ToString::to_string);
        (source.unwrap_or_default(), mapping.attributes.to_value()["note"].clone(), view.label(mapping.to))
    };
    let to_corp = MappingFields { to: Some(EndRef::Text("Corp".to_owned())), ..MappingFields::default() };
    assert_eq!(change(to_corp), ("hr".to_owned(), "first".into(), "Corp".to_owned()));
    let noted = MappingFields { attributes: attributes("second"), ..MappingFields::default() };
    assert_eq!(change(noted), ("hr".to_owned(), "second".into(), "Corp".to_owned()));
    let sourced = MappingFields { source: name("sync"), ..MappingFields::default() };
    assert_eq!(change(sourced), ("sync".to_owned(), "second".into(), "Corp".to_owned()));
}

// 4. The level fields are derived.

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

// 5. A name is tried as key, external id, path, then as a unique name.

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

// 6. What a mapping names must be there; linking units makes them.

#[test]
fn a_project_has_changed_where_its_assets_have() {
    let directory = Directory::in_memory().unwrap();
    let effect = |repositories: &[&str], services: &[&str]| {
        let repository = |url: &&str| RepositoryFields::at(RepoUrl::parse(url).unwrap()).unwrap();
        let service = |name: &&str| ServiceFields {
            name: Name::parse(name).unwrap(),
            identifier: None,
            dependencies: None,
            external_id: None,
            attributes: AttributesPatch::Keep,
        };
        let fields = ProjectFields {
            project_id: Some(ProjectId::parse("shop").unwrap()),
            name: Some(Name::parse("Shop").unwrap()),
            repositories: Patch::Set(repositories.iter().map(repository).collect()),
            services: Patch::Set(services.iter().map(service).collect()),
            ..ProjectFields::default()
        };
        let create = Command::CreateProject(Create { fields, if_exists: IfExists::Merge });
        directory.apply(create).map(|applied| applied.outcomes[0].effect)
    };
    assert_eq!(effect(&["https://h/a"], &[]).unwrap(), Effect::Created);
    for (repositories, services) in [
        (&["https://h/a", "https://h/b"][..], &[][..]),
        (&["https://h/b"], &[]),
        (&["https://h/b"], &["api"]),
        (&["https://h/b"], &["api", "jobs"]),
        (&[], &["jobs"]),
        (&["https://h/a"], &["jobs"]),
    ] {
        assert_eq!(effect(repositories, services).unwrap(), Effect::Updated, "{repositories:?} {services:?}");
        let view = directory.view();
        let shop = view.project_by_id(&ProjectId::parse("shop").unwrap()).unwrap();
        assert_eq!(view.entity(shop).unwrap().stamps.revision, view.revision());
        let count = |kind| view.assets(shop, kind).len();
        assert_eq!((count(Kind::Repository), count(Kind::Service)), (repositories.len(), services.len()));
        assert_eq!(effect(repositories, services).unwrap(), Effect::Unchanged, "the same again");
    }
    let twice = effect(&["https://h/a", "git@h:a"], &[]).unwrap_err();
    assert_eq!(twice.code(), "duplicate");
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

// 7. Nothing is forgotten by accident.

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

#[test]
fn deleted_records_stay_in_the_log_with_their_interval() {
    let directory = org(&["Corp > Retail"]);
    directory.apply(CreatePerson::new("ada@x").under("Retail")).unwrap();
    let target = PersonRef::Email(Email::parse("ada@x").unwrap());
    let delete = Command::DeletePerson(Delete { target, if_revision: None });
    directory.apply(delete.clone()).unwrap();
    assert_eq!(directory.view().org_unit("Corp").unwrap().totals().people, 0);
    assert_eq!(directory.apply(delete).unwrap_err().code(), "not-found");
    let batches: Vec<_> = directory.log(Revision(1)).unwrap().map(Result::unwrap).collect();
    assert_eq!(batches.len(), 3);
    let ended: Vec<_> = batches[2].sets[0]
        .changes
        .iter()
        .map(|change| match change {
            Change::EndMapping { stamps, .. } => ("mapping", stamps.valid_to),
            Change::EndEntity { stamps, .. } => ("entity", stamps.valid_to),
            other => panic!("an end became {other:?}"),
        })
        .collect();
    let at = Some(batches[2].at);
    assert_eq!(ended, [("mapping", at), ("entity", at)], "what holds it before itself");
    let checked = directory.check().unwrap();
    assert_eq!((checked.entities, checked.mappings), (3, 2), "ended ones too");
}

#[test]
fn a_change_over_an_older_revision_is_refused() {
    let directory = Directory::in_memory().unwrap();
    directory.apply(CreatePerson::new("ada@x")).unwrap();
    directory.apply(CreatePerson::new("ada@x").display_name("Ada").or_update()).unwrap();
    let stale = Command::DeletePerson(Delete {
        target: PersonRef::Email(Email::parse("ada@x").unwrap()),
        if_revision: Some(Revision(1)),
    });
    assert_eq!(directory.apply(stale).unwrap_err().code(), "precondition-failed");
}
