//! Archives (dump and restore of a whole store): ids, timestamps, tokens and log are preserved, and a restore is
//! atomic.

use std::fs;
use std::path::Path;

use clade::access::Secret;
use clade::model::change::Batch;
use clade::model::command::{Command, NewToken};
use clade::model::time::Timestamp;
use clade::model::token::{Actor, Author, JwtSubject, Role};
use clade::model::{CreateOrgUnit, CreatePerson, IntoCommand};
use clade::{Directory, Revision};

use crate::support::Folder;

fn kept() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/storage/released_formats/v1.redb")
}

fn log(path: impl AsRef<Path>) -> Vec<Batch> {
    let directory = Directory::open_existing(path).unwrap();
    assert!(directory.check().unwrap().findings.is_empty());
    directory.log(Revision(1)).unwrap().map(Result::unwrap).collect()
}

/// A folder with a store that has every kind of record and a history.
fn store() -> Folder {
    let folder = Folder::new();
    fs::copy(kept(), folder.path("v1.redb")).unwrap();
    folder
}

fn archive_of(path: impl AsRef<Path>) -> Vec<u8> {
    let mut archive = Vec::new();
    Directory::open_existing(path).unwrap().archive(&mut archive).unwrap();
    archive
}

#[test]
#[cfg(feature = "server")]
fn a_store_comes_back_with_all_its_history_and_ids() {
    let folder = store();
    folder.clade(&["export", "--history", "--data", "v1.redb", "-o", "all.ndjson"]).ok();
    let made = folder.clade(&["import", "--history", "all.ndjson", "--data", "again.redb"]).ok();
    assert_eq!(made, "created again.redb from all.ndjson, up to revision 7\n");
    assert_eq!(log(folder.path("again.redb")), log(folder.path("v1.redb")));
    let told = |data: &str| {
        let told = |args: &[&str]| folder.clade(&[args, &["--data", data]].concat()).ok();
        told(&["export"]) + &told(&["token", "list", "--json"]) + &told(&["log", "--json"])
    };
    assert_eq!(told("again.redb"), told("v1.redb"));
    assert_eq!(archive_of(folder.path("again.redb")), archive_of(folder.path("v1.redb")));
}

#[test]
#[cfg(feature = "server")]
fn a_server_is_asked_for_a_copy_and_nothing_is_overwritten() {
    let folder = Folder::new();
    let running = folder.serve(&["--demo", "--data", "demo.redb"]);
    let variables = [("CLADE_TOKEN", &*running.token().unwrap())];
    let args = ["export", "--history", "--server", &running.url(), "-o", "all.ndjson"];
    folder.clade_with(&variables, &args).ok();
    running.terminate();
    running.ended();
    folder.clade(&["import", "--history", "all.ndjson", "--data", "again.redb"]).ok();
    assert_eq!(log(folder.path("again.redb")), log(folder.path("demo.redb")));
    let refused = folder.clade(&["import", "--history", "all.ndjson", "--data", "demo.redb"]).refusal(1);
    assert!(refused.contains("demo.redb exists"), "{refused}");
    folder.write("records.ndjson", folder.clade(&["export", "--data", "demo.redb"]).ok());
    for (args, code, told) in [
        (
            ["import", "--history", "records.ndjson", "--data", "new.redb"].as_slice(),
            1,
            "records.ndjson: this is not the history",
        ),
        (
            &["import", "all.ndjson", "--data", "new.redb"],
            2,
            "all.ndjson is an archive of export --history; import it with --history",
        ),
    ] {
        let refused = folder.clade(args).refusal(code);
        assert!(refused.contains(told), "{refused}");
    }
    assert!(!folder.names().contains(&"new.redb".to_owned()));
    let refused = folder.clade(&["import", "--history", "--mode", "upsert", "all.ndjson"]).refusal(2);
    assert!(refused.contains("--mode"), "{refused}");
}

