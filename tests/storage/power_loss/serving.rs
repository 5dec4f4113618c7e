//! A full or failing disk under a running server: clear errors, reads go on, and no restart is needed.

use clade::model::token::Role;
use clade::server::AppState;
use serde_json::{Value, json};

use super::disk::{Call, Disk, Failing, Fault, Survives};
use super::faults::open;

use crate::support::{Server, new_token};

fn serve(disk: &Disk) -> Server {
    let directory = open(disk);
    let token = new_token(&directory, Role::Admin);
    let mut server = Server::start_with(|_| AppState::new(directory.clone()));
    (server.directory, server.token) = (directory, token);
    server.post("/people", &person("ada")).ok();
    server
}

fn person(name: &str) -> Value {
    json!({ "email": format!("{name}@corp.example"), "team": "Checkout" })
}

fn fails(disk: &Disk, call: Call, how: Failing, lasts: bool) {
    disk.fails(Fault { call, how, after: 0, lasts });
}

/// Reads work, and the readiness probe tells load balancers to send writes elsewhere.
fn still_answers(server: &Server) {
    assert_eq!(server.get("/people/ada@corp.example").ok()["team"], "Checkout");
    assert_eq!(server.data("{ people { totalCount } }")["people"]["totalCount"], 1);
    server.send("GET", "!/healthz", &[], None).ok();
    server.send("GET", "!/readyz", &[], None).problem(503, "not-ready");
}

fn is_well_again(server: &Server, disk: &Disk) {
    assert!(disk.is_well());
    server.post("/people", &person("eve")).ok();
    server.send("GET", "!/readyz", &[], None).ok();
    assert_eq!(server.directory.check().unwrap().findings, Vec::<String>::new());
}

#[test]
fn a_full_disk_is_reported_and_reads_go_on() {
    let disk = Disk::new(1);
    let server = serve(&disk);
    fails(&disk, Call::Write, Failing::NoSpace, true);
    // This disk takes nothing at all any more, so that it cannot even be asked whether it took the first.
    server.post("/people", &person("bob")).problem(503, "outcome-unknown");
    still_answers(&server);
    for _ in 0..2 {
        let problem = server.post("/people", &person("cem")).problem(507, "no-space");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.starts_with("the disk is full; nothing was changed"), "{detail}");
        still_answers(&server);
    }
    let many =
        (0..1_200).map(|at| json!({ "kind": "person", "email": format!("p{at}@x.example") }).to_string());
    server.bulk("", &many.collect::<Vec<_>>().join("\n")).problem(507, "no-space");
    server.error("mutation { deletePerson(input: { id: \"ada@corp.example\" }) { __typename } }", "no-space");
    still_answers(&server);
    is_well_again(&server, &disk);
    server.get("/people/cem@corp.example").problem(404, "not-found");
}

#[test]
fn a_disk_that_fails_at_the_last_call_is_reported() {
    let disk = Disk::new(1);
    let server = serve(&disk);
    disk.survives(Survives::All);
    fails(&disk, Call::Sync, Failing::Input, true);
    let answer = server.post("/people", &person("bob"));
    assert!(!answer.headers.contains_key("retry-after"), "nobody is told to send it again unseen");
    let problem = answer.problem(503, "outcome-unknown");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("may have been made, or not: read the record before trying again"), "{detail}");
    still_answers(&server);
    server.post("/people", &person("cem")).problem(503, "store-failed");
    is_well_again(&server, &disk);
    server.get("/people/cem@corp.example").problem(404, "not-found");
}

#[test]
fn a_panic_below_a_request_is_that_request_s_alone() {
    let disk = Disk::new(1);
    let server = serve(&disk);
    fails(&disk, Call::Write, Failing::Panic, false);
    let problem = server.post("/people", &person("bob")).problem(500, "internal");
    assert!(problem["detail"].as_str().unwrap().contains("nothing was changed"), "{problem}");
    is_well_again(&server, &disk);
    server.get("/people/bob@corp.example").problem(404, "not-found");
}
