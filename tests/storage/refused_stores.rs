//! Stores that cannot be opened or written: a clear error for each, and no data loss.

use std::fs;
#[cfg(feature = "server")]
use std::os::unix::fs::{MetadataExt, PermissionsExt};
#[cfg(feature = "server")]
use std::os::unix::process::CommandExt;
use std::process::Command;
#[cfg(feature = "server")]
use std::process::Stdio;

use clade::error::StoreErrorKind;
use clade::model::CreateOrgUnit;
use clade::{Directory, Error};
use redb::{Database, TableDefinition};

use crate::support::Folder;
#[cfg(feature = "server")]
use crate::support::process::{Ran, clade};

const META: TableDefinition<&str, &[u8]> = TableDefinition::new("clade");
const ENTITIES: TableDefinition<u32, &[u8]> = TableDefinition::new("entities");

fn with_corp(folder: &Folder, name: &str) -> Vec<u8> {
    let directory = Directory::open(folder.path(name)).unwrap();
    directory.apply(CreateOrgUnit::new("Corp", "organization")).unwrap();
    drop(directory);
    fs::read(folder.path(name)).unwrap()
}

fn failure(opened: Result<Directory, Error>) -> (StoreErrorKind, String) {
    match opened {
        Err(Error::Store(failure)) => (failure.kind(), failure.to_string()),
        other => panic!("{other:?}"),
    }
}

