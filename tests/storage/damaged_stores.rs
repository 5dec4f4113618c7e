//! Corruption detection: `check` and the log report any byte that was changed outside Clade, and report nothing for an
//! intact store.

use std::fs;
use std::path::{Path, PathBuf};

use clade::error::StoreErrorKind;
use clade::model::command::{Beneath, Command, DeleteUnit, MoveUnit, NewToken};
use clade::model::token::Role;
use clade::model::{CreateMapping, CreateOrgUnit, CreatePerson, CreateProject, Revision, UnitRef};
use clade::store::Store;
use clade::{Directory, Error};
use redb::{Database, Key, ReadableDatabase, ReadableTable, TableDefinition};
use tempfile::TempDir;

/// Page size of redb.
const PAGE_BYTES: usize = 4096;

const META: TableDefinition<&str, &[u8]> = TableDefinition::new("clade");
const ENTITIES: TableDefinition<u32, &[u8]> = TableDefinition::new("entities");
const MAPPINGS: TableDefinition<u128, &[u8]> = TableDefinition::new("mappings");
const TOKENS: TableDefinition<&str, &[u8]> = TableDefinition::new("tokens");
const LOG: TableDefinition<(u64, u32), &[u8]> = TableDefinition::new("log");

/// A store of ten revisions with every kind of content, deleted records included.
struct Sample {
    _folder: TempDir,
    path: PathBuf,
}

impl Sample {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("corp.redb");
        let directory = Directory::open(&path).unwrap();
        let unit = |key: &str| UnitRef::Text(key.to_owned());
        directory.apply(CreateOrgUnit::new("Corp", "organization")).unwrap();
        directory.apply(CreateOrgUnit::new("Lab", "business").under("Corp")).unwrap();
        directory.apply(CreateOrgUnit::new("Old", "squad").under("Lab")).unwrap();
        directory.apply(CreatePerson::new("ada@x").under("Corp/Lab")).unwrap();
        directory
            .apply(CreateProject::new("shop", "Shop").repository("https://h/shop").under("Corp/Lab"))
            .unwrap();
        directory.apply(CreateMapping::member("shop", "ada@x")).unwrap();
        directory.apply(CreatePerson::new("ada@x").display_name("Ada").or_update()).unwrap();
        let to = MoveUnit { unit: unit("Old"), to: unit("Corp"), from: None, if_revision: None };
        directory.apply(Command::MoveUnit(to)).unwrap();
        directory
            .apply(Command::DeleteUnit(DeleteUnit {
                target: unit("Old"),
                if_revision: None,
                beneath: Beneath::Lift,
            }))
            .unwrap();
        let secret = clade::access::Secret::generate();
        let (id, hash) = (secret.id().clone(), secret.hash());
        let token = NewToken { id, hash, role: Role::Read, description: None, units: None, expires_at: None };
        directory.apply(Command::CreateToken(token)).unwrap();
        Self { _folder: folder, path }
    }

    /// Changes a table outside Clade: `change` maps each row to a new row or removes it.
    fn change<K: Key + 'static>(
        &self,
        table: TableDefinition<K, &'static [u8]>,
        change: impl Fn(K::SelfType<'_>, Vec<u8>) -> Option<Vec<u8>>,
    ) {
        let database = Database::open(&self.path).unwrap();
        let transaction = database.begin_write().unwrap();
        let mut open = transaction.open_table(table).unwrap();
        let mut changed = Vec::new();
        for row in open.iter().unwrap() {
            let (key, value) = row.unwrap();
            let bytes = change(key.value(), value.value().to_vec());
            changed.push((K::as_bytes(&key.value()).as_ref().to_vec(), bytes));
        }
        for (key, bytes) in changed {
            let key = K::from_bytes(&key);
            match bytes {
                Some(bytes) => open.insert(key, bytes.as_slice()).map(drop).unwrap(),
                None => open.remove(key).map(drop).unwrap(),
            }
        }
        drop(open);
        transaction.commit().unwrap();
    }

    fn findings(&self) -> Vec<String> {
        let checked = Store::open_existing(&self.path).unwrap().check().unwrap();
        checked.findings.into_iter().map(|finding| finding.what).collect()
    }

    /// The log, if it can be read to its end.
    fn log_failure(&self) -> Option<String> {
        let directory = Directory::open_existing(&self.path).unwrap();
        let failure = directory.log(Revision(1)).unwrap().find_map(Result::err)?;
        let Error::Store(failure) = failure else { panic!("{failure}") };
        assert_eq!(failure.kind(), StoreErrorKind::Damaged);
        Some(failure.to_string())
    }
}

