//! `kill -9` in the middle of writing: every answered write is there when the store is opened again.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::process::Stdio;
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::thread;

use serde_json::{Value, json};
use support::process::{Folder, Running, clade};

const ROUNDS: usize = 5;
const WRITERS: usize = 4;
/// So many writes are answered in a round before the process is killed.
const ANSWERED_MIN: usize = 25;

/// Creates a person; whether that was answered.
fn write(agent: &ureq::Agent, url: &str, token: &str, email: &str) -> bool {
    let person = json!({ "email": email, "team": format!("Team of {email}") }).to_string();
    let sent = agent
        .post(format!("{url}/api/v2/data/people"))
        .header("authorization", token)
        .header("content-type", "application/json")
        .send(person.as_bytes());
    match sent {
        Ok(response) => response.status().as_u16() == 200,
        // Nobody answers any more.
        Err(_) => false,
    }
}

fn people(running: &Running, token: &str) -> Vec<String> {
    let mut answer = ureq::get(format!("{}/api/v2/data/people?fields=email,team", running.url()))
        .header("authorization", token)
        .call()
        .unwrap();
    let list: Value = serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap();
    let whole = |person: &Value| {
        let email = person["email"].as_str().unwrap().to_owned();
        assert_eq!(person["team"], format!("Team of {email}"), "a write is there wholly or not at all");
        email
    };
    list["data"].as_array().unwrap().iter().map(whole).collect()
}

#[test]
fn what_was_answered_survives_kill_9() {
    let folder = Folder::new();
    let answered = Mutex::new(Vec::new());
    let mut running = folder.serve(&["--data", "corp.redb"]);
    let token = running.token().unwrap();
    for round in 0..ROUNDS {
        let url = running.url();
        thread::scope(|scope| {
            let (tell, told) = channel();
            for writer in 0..WRITERS {
                let (tell, url, token, answered) = (tell.clone(), &url, &token, &answered);
                scope.spawn(move || {
                    let agent = ureq::Agent::new_with_defaults();
                    for number in 0.. {
                        let email = format!("p{number}@writer{writer}.round{round}.example");
                        if !write(&agent, url, token, &email) {
                            break;
                        }
                        answered.lock().unwrap().push(email);
                        let _heard_enough = tell.send(());
                    }
                });
            }
            assert_eq!(told.iter().take(ANSWERED_MIN).count(), ANSWERED_MIN);
            running.kill();
        });
        running = folder.serve(&["--data", "corp.redb"]);
        let there = people(&running, &token);
        for email in answered.lock().unwrap().iter() {
            assert!(there.contains(email), "{email} was answered in round {round}, and is gone");
        }
        let unanswered = there.len() - answered.lock().unwrap().len();
        assert!(unanswered <= (round + 1) * WRITERS, "only what was under way may be there unanswered");
    }
    running.kill();
    let said = folder.clade(&["check", "--data", "corp.redb"]).ok();
    assert!(said.ends_with("nothing is wrong\n"), "{said}");
}

#[test]
fn a_store_whose_making_is_killed_does_not_stand_in_the_way() {
    let folder = Folder::new();
    for round in 0..ROUNDS {
        let data = format!("new{round}.redb");
        let before = folder.names().len();
        let mut making = folder.command(clade());
        making.args(["token", "create", "--data", &data]).stdout(Stdio::null()).stderr(Stdio::null());
        let mut making = making.spawn().unwrap();
        while folder.names().len() == before && making.try_wait().unwrap().is_none() {
            thread::yield_now();
        }
        making.kill().unwrap();
        making.wait().unwrap();
        folder.clade(&["token", "create", "--data", &data]).ok();
        folder.clade(&["check", "--data", &data]).ok();
    }
}
