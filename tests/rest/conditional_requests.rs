//! Conditional requests: `ETag`, `If-None-Match` and 304 for reads, `If-Match` and 412 for writes.

use serde_json::json;

use crate::support::{Answer, Server};

fn server() -> Server {
    let server = Server::start();
    server.post("/people", &json!({"email": "a@b", "organization": "Corp"})).ok();
    server.post("/project", &json!({"projectId": "p", "projectName": "P"})).ok();
    server.post("/mapping", &json!({"attribute1": "p", "attribute2": "a@b"})).ok();
    server
}

fn known(server: &Server, method: &str, path: &str, tag: &str) -> Answer {
    server.send(method, path, &[("if-none-match", tag)], None)
}

#[test]
fn every_read_has_an_etag_and_accepts_it() {
    let server = server();
    let mapping = server.get("/mappings").ok()["data"][0]["id"].as_str().unwrap().to_owned();
    let paths = [
        "/people/a@b",
        "/project/p",
        &format!("/mapping/{mapping}"),
        "/units/Corp",
        "/people",
        "/projects",
        "/mappings?format=csv",
        "/units?format=ndjson",
        "/org-hierarchy",
        "/org-hierarchy?view=tree",
        "/units/Corp/people",
        "/filters?of=people",
    ];
    for path in paths {
        let first = server.get(path);
        let tag = first.header("etag");
        assert!(first.status == 200 && tag.starts_with('"'), "{path}: {tag}");
        for given in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
            for method in ["GET", "HEAD"] {
                let answer = known(&server, method, path, &given);
                assert_eq!((answer.status, answer.body.len()), (304, 0), "{method} {path} {given}");
                assert_eq!(answer.header("etag"), tag);
                assert!(!answer.header("vary").is_empty() && !answer.header("cache-control").is_empty());
            }
        }
        assert_eq!(known(&server, "GET", path, "\"x\"").body, first.body, "{path}");
        let head = server.send("HEAD", path, &[], None);
        assert_eq!((head.status, head.header("etag"), head.body.len()), (200, tag, 0), "{path}");
    }
    let tags: Vec<_> = paths.iter().map(|path| server.get(path).header("etag")).collect();
    server.post("/units", &json!({"name": "Other"})).ok();
    for (path, tag) in paths.iter().zip(tags) {
        assert_eq!(known(&server, "GET", path, &tag).status, 200, "{path}: anything may have changed it");
    }
}

#[test]
fn an_etag_does_not_match_another_directory_at_the_same_revision() {
    let (here, there) = (server(), server());
    for path in ["/people/a@b", "/people", "/projects", "/org-hierarchy"] {
        let tag = here.get(path).header("etag");
        let answer = known(&there, "GET", path, &tag);
        assert_eq!((answer.status, answer.header("etag") == tag), (200, false), "{path}");
    }
}

