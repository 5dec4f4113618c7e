//! Changes that share a commit: each is answered from the directory after all of them, alike in both APIs.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{scope, yield_now};

use clade::Directory;
use clade::model::token::Role;
use clade::server::AppState;
use clade::store::Store;
use redb::StorageBackend;
use redb::backends::InMemoryBackend;
use serde_json::json;

use crate::support::{Answer, Server, new_token};

/// A disk whose syncs block while `syncs` is locked.
#[derive(Debug, Clone, Default)]
struct Disk {
    bytes: Arc<InMemoryBackend>,
    syncs: Arc<Mutex<()>>,
    is_syncing: Arc<AtomicBool>,
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        self.bytes.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.bytes.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.bytes.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.is_syncing.store(true, Ordering::SeqCst);
        let _unblocked = self.syncs.lock();
        self.is_syncing.store(false, Ordering::SeqCst);
        self.bytes.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.bytes.write(offset, data)
    }
}

/// Carries out a change of ada, and her deletion after it in the same commit; returns the answer to the change.
fn changed_and_deleted(change: impl Fn(&Server) -> Answer + Sync) -> Answer {
    let disk = Disk::default();
    let directory = Directory::with_store(Store::with_backend(disk.clone()).unwrap()).unwrap();
    let token = new_token(&directory, Role::Admin);
    let mut server = Server::start_with(|_| AppState::new(directory.clone()));
    (server.directory, server.token) = (directory, token);
    server.post("/people", &json!({ "email": "ada@corp.example" })).ok();
    let waits_for = |count| {
        while server.directory.statistics().requests_waiting != count {
            yield_now();
        }
    };
    scope(|scope| {
        let blocked = disk.syncs.lock().unwrap();
        scope.spawn(|| server.post("/people", &json!({ "email": "bob@corp.example" })).ok());
        while !disk.is_syncing.load(Ordering::SeqCst) {
            yield_now();
        }
        let changed = scope.spawn(|| change(&server));
        waits_for(1);
        let deleted = scope.spawn(|| server.delete("/people/ada@corp.example"));
        waits_for(2);
        drop(blocked);
        assert_eq!(deleted.join().unwrap().status, 204);
        changed.join().unwrap()
    })
}

#[test]
fn a_change_of_a_record_that_is_deleted_in_the_same_commit_was_made() {
    let made = "the change was made, but the record is not, or no longer, in this token's scope";
    let patch = json!({ "displayName": "Ada" });
    let rest = changed_and_deleted(|server| server.json("PATCH", "/people/ada@corp.example", &patch));
    assert_eq!(rest.problem(404, "not-found")["detail"], made);
    let update =
        r#"mutation { updatePerson(input: { id: "ada@corp.example", displayName: "Ada" }) { revision } }"#;
    let graphql = changed_and_deleted(|server| server.ask(update, &json!({}))).ok();
    let error = &graphql["errors"][0];
    assert_eq!((&error["extensions"]["code"], &error["message"]), (&json!("not-found"), &json!(made)));
}