#[test]
fn a_truncated_or_changed_archive_restores_nothing() {
    let folder = store();
    let archive = archive_of(folder.path("v1.redb"));
    let path = folder.path("again.redb");
    let refused = |bytes: &[u8], what: &str| {
        let refusal = Directory::restore_archive(&path, bytes).expect_err(what).to_string();
        assert!(refusal.contains("archive") || refusal.contains("history"), "{what}: {refusal}");
        let left = folder.names();
        assert_eq!(left, ["v1.redb"], "{what}");
        refusal
    };
    let lines: Vec<&[u8]> = archive.split_inclusive(|byte| *byte == b'\n').collect();
    for at in 0..lines.len() {
        let missing = refused(&lines[..at].concat(), &format!("cut before line {}", at + 1));
        let told =
            if at == 0 { "not the history".to_owned() } else { format!("line {} of the archive", at + 1) };
        assert!(missing.contains(&told), "{missing}");
        refused(&[&lines[..at], &lines[at + 1..]].concat().concat(), &format!("without line {}", at + 1));
        refused(&[&lines[..=at], &lines[at..]].concat().concat(), &format!("line {} twice", at + 1));
    }
    for at in (0..archive.len() - 1).step_by(61) {
        let mut changed = archive.clone();
        changed[at] ^= 1;
        refused(&changed, &format!("byte {at} changed"));
        refused(&archive[..at], &format!("cut at byte {at}"));
    }
    refused(b"{\"kind\":\"orgUnit\",\"name\":\"Corp\"}\n", "an export without history");
    refused(&[0; 1000], "zeros");
    let newer =
        String::from_utf8(archive.clone()).unwrap().replacen("\"version\":1", "\"version\":2,\"more\":1", 1);
    assert!(refused(newer.as_bytes(), "newer").contains("use a newer Clade"));
    Directory::restore_archive(&path, &archive[..]).unwrap();
    assert_eq!(log(&path), log(folder.path("v1.redb")));
    assert_eq!(archive_of(&path), archive);
}

#[test]
fn actors_and_last_use_of_tokens_are_restored() {
    let folder = Folder::new();
    let path = folder.path("corp.redb");
    let directory = Directory::open(&path).unwrap();
    let secret = Secret::generate();
    let (id, hash) = (secret.id().clone(), secret.hash());
    let token = NewToken { id, hash, role: Role::Admin, description: None, units: None, expires_at: None };
    directory.apply(Command::CreateToken(token)).unwrap();
    let used = Timestamp::from_millis(1_700_000_000_000);
    directory.note_use(secret.id(), used);
    for actor in [Actor::Token(secret.id().clone()), Actor::Jwt(JwtSubject::parse("idp|ada").unwrap())] {
        let author = Author { actor, ..Author::local() };
        let unit = CreateOrgUnit::new("Corp", "organization").or_update().into_command().unwrap();
        let person = CreatePerson::new("ada@x").under("Corp").or_update().into_command().unwrap();
        let asked = vec![unit, person, Command::RevokeToken(secret.id().clone())];
        // The second time, the token is revoked already.
        let last = if author.actor == Actor::Token(secret.id().clone()) { 2 } else { 3 };
        let renamed = CreatePerson::new("ada@x").display_name("Ada").or_update().into_command().unwrap();
        let asked = asked.into_iter().take(last).chain([renamed]);
        directory.apply_as(&author, asked).unwrap();
        directory.apply(CreatePerson::new("ada@x").display_name("Countess").or_update()).unwrap();
    }
    drop(directory);
    let [again, copy] = ["again.redb", "copy.redb"].map(|name| folder.path(name));
    Directory::restore_archive(&again, &archive_of(&path)[..]).unwrap();
    Directory::open_existing(&path).unwrap().backup(&copy).unwrap();
    for made in [again, copy] {
        assert_eq!(log(&made), log(&path));
        assert_eq!(Directory::open_existing(&made).unwrap().last_used(secret.id()), Some(used));
    }
}

#[test]
fn an_archive_that_cannot_be_written_is_an_error() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let folder = store();
    let directory = Directory::open_existing(folder.path("v1.redb")).unwrap();
    let refusal = directory.archive(&mut Full).unwrap_err().to_string();
    assert!(refusal.contains("the archive could not be written"), "{refusal}");
}
