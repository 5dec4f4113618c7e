//! Durability under `kill -9` while writing: every acknowledged write is there after reopening, and no other is there
//! in part.
//!
//! `CLADE_KILLS` is the number of kills, `CLADE_SEED` the seed of their times.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use crate::support::Folder;
use crate::support::process::{Running, clade};

const KILLS: usize = 5;
/// Kills per store.
const KILLS_A_STORE: usize = 10;
const MAKINGS: usize = 5;
/// Exclusive maximum of acknowledged writes before a kill.
const ANSWERED_MAX: usize = 60;
/// Records per import: some imports are large enough to be written while they are planned.
const IMPORTED: [usize; 3] = [20, 200, 1_200];

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().expect("a whole number"))
}

/// The kind of writes of a writer.
#[derive(Debug, Clone, Copy)]
enum Work {
    /// Creates people, each with its own team.
    People,
    /// Creates projects, each with two repositories.
    Projects,
    /// Moves one person to another team each time.
    Moves,
    /// Imports people by the hundred.
    Imports(usize),
}

/// The keys of all records that a write creates, and the expected position of each.
type Made = Vec<(String, Value)>;

/// The attempted and the acknowledged writes.
#[derive(Default)]
struct Book {
    asked: Vec<(Made, bool)>,
    /// By person: the last acknowledged placement, and the last attempted one.
    moves: BTreeMap<String, (usize, usize)>,
}

struct Client<'c> {
    agent: ureq::Agent,
    url: &'c str,
    token: &'c str,
}

impl Client<'_> {
    /// Sends a body; returns whether it was acknowledged.
    fn send(&self, method: &str, path: &str, media: &str, body: String) -> bool {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}/api/v2/data{path}", self.url))
            .header("authorization", self.token)
            .header("content-type", media);
        match self.agent.run(request.body(body).unwrap()) {
            Ok(response) => {
                assert_eq!(response.status().as_u16(), 200, "{method} {path}");
                true
            }
            Err(ureq::Error::StatusCode(status)) => panic!("{method} {path}: {status}"),
            // The server is gone.
            Err(_) => false,
        }
    }

    fn create(&self, path: &str, record: &Value) -> bool {
        self.send("POST", path, "application/json", record.to_string())
    }

    /// Writes until the server is gone.
    fn work(&self, work: Work, name: &str, book: &Mutex<Book>, tell: &Sender<()>) {
        for number in 0.. {
            let is_answered = match work {
                Work::Moves => self.move_on(name, number, book),
                _ => self.make(work, &format!("{number}.{name}"), book),
            };
            if !is_answered {
                break;
            }
            let _heard_enough = tell.send(());
        }
    }

    fn make(&self, work: Work, name: &str, book: &Mutex<Book>) -> bool {
        let (made, is_answered) = match work {
            Work::Projects => {
                let assets = json!({ "repositories": [
                    { "url": format!("https://h/{name}/a") }, { "url": format!("https://h/{name}/b") }
                ], "services": [] });
                let record = json!({ "projectId": name, "projectName": name, "assets": assets });
                (vec![(name.to_owned(), json!(2))], self.create("/project", &record))
            }
            Work::Imports(size) => {
                let emails = (0..size).map(|at| format!("i{at}@{name}.example"));
                let made: Made = emails.map(|email| (email, json!("Imported"))).collect();
                let line = |(email, team): &(String, Value)| {
                    json!({ "kind": "person", "email": email, "team": team }).to_string()
                };
                let lines = made.iter().map(line).collect::<Vec<_>>().join("\n");
                (made, self.send("POST", "/bulk", "application/x-ndjson", lines))
            }
            Work::People | Work::Moves => {
                let email = format!("p@{name}.example");
                let team = json!(format!("Team of {email}"));
                let is_answered = self.create("/people", &json!({ "email": email, "team": team }));
                (vec![(email, team)], is_answered)
            }
        };
        book.lock().unwrap().asked.push((made, is_answered));
        is_answered
    }

    fn move_on(&self, name: &str, place: usize, book: &Mutex<Book>) -> bool {
        let email = format!("mover@{name}.example");
        let team = format!("Place {place} of {name}");
        let is_answered = if place == 0 {
            self.create("/people", &json!({ "email": email, "team": team }))
        } else {
            let patch = json!({ "team": team }).to_string();
            self.send("PATCH", &format!("/people/{email}"), "application/merge-patch+json", patch)
        };
        if place > 0 || is_answered {
            let answered = if is_answered { place } else { place - 1 };
            book.lock().unwrap().moves.insert(email, (answered, place));
        }
        is_answered
    }
}