#[test]
fn a_sound_store_is_what_its_log_says() {
    let sample = Sample::new();
    assert_eq!(sample.findings(), Vec::<String>::new());
    assert_eq!(sample.log_failure(), None);
    let directory = Directory::open_existing(&sample.path).unwrap();
    let checked = directory.check().unwrap();
    assert_eq!((checked.revision, checked.tokens, checked.findings.len()), (Revision(10), 1, 0));
    let all: Vec<_> = directory.log(Revision(1)).unwrap().map(Result::unwrap).collect();
    let revisions: Vec<_> = all.iter().map(|batch| batch.revision.0).collect();
    assert_eq!(revisions, (1..=10).collect::<Vec<_>>());
    for from in 0..=12 {
        let tail: Vec<_> = directory.log(Revision(from)).unwrap().map(Result::unwrap).collect();
        let expected = &all[usize::try_from(from.saturating_sub(1)).unwrap().min(all.len())..];
        assert_eq!(tail, expected, "from {from}");
    }
}

#[test]
fn any_changed_byte_of_the_log_is_noticed() {
    let sample = Sample::new();
    let database = Database::open(&sample.path).unwrap();
    let transaction = database.begin_read().unwrap();
    let entries: Vec<_> =
        transaction.open_table(LOG).unwrap().iter().unwrap().map(|row| row.unwrap().0.value()).collect();
    drop((transaction, database));
    for entry in entries {
        let flipped = |at: fn(usize) -> usize| {
            sample.change(LOG, |key, mut bytes| {
                if key == entry {
                    let at = at(bytes.len());
                    bytes[at] ^= 1;
                }
                Some(bytes)
            });
        };
        for at in [|_| 0, |_| 1, |_| 3, |length| length / 2, |length| length - 1] as [fn(usize) -> usize; 5] {
            flipped(at);
            let failure = sample.log_failure();
            let failure = failure.unwrap_or_else(|| panic!("{entry:?} {}", at(100)));
            assert!(failure.contains("the change log is damaged") && failure.contains("restore a backup"));
            assert!(sample.findings().contains(&failure), "check says so too: {failure}");
            flipped(at);
        }
    }
    assert_eq!(sample.log_failure(), None, "all is as it was");
}

#[test]
fn entries_that_are_gone_or_exchanged_break_the_chain() {
    for (what, change) in [
        ("first gone", (|(revision, _), bytes| (revision != 1).then_some(bytes)) as Change),
        ("one gone", |(revision, _), bytes| (revision != 5).then_some(bytes)),
        ("last gone", |(revision, _), bytes| (revision != 10).then_some(bytes)),
        ("all gone", |_, _| None),
    ] {
        let sample = Sample::new();
        sample.change(LOG, change);
        let failure = sample.log_failure().expect(what);
        assert!(failure.contains("is missing or cut short"), "{what}: {failure}");
        assert_eq!(sample.findings(), [failure], "{what}");
    }
    // Another history of the same length, with valid entries.
    let (sample, other) = (Sample::new(), Sample::new());
    let entry = entry_of(&other.path, 10);
    sample.change(LOG, |(revision, _), bytes| Some(if revision == 10 { entry.clone() } else { bytes }));
    let failure = sample.log_failure().unwrap();
    assert!(failure.contains("revision 10 does not follow the entry before it"), "{failure}");
    let sample = Sample::new();
    let entry = entry_of(&sample.path, 2);
    sample.change(LOG, |(revision, _), bytes| Some(if revision == 3 { entry.clone() } else { bytes }));
    let failure = sample.log_failure().unwrap();
    assert!(failure.contains("revision 3 names another revision"), "{failure}");
}