#[test]
#[cfg(feature = "server")]
fn a_store_locked_by_another_process_is_refused() {
    let folder = Folder::new();
    with_corp(&folder, "corp.redb");
    folder.write("unit.ndjson", r#"{"kind":"orgUnit","name":"Other"}"#);
    let running = folder.serve(&["--data", "corp.redb"]);
    for args in [
        &["tree"][..],
        &["import", "unit.ndjson"],
        &["check"],
        &["backup", "copy.redb"],
        &["serve", "--listen", "127.0.0.1:0"],
    ] {
        let refusal = folder.clade(&[args, &["--data", "corp.redb"]].concat()).refusal(1);
        assert!(refusal.contains("corp.redb is in use by another process"), "{refusal}");
        assert!(refusal.contains("--server"), "says what to do: {refusal}");
    }
    running.kill();
    let tree = folder.clade(&["tree", "--data", "corp.redb"]).ok();
    assert!(tree.contains("Corp") && !tree.contains("Other"), "{tree}");
}

#[test]
fn a_file_that_is_no_store_is_left_unchanged() {
    let folder = Folder::new();
    let store = with_corp(&folder, "corp.redb");
    let foreign = Database::create(folder.path("foreign")).unwrap();
    let transaction = foreign.begin_write().unwrap();
    transaction.open_table(ENTITIES).unwrap().insert(1, &b"mine"[..]).unwrap();
    transaction.commit().unwrap();
    drop(foreign);
    folder.write("text", "a letter to my aunt\n");
    folder.write("zeros", [0; 8192]);
    folder.write("short", &store[..5]);
    fs::create_dir(folder.path("folder")).unwrap();
    assert!(Command::new("mkfifo").arg(folder.path("pipe")).status().unwrap().success());
    for name in ["foreign", "text", "zeros", "short", "folder", "pipe"] {
        let path = folder.path(name);
        let before = path.is_file().then(|| fs::read(&path).unwrap());
        for opened in [Directory::open(&path), Directory::open_existing(&path)] {
            let (kind, message) = failure(opened);
            assert_eq!(kind, StoreErrorKind::NotAStore, "{name}: {message}");
            assert!(message.contains(name) && message.contains("choose another path"), "{message}");
        }
        assert!(before.is_none_or(|before| fs::read(&path).unwrap() == before), "{name}");
    }
}

#[test]
fn a_missing_folder_is_reported() {
    let folder = Folder::new();
    let (kind, message) = failure(Directory::open(folder.path("no/corp.redb")));
    assert_eq!(kind, StoreErrorKind::Io);
    assert!(message.contains("no/corp.redb: there is no such folder"), "{message}");
    let (_, message) = failure(Directory::open_existing(folder.path("no/corp.redb")));
    assert!(message.contains("there is no store at"), "{message}");
}

#[test]
fn an_empty_file_becomes_a_store_only_if_creation_is_allowed() {
    let folder = Folder::new();
    folder.write("empty", "");
    let (kind, message) = failure(Directory::open_existing(folder.path("empty")));
    assert_eq!((kind, fs::metadata(folder.path("empty")).unwrap().len()), (StoreErrorKind::NotAStore, 0));
    assert!(message.contains("empty"), "{message}");
    Directory::open(folder.path("empty")).unwrap().apply(CreateOrgUnit::new("Corp", "organization")).unwrap();
    assert!(Directory::open_existing(folder.path("empty")).unwrap().view().org_unit("Corp").is_ok());
}

#[test]
fn a_truncated_store_is_reported_and_left_unchanged() {
    let folder = Folder::new();
    let store = with_corp(&folder, "corp.redb");
    for part in [store.len() / 4, store.len() / 2, store.len() - 4096] {
        folder.write("cut", &store[..part]);
        let (kind, message) = failure(Directory::open(folder.path("cut")));
        assert_eq!(kind, StoreErrorKind::Damaged, "{part}: {message}");
        assert!(message.contains("cut") && message.contains("restore a backup"), "{message}");
        assert!(fs::read(folder.path("cut")).unwrap() == store[..part], "{part}");
    }
}

#[test]
fn a_newer_format_is_reported_and_never_written() {
    let folder = Folder::new();
    with_corp(&folder, "corp.redb");
    let database = Database::open(folder.path("corp.redb")).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(META).unwrap().insert("format", &2_u32.to_le_bytes()[..]).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let before = fs::read(folder.path("corp.redb")).unwrap();
    for opened in
        [Directory::open(folder.path("corp.redb")), Directory::open_existing(folder.path("corp.redb"))]
    {
        let (kind, message) = failure(opened);
        assert_eq!(kind, StoreErrorKind::NewerFormat);
        assert!(message.contains("corp.redb: the store has format 2") && message.contains("newer Clade"));
    }
    assert!(fs::read(folder.path("corp.redb")).unwrap() == before);
}

#[test]
fn a_record_that_cannot_be_read_is_named() {
    let folder = Folder::new();
    for (bytes, why) in [(&[9, 1, 2][..], "version 9"), (&[1, 2], "ends too early"), (&[], "ends too early")]
    {
        with_corp(&folder, "corp.redb");
        let database = Database::open(folder.path("corp.redb")).unwrap();
        let transaction = database.begin_write().unwrap();
        transaction.open_table(ENTITIES).unwrap().insert(0, bytes).unwrap();
        transaction.commit().unwrap();
        drop(database);
        let (kind, message) = failure(Directory::open(folder.path("corp.redb")));
        assert_eq!(kind, StoreErrorKind::Damaged);
        assert!(message.contains("the entity 0 cannot be read") && message.contains(why), "{message}");
        fs::remove_file(folder.path("corp.redb")).unwrap();
    }
}

#[test]
#[cfg(feature = "server")]
fn a_check_of_a_damaged_store_fails_even_if_its_output_is_not_read() {
    let folder = Folder::new();
    with_corp(&folder, "corp.redb");
    let database = Database::open(folder.path("corp.redb")).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(ENTITIES).unwrap().insert(0, [1, 2].as_slice()).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let args = ["check", "--data", "corp.redb"];
    let told = Ran::of(folder.command(clade()).args(args));
    assert_eq!(told.code, Some(1), "{told:?}");
    assert!(
        told.out.contains("the entity 0 cannot be read") && told.err.contains("integrity problem"),
        "{told:?}"
    );
    let mut child =
        folder.command(clade()).args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
#[cfg(feature = "server")]
fn missing_file_permissions_are_reported() {
    let folder = Folder::new();
    with_corp(&folder, "corp.redb");
    fs::copy(folder.path("corp.redb"), folder.path("readable.redb")).unwrap();
    fs::create_dir(folder.path("folder")).unwrap();
    // By another process: what is begun while this one has the file open for writing would keep it so.
    assert!(Command::new("cp").arg(clade()).arg(folder.path("clade")).status().unwrap().success());
    for (name, mode) in [("corp.redb", 0o000), ("readable.redb", 0o444), ("folder", 0o555), ("", 0o755)] {
        fs::set_permissions(folder.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    let before = fs::read(folder.path("readable.redb")).unwrap();
    for name in ["corp.redb", "readable.redb", "folder/new.redb"] {
        let mut command = folder.command(folder.path("clade"));
        if fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0) {
            // Root ignores file permissions.
            command.uid(65_534).gid(65_534);
        }
        let refusal = Ran::of(command.args(["token", "create", "--data", name])).refusal(1);
        assert!(refusal.contains(name) && refusal.contains("permission denied"), "{refusal}");
    }
    assert!(fs::read(folder.path("readable.redb")).unwrap() == before);
    assert_eq!(fs::read_dir(folder.path("folder")).unwrap().count(), 0);
}