/// All records by key: people with their team, projects with their number of repositories.
fn there(running: &Running, token: &str) -> BTreeMap<String, Value> {
    let list = |path: &str| -> Vec<Value> {
        let url = format!("{}/api/v2/data{path}", running.url());
        let mut answer = ureq::get(url).header("authorization", token).call().unwrap();
        let body = answer.body_mut().with_config().limit(1 << 28).read_to_string().unwrap();
        let list: Value = serde_json::from_str(&body).unwrap();
        let records = list["data"].as_array().unwrap().clone();
        assert_eq!(list["count"], records.len(), "the whole list");
        records
    };
    let key = |record: &Value, field: &str| record[field].as_str().unwrap().to_owned();
    let people = list("/people?fields=email,team");
    let people = people.iter().map(|person| (key(person, "email"), person["team"].clone()));
    let projects = list("/projects");
    let projects = projects.iter().map(|project| {
        let repositories = project["assets"]["repositories"].as_array().unwrap().len();
        (key(project, "projectId"), json!(repositories))
    });
    people.chain(projects).collect()
}

/// The number of writes that survived without an acknowledgement.
fn examine(book: &Book, there: &BTreeMap<String, Value>) -> usize {
    let mut unanswered = 0;
    for (made, is_answered) in &book.asked {
        let found = made.iter().filter(|(key, place)| there.get(key) == Some(place)).count();
        let is_there = found == made.len();
        let first = &made[0].0;
        assert!(is_there || !made.iter().any(|(key, _)| there.contains_key(key)), "{first} is there in part");
        assert!(is_there || !is_answered, "{first} was answered, and is gone");
        unanswered += usize::from(is_there && !is_answered);
    }
    for (email, (answered, asked)) in &book.moves {
        let (_, name) = email.strip_suffix(".example").unwrap().split_once('@').unwrap();
        let place = |place: usize| there[email] == format!("Place {place} of {name}");
        assert!(place(*answered) || place(*asked), "{email} was moved to {answered}, and is elsewhere");
        unanswered += usize::from(!place(*answered));
    }
    unanswered
}

/// Runs concurrent writers of several kinds, and kills the process after this many acknowledgements.
fn write_until_killed(running: Running, token: &str, kill: usize, random: &mut StdRng, book: &Mutex<Book>) {
    let size = IMPORTED[random.random_range(0..IMPORTED.len())];
    let works = [Work::People, Work::People, Work::Projects, Work::Moves, Work::Imports(size)];
    let answered = random.random_range(0..ANSWERED_MAX);
    let url = running.url();
    thread::scope(|scope| {
        let (tell, told) = channel();
        for (writer, work) in works.into_iter().enumerate() {
            let (tell, url) = (tell.clone(), &url);
            scope.spawn(move || {
                let client = Client { agent: ureq::Agent::new_with_defaults(), url, token };
                client.work(work, &format!("w{writer}.k{kill}"), book, &tell);
            });
        }
        drop(tell);
        assert_eq!(told.iter().take(answered).count(), answered, "it answers until it is killed");
        running.kill();
    });
}

#[test]
fn acknowledged_writes_survive_kill_9() {
    let kills = variable("CLADE_KILLS").map_or(KILLS, |kills| kills.try_into().unwrap());
    let seed = variable("CLADE_SEED").unwrap_or(1);
    println!("CLADE_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let (mut answered, mut unanswered) = (0, 0);
    for store in 0..kills.div_ceil(KILLS_A_STORE) {
        let folder = Folder::new();
        let book = Mutex::new(Book::default());
        let mut running = folder.serve(&["--data", "corp.redb"]);
        let token = running.token().unwrap();
        let mut last_unanswered = 0;
        for kill in 0..KILLS_A_STORE.min(kills - store * KILLS_A_STORE) {
            write_until_killed(running, &token, kill, &mut random, &book);
            running = folder.serve(&["--data", "corp.redb"]);
            last_unanswered = examine(&book.lock().unwrap(), &there(&running, &token));
        }
        running.kill();
        let said = folder.clade(&["check", "--data", "corp.redb"]).ok();
        assert!(said.contains("the store is intact\n"), "{said}");
        let book = book.into_inner().unwrap();
        answered += book.asked.iter().filter(|(_, is_answered)| *is_answered).count();
        answered += book.moves.values().map(|(answered, _)| answered + 1).sum::<usize>();
        unanswered += last_unanswered;
    }
    println!("{kills} kills; {answered} writes answered, and all there; {unanswered} more there whole");
}

#[test]
fn an_interrupted_creation_of_a_store_does_not_block_the_next() {
    let folder = Folder::new();
    for round in 0..MAKINGS {
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