type Change = fn((u64, u32), Vec<u8>) -> Option<Vec<u8>>;

fn entry_of(path: &Path, revision: u64) -> Vec<u8> {
    let database = Database::open(path).unwrap();
    let table = database.begin_read().unwrap().open_table(LOG).unwrap();
    table.get((revision, 0)).unwrap().unwrap().value().to_vec()
}

#[test]
fn a_log_that_ends_elsewhere_than_the_store_says_is_noticed() {
    let sample = Sample::new();
    sample.change(META, |key, bytes| {
        Some(if key == "revision" { 9_u64.to_le_bytes().to_vec() } else { bytes })
    });
    let failure = sample.log_failure().unwrap();
    assert!(failure.contains("revision 10 comes after the last revision of the store"), "{failure}");
    let sample = Sample::new();
    sample.change(META, |key, bytes| Some(if key == "head" { vec![7; 32] } else { bytes }));
    let failure = sample.log_failure().unwrap();
    assert!(failure.contains("revision 10 does not have the hash"), "{failure}");
}

#[test]
fn tables_that_are_not_what_the_log_says_are_noticed() {
    fn last<K: Key + 'static>(sample: &Sample, table: TableDefinition<K, &'static [u8]>, gone: bool) {
        let database = Database::open(&sample.path).unwrap();
        let open = database.begin_read().unwrap().open_table(table).unwrap();
        let (key, _) = open.last().unwrap().unwrap();
        let wanted = K::as_bytes(&key.value()).as_ref().to_vec();
        drop(key);
        drop((open, database));
        sample.change(table, |key, mut bytes| {
            if K::as_bytes(&key).as_ref() == wanted {
                if gone {
                    return None;
                }
                // The revision, one of the stamps, differs.
                let end = bytes.len() - 1;
                bytes[end] ^= 1;
            }
            Some(bytes)
        });
    }
    for kind in ["entity", "mapping", "token"] {
        for gone in [false, true] {
            let sample = Sample::new();
            match kind {
                "entity" => last(&sample, ENTITIES, gone),
                "mapping" => last(&sample, MAPPINGS, gone),
                _ => last(&sample, TOKENS, gone),
            }
            let findings = sample.findings();
            let expected = if gone { "is in the log, but not in its table" } else { "" };
            assert!(
                matches!(findings.as_slice(), [one] if one.starts_with(&format!("the {kind} ")) && one.contains(expected)),
                "{kind} {gone}: {findings:?}"
            );
        }
    }
    let sample = Sample::new();
    let database = Database::open(&sample.path).unwrap();
    let transaction = database.begin_write().unwrap();
    {
        let mut entities = transaction.open_table(ENTITIES).unwrap();
        let first = entities.get(0).unwrap().unwrap().value().to_vec();
        entities.insert(99, first.as_slice()).unwrap();
    }
    transaction.commit().unwrap();
    drop(database);
    assert_eq!(sample.findings(), ["the entity 99 is not in the log"]);
}

#[test]
fn an_entry_of_many_parts_reads_back_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("corp.redb");
    let directory = Directory::open(&path).unwrap();
    // More bytes than a part holds, packed or not.
    let long = "x".repeat(480);
    let units = (0..4_200).map(|number| CreateOrgUnit::new(&format!("unit {number} {long}"), "team"));
    directory.apply(units).unwrap();
    directory.apply(CreateOrgUnit::new("last", "team")).unwrap();
    let before = directory.view();
    drop(directory);
    let directory = Directory::open_existing(&path).unwrap();
    assert_eq!(before.differences(&directory.view()), Vec::<String>::new());
    assert_eq!(directory.check().unwrap().findings, Vec::<String>::new());
    let sizes: Vec<_> =
        directory.log(Revision(1)).unwrap().map(|batch| batch.unwrap().sets[0].changes.len()).collect();
    assert_eq!(sizes, [4_200, 1]);
    drop(directory);
    let database = Database::open(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    {
        let mut entries = transaction.open_table(LOG).unwrap();
        let parts = entries.range((1, 0)..(2, 0)).unwrap().count();
        assert!(parts > 2, "{parts}");
        entries.remove((1, 1)).unwrap();
    }
    transaction.commit().unwrap();
    drop(database);
    let found = Store::open_existing(&path).unwrap().check().unwrap().findings;
    assert!(found[0].what.contains("revision 1 is missing or cut short"), "{found:?}");
}

