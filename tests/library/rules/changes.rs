//! Rule 7 of the model: nothing is lost by accident. A change keeps the fields that are absent in it, and the log
//! keeps deleted records.

use clade::Directory;
use clade::model::attributes::AttributesPatch;
use clade::model::command::{
    Command, Create, Delete, Effect, EndRef, IfExists, MappingFields, Patch, PersonRef, ProjectFields,
    RepositoryFields, ServiceFields, Subject, Update,
};
use clade::model::{Change, CreatePerson, Email, Kind, Name, ProjectId, RepoUrl, Revision};

use super::org;

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
        if_revision: Some(Revision(1).into()),
    });
    assert_eq!(directory.apply(stale).unwrap_err().code(), "precondition-failed");
}
