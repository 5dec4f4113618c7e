//! Findings of mappings whose record is deleted. No change leaves such a mapping behind, so these stores are
//! constructed by hand.

use clade::error::StoreErrorKind;
use clade::model::change::{Batch, Change, ChangeSet};
use clade::model::command::{Command, Delete, PersonRef, ProjectRef};
use clade::model::{Email, ProjectId};
use clade::query::doctor::{FindingCode, doctor};
use clade::store::Store;
use clade::wire::finding::DoctorReport;
use clade::{CreateMapping, CreatePerson, CreateProject, Directory, EntityId, Error, Kind, Revision};
use serde_json::json;

/// A directory in which a person and a project were created and deleted.
fn past() -> Directory {
    let directory = Directory::in_memory().unwrap();
    directory.apply(CreatePerson::new("ada@corp.example").under("Corp")).unwrap();
    directory.apply(CreatePerson::new("bob@corp.example").under("Corp")).unwrap();
    let shop = CreateProject::new("shop", "Shop").repository("https://h/shop");
    directory.apply(shop.under("Corp")).unwrap();
    directory.apply(CreateMapping::member("shop", "ada@corp.example")).unwrap();
    let ada = PersonRef::Email(Email::parse("ada@corp.example").unwrap());
    let shop = ProjectRef::ProjectId(ProjectId::parse("shop").unwrap());
    directory.apply(Command::DeletePerson(Delete { target: ada, if_revision: None })).unwrap();
    directory.apply(Command::DeleteProject(Delete { target: shop, if_revision: None })).unwrap();
    directory
}

/// A store that is replayed from the committed changes, without some of them.
fn without(directory: &Directory, is_left_out: impl Fn(&Change) -> bool) -> Store {
    let mut store = Store::in_memory().unwrap();
    for batch in directory.log(Revision(1)).unwrap().map(Result::unwrap) {
        let of_set = |set: &ChangeSet| ChangeSet {
            changes: set.changes.iter().filter(|change| !is_left_out(change)).cloned().collect(),
            ..set.clone()
        };
        store.commit(&Batch { sets: batch.sets.iter().map(of_set).collect(), ..batch.clone() }).unwrap();
    }
    store
}

#[test]
fn a_mapping_that_outlived_its_record_is_found() {
    let past = past();
    assert_eq!(doctor(&past.view(), &[FindingCode::MappingToEnded]).all(), []);
    let store = without(&past, |change| matches!(change, Change::EndMapping { .. }));
    let directory = Directory::with_store(store).unwrap();
    let view = directory.view();
    let findings = doctor(&view, &[]);
    assert_eq!(findings.of(FindingCode::MappingToEnded).len(), 3);
    assert_eq!(findings.of(FindingCode::UnplacedPerson), [], "bob is placed, and ada is no more");
    let told = json!(DoctorReport::with_examples(&view, usize::MAX));
    let told: Vec<_> =
        told["data"].as_array().unwrap().iter().filter(|it| it["code"] == "mapping-to-ended").collect();
    for finding in &told {
        assert!(finding["message"].as_str().unwrap().ends_with("refers to a deleted record"), "{finding}");
        assert_eq!(finding["records"][0]["kind"], "mapping");
    }
    let named: Vec<_> = told.iter().map(|finding| finding["records"].as_array().unwrap().len()).collect();
    assert_eq!(named, [2, 2, 1], "the unit that still holds is named as well");
    let all: Vec<_> = view.all(Kind::OrgUnit).iter().map(EntityId).collect();
    assert_eq!(
        doctor(&view.within(&all), &[FindingCode::MappingToEnded]).all(),
        [],
        "no part of what is in sight"
    );
    let wrong = directory.check().unwrap().findings;
    assert_eq!(wrong.iter().filter(|what| what.contains("not a current person")).count(), 2, "{wrong:?}");
    assert_eq!(wrong.iter().filter(|what| what.contains("not a current project")).count(), 2, "{wrong:?}");
}

#[test]
fn an_asset_that_outlived_its_project_is_wrong() {
    let past = past();
    let view = past.view();
    let is_asset = |id: &EntityId| view.entity(*id).is_none() && *id == EntityId(4);
    let store = without(&past, |change| matches!(change, Change::EndEntity { id, .. } if is_asset(id)));
    let directory = Directory::with_store(store).unwrap();
    let wrong = directory.check().unwrap().findings;
    assert_eq!(wrong, ["the repository #4 belongs to #3, which is not a current project"]);
}

#[test]
fn a_store_with_a_mapping_of_a_record_that_never_existed_is_refused() {
    let store = without(&past(), |change| match change {
        Change::PutEntity(entity) => entity.id.0 > 1,
        Change::EndEntity { id, .. } => id.0 > 1,
        Change::EndMapping { .. } => true,
        _ => false,
    });
    let refusal = Directory::with_store(store).unwrap_err();
    let Error::Store(failure) = &refusal else { panic!("{refusal}") };
    assert_eq!(failure.kind(), StoreErrorKind::Damaged);
    assert!(failure.to_string().contains("which never was; restore a backup"), "{failure}");
}