#[test]
fn a_copy_is_of_one_revision_while_writes_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(&folder.path().join("corp.redb")).unwrap();
    let twin = Directory::in_memory().unwrap();
    for name in ["A", "B"] {
        twin.apply(CreateOrgUnit::new(name, "team")).unwrap();
    }
    let batches: Vec<_> = twin.log(Revision(1)).unwrap().map(Result::unwrap).collect();
    store.commit(&batches[0]).unwrap();
    let snapshot = store.snapshot().unwrap();
    store.commit(&batches[1]).unwrap();
    let copy = folder.path().join("copy.redb");
    snapshot.copy_to(&copy).unwrap();
    let copied = Store::open_existing(&copy).unwrap();
    assert_eq!(copied.store_id(), store.store_id());
    let (copied, loaded) = (copied.load().unwrap(), store.load().unwrap());
    assert_eq!((copied.revision, copied.entities.len()), (Revision(1), 1));
    assert_eq!((loaded.revision, loaded.entities.len()), (Revision(2), 2));
    assert_eq!(copied.entities[0], loaded.entities[0]);
    assert!(snapshot.copy_to(&copy).unwrap_err().to_string().contains("nothing is overwritten"));

    let refusal = store.commit(&batches[1]).unwrap_err();
    assert!(refusal.to_string().contains("revision 2 does not follow revision 2"), "{refusal}");
    assert_eq!(store.load().unwrap(), loaded, "a refused batch changes nothing");
}

/// The content of a store: current state and history.
fn told(directory: &Directory) -> (clade::View, Vec<clade::model::change::Batch>) {
    (directory.view(), directory.log(Revision(1)).unwrap().map(Result::unwrap).collect())
}

/// The outcome of opening a changed file.
#[derive(Debug, PartialEq, Eq)]
enum Came {
    /// The content is unchanged, since those bytes are not read.
    Unharmed,
    /// The store is refused, and its log restores the same content.
    Saved,
    /// The store is refused, and so is its log.
    Lost,
}

/// What can be recovered from a refused store: the whole log or nothing, as the check reports.
fn salvaged(path: &Path, whole: &(clade::View, Vec<clade::model::change::Batch>), what: &str) -> Came {
    let before = fs::read(path).unwrap();
    let (mut first, mut archive) = (Vec::new(), Vec::new());
    let is_saved = Directory::archive_of(path, &mut first).is_ok();
    let finding = match Directory::examine(path) {
        Ok((checked, directory)) => {
            assert!(directory.is_none(), "{what}: {checked:?}");
            Some(checked.findings.last().unwrap().clone())
        }
        Err(Error::Store(_)) => None,
        Err(other) => panic!("{what}: {other}"),
    };
    // As the check says to.
    let archived = Directory::archive_of(path, &mut archive);
    assert!(fs::read(path).unwrap() == before, "{what}: who looks for what is left changes nothing");
    match archived {
        Ok(_) => {
            assert!(is_saved && first == archive, "{what}");
            let again = path.with_file_name("again.redb");
            Directory::restore_archive(&again, &archive[..]).unwrap();
            let (view, log) = told(&Directory::open_existing(&again).unwrap());
            assert_eq!(view.differences(&whole.0), Vec::<String>::new(), "{what}");
            assert!(log == whole.1, "{what}: the log differs");
            fs::remove_file(again).unwrap();
            assert!(finding.is_some_and(|finding| finding.contains("the log is whole")), "{what}");
            Came::Saved
        }
        Err(refusal) => {
            assert!(!is_saved, "{what}: {refusal}");
            assert!(finding.is_none_or(|finding| !finding.contains("whole")), "{what}: {refusal}");
            Came::Lost
        }
    }
}