#[test]
fn a_condition_from_before_a_restore_fails_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let (store, backup) = (folder.path().join("store"), folder.path().join("backup"));
    let directory = clade::Directory::open(&store).unwrap();
    directory.apply(clade::CreatePerson::new("a@b").under("Corp")).unwrap();
    directory.backup(&backup).unwrap();
    let change = |server: &Server, name: &str, tag: &str| {
        let headers = [("if-match", tag), ("content-type", "application/merge-patch+json")];
        let body = json!({ "displayName": name }).to_string();
        server.send("PATCH", "/people/a@b", &headers, Some(body.as_bytes()))
    };
    let update = |server: &Server, name: &str, version: &str| {
        let query =
            r"mutation ($input: UpdatePersonInput!) { updatePerson(input: $input) { person { version } } }";
        let input = json!({"id": "a@b", "displayName": name, "ifRevision": version});
        server.ask(query, &json!({ "input": input })).ok()
    };
    let version = |server: &Server| {
        let data = server.data(r#"{ person(email: "a@b") { version } }"#);
        data["person"]["version"].as_str().unwrap().to_owned()
    };

    let before = Server::over(directory);
    let seen = change(&before, "Ada", "*").header("etag");
    let seen_version = version(&before);
    drop(before);
    let restarted = Server::over(clade::Directory::open(&store).unwrap());
    assert_eq!(known(&restarted, "GET", "/people/a@b", &seen).status, 200, "rendered anew after a restart");
    assert_eq!(version(&restarted), seen_version, "a restart is no restore");
    drop(restarted);

    let restored = clade::Directory::open(&backup).unwrap();
    restored.begin_lineage().unwrap();
    drop(restored);
    let after = Server::over(clade::Directory::open(&backup).unwrap());
    change(&after, "Bob", "*").ok();
    change(&after, "Eve", &seen).problem(412, "precondition-failed");
    after.send("DELETE", "/people/a@b", &[("if-match", &seen)], None).problem(412, "precondition-failed");
    let refused = update(&after, "Eve", &seen_version);
    assert_eq!(refused["errors"][0]["extensions"]["code"], "precondition-failed", "{refused}");
    assert!(update(&after, "Eve", &version(&after))["errors"].is_null());
}

#[test]
fn a_write_with_if_match_needs_the_current_revision() {
    let server = server();
    for (path, body) in [
        ("/people/a@b", json!({"firstName": "Ada"})),
        ("/project/p", json!({"projectName": "Q"})),
        ("/units/Corp", json!({"externalId": "c"})),
    ] {
        let send = |method: &str, tag: &str, body: &str| {
            let headers = [("if-match", tag), ("content-type", "application/json")];
            server.send(method, path, &headers, Some(body.as_bytes()))
        };
        let seen = server.get(path).header("etag");
        server.post("/units", &json!({"name": format!("beside {path}")})).ok();
        let changed = send("PATCH", &seen, &body.to_string());
        changed.ok();
        let new = changed.header("etag");
        assert_eq!(new, server.get(path).header("etag"), "{path}");
        send("PATCH", &seen, &body.to_string()).problem(412, "precondition-failed");
        send("PUT", &seen, &body.to_string()).problem(412, "precondition-failed");
        send("PUT", &format!("W/{new}"), &body.to_string()).problem(412, "precondition-failed");
        send("PATCH", "new", &body.to_string()).problem(412, "precondition-failed");
        send("PUT", &format!("\"other\", {new}"), &body.to_string()).ok();
        let stale = server.send("DELETE", path, &[("if-match", &seen)], None);
        stale.problem(412, "precondition-failed");
        let now = server.get(path).header("etag");
        assert_eq!(server.send("DELETE", path, &[("if-match", &now)], None).status, 204, "{path}");
        server.send("DELETE", path, &[("if-match", "*")], None).problem(404, "not-found");
        server.delete(path).problem(404, "not-found");
    }
}

#[test]
fn a_condition_decides_only_over_a_change_that_could_be_made() {
    let server = server();
    server.post("/units", &json!({"name": "Lab"})).ok();
    for tag in ["\"r0-all-5f-0.0000000a\"", "\"mine\""] {
        let change = |path: &str, body: &str| {
            let headers = [("if-match", tag), ("content-type", "application/json")];
            server.send("PATCH", path, &headers, Some(body.as_bytes()))
        };
        change("/people/a@b", "{\"email\":7}").problem(422, "invalid");
        change("/units/Corp", "{\"name\":7}").problem(422, "invalid");
        change("/people/a@b", "{").problem(400, "malformed");
        change("/people/nobody@b", "{}").problem(404, "not-found");
        change("/units/Corp", "{\"key\":\"Lab\"}").problem(
            if tag == "\"mine\"" { 412 } else { 409 },
            if tag == "\"mine\"" { "precondition-failed" } else { "duplicate" },
        );
        change("/people/a@b", "{}").problem(412, "precondition-failed");
        change("/units/Corp", "{}").problem(412, "precondition-failed");
    }
}
