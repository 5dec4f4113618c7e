//! Conditions on the audit trail: changes of one actor within a shared entry, mappings that leave a unit, and records
//! that never existed.

use clade::directory::{Audit, AuditAction, AuditChange, AuditRequest, RecordName};
use clade::model::change::Batch;
use clade::model::command::{Command, EndRef, MappingFields, Update};
use clade::model::token::{Actor, Author, JwtSubject, TokenId};
use clade::model::{CreateOrgUnit, MappingId, UnitRef};
use clade::store::Store;
use clade::{CreatePerson, Directory, Kind, Revision, UpdatePerson};

fn jwt(subject: &str) -> Actor {
    Actor::Jwt(JwtSubject::parse(subject).unwrap())
}

/// A directory with the change sets of `other`: the first `alone` as entries of their own, all others in one entry.
fn joined(other: &Directory, alone: usize) -> Directory {
    let log: Vec<Batch> = other.log(Revision(1)).unwrap().map(Result::unwrap).collect();
    let mut store = Store::in_memory().unwrap();
    for batch in &log[..alone] {
        store.commit(batch).unwrap();
    }
    let sets = log[alone..].iter().flat_map(|batch| batch.sets.clone()).collect();
    // What the first of them creates has its time.
    store.commit(&Batch { sets, ..log[alone].clone() }).unwrap();
    Directory::with_store(store).unwrap()
}

fn changes(audit: &Audit) -> Vec<&AuditChange> {
    audit.entries.iter().flat_map(|entry| &entry.sets).flat_map(|set| &set.changes).collect()
}

fn of_record(directory: &Directory, key: &str) -> Audit {
    let record = Some(RecordName::Key(key.to_owned()));
    directory.audit(&AuditRequest { record, ..AuditRequest::default() }).unwrap()
}

/// Moves the only mapping of Ada.
fn place(directory: &Directory, unit: &str) {
    let view = directory.view();
    let ada = view.person("ada@corp.example").unwrap().id();
    let target = view.mappings().into_iter().find(|mapping| mapping.from == ada).unwrap().id;
    let fields = MappingFields { to: Some(EndRef::Text(unit.to_owned())), ..MappingFields::default() };
    directory.apply(Command::UpdateMapping(Update { target, fields, if_revision: None })).unwrap();
}

/// Ada was placed in `Old` and then moved to `New` and `Newest`.
fn moved_twice() -> Directory {
    let directory = Directory::in_memory().unwrap();
    directory.apply(["Old", "New", "Newest"].map(|key| CreateOrgUnit::new(key, "team"))).unwrap();
    directory.apply(CreatePerson::new("ada@corp.example").under("Old")).unwrap();
    place(&directory, "New");
    place(&directory, "Newest");
    directory
}

#[test]
fn an_update_of_what_another_actor_created_in_the_same_entry_is_an_update() {
    let alone = Directory::in_memory().unwrap();
    let author = |subject| Author { actor: jwt(subject), ..Author::local() };
    alone.apply_as(&author("one"), CreatePerson::new("ada@corp.example")).unwrap();
    alone.apply_as(&author("two"), UpdatePerson::new("ada@corp.example").first_name("Ada")).unwrap();
    let directory = joined(&alone, 0);
    let audit = directory.audit(&AuditRequest { by: vec![jwt("two")], ..AuditRequest::default() }).unwrap();
    let change = changes(&audit)[0];
    assert_eq!((change.what, change.before.is_some()), (AuditAction::Updated, true));
    assert_eq!(audit.entries[0].sets[0].summary[0].what, AuditAction::Updated);
}

#[test]
fn a_mapping_that_is_created_and_moved_in_one_entry_arrives_by_an_update() {
    let directory = joined(&moved_twice(), 1);
    for unit in ["New", "Newest"] {
        let audit = of_record(&directory, unit);
        let change = changes(&audit)[0];
        assert_eq!((change.what, change.before.is_some()), (AuditAction::Updated, true), "{unit}");
        assert_eq!(audit.entries[0].sets[0].summary[0].what, AuditAction::Updated, "{unit}");
    }
}

#[test]
fn a_move_in_place_is_in_the_log_of_both_units() {
    let apart = moved_twice();
    for directory in [&apart, &joined(&apart, 1)] {
        let view = directory.view();
        let moves = |audit: &Audit| {
            let moves = changes(audit).into_iter().filter_map(|change| change.moved);
            let mut moves: Vec<_> =
                moves.map(|moved| [moved.from, moved.to].map(|unit| view.label(unit))).collect();
            moves.sort();
            moves
        };
        let [first, second] = [["Old", "New"], ["New", "Newest"]].map(|units| units.map(str::to_owned));
        let both = vec![second.clone(), first.clone()];
        for (unit, of_unit) in [("Old", vec![first]), ("New", both.clone()), ("Newest", vec![second])] {
            assert_eq!(moves(&of_record(directory, unit)), of_unit, "record {unit}");
            let within = Some(UnitRef::Text(unit.to_owned()));
            let audit = directory.audit(&AuditRequest { within, ..AuditRequest::default() }).unwrap();
            // All of Ada's mappings are within the unit in which she is.
            let expected = if unit == "Newest" { &both } else { &of_unit };
            assert_eq!(moves(&audit), *expected, "within {unit}");
        }
    }
}

#[test]
fn a_record_that_never_existed_is_refused() {
    let directory = moved_twice();
    let unknown = [
        RecordName::Entity(Kind::Person, "eve@corp.example".to_owned()),
        RecordName::Entity(Kind::Person, "Old".to_owned()),
        RecordName::Mapping(MappingId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap()),
        RecordName::Token(TokenId::parse("aaaaaaaa").unwrap()),
    ];
    for name in unknown {
        let asked = AuditRequest { record: Some(name.clone()), ..AuditRequest::default() };
        assert_eq!(directory.audit(&asked).unwrap_err().code(), "not-found", "{name:?}");
    }
}