/// Checks that a changed store is refused or has unchanged content.
fn refused_or_the_same(
    path: &Path,
    whole: &(clade::View, Vec<clade::model::change::Batch>),
    what: &str,
) -> Came {
    match Directory::open_existing(path) {
        Ok(directory) => {
            let (view, log) = told(&directory);
            assert_eq!(view.differences(&whole.0), Vec::<String>::new(), "{what}");
            assert!(log == whole.1, "{what}: the log differs");
            assert_eq!(directory.check().unwrap().findings, Vec::<String>::new(), "{what}");
            Came::Unharmed
        }
        Err(Error::Store(failure)) => {
            let told = [StoreErrorKind::Damaged, StoreErrorKind::NotAStore];
            assert!(told.contains(&failure.kind()), "{what}: {failure}");
            salvaged(path, whole, what)
        }
        Err(other) => panic!("{what}: {other}"),
    }
}

#[test]
fn any_changed_byte_of_the_file_is_detected_or_unused() {
    let sample = Sample::new();
    let whole = told(&Directory::open_existing(&sample.path).unwrap());
    let bytes = fs::read(&sample.path).unwrap();
    let (mut unharmed, mut saved, mut lost) = (0, 0, 0);
    let mut try_out = |at: usize, what: &str, change: &dyn Fn(&mut [u8])| {
        let mut changed = bytes.clone();
        change(&mut changed[at..]);
        fs::write(&sample.path, &changed).unwrap();
        match refused_or_the_same(&sample.path, &whole, &format!("{what} {at}")) {
            Came::Unharmed => unharmed += 1,
            Came::Saved => saved += 1,
            Came::Lost => lost += 1,
        }
    };
    for (page, written) in
        bytes.chunks(PAGE_BYTES).enumerate().filter(|(_, page)| page.iter().any(|byte| *byte != 0))
    {
        // What redb keeps of its pages stands in the first ones.
        for at in (page % 7..written.len()).step_by(if page < 6 { 97 } else { 509 }) {
            try_out(page * PAGE_BYTES + at, "a bit of byte", &|rest| rest[0] ^= 1 << (at % 8));
        }
        try_out(page * PAGE_BYTES, "zeros from byte", &|rest| rest[..PAGE_BYTES].fill(0));
    }
    println!(
        "{unharmed} were of no account; of those refused {saved} were saved by their log, and {lost} not"
    );
    assert!(saved > 10 && lost > 10);
}

#[test]
fn a_store_that_cannot_be_loaded_is_checked_nevertheless() {
    let sample = Sample::new();
    let (checked, directory) = Directory::examine(&sample.path).unwrap();
    assert!(checked.findings.is_empty() && directory.is_some());
    drop(directory);
    sample.change(ENTITIES, |id, bytes| Some(if id == 1 { vec![1, 2] } else { bytes }));
    sample.change(TOKENS, |_, _| None);
    assert!(Directory::open_existing(&sample.path).is_err());
    let (checked, directory) = Directory::examine(&sample.path).unwrap();
    assert!(directory.is_none());
    assert_eq!((checked.revision, checked.entities), (Revision(10), 6));
    let [unreadable, lost] = &checked.findings[..] else { panic!("{:?}", checked.findings) };
    assert!(unreadable.contains("the entity 1 cannot be read"), "{unreadable}");
    assert!(lost.contains("token") && lost.contains("is in the log, but not in its table"), "{lost}");
    // The log is whole, and so leads to a store that is.
    let mut archive = Vec::new();
    Directory::archive_of(&sample.path, &mut archive).unwrap();
    let again = sample.path.with_file_name("again.redb");
    assert_eq!(Directory::restore_archive(&again, &archive[..]).unwrap(), Revision(10));
    assert!(Directory::open_existing(&again).unwrap().view().org_unit("Corp").is_ok());
}
