//! Clients of both APIs: each sends random requests, one after the other, and records what it asked and heard.

use std::collections::HashMap;
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use crate::doors::{Call, Door, Heard, Response, unit_key};
use crate::model::{Answer, DEPARTMENTS, PEOPLE, Place, Request, TEAMS, Unit};
use crate::record::{Entry, History, SettledBy};

pub(crate) const ISLANDS: usize = 4;
/// Half of them use each API.
pub(crate) const CLIENTS: usize = 6;
/// One of so many changes is sent over a connection that is closed at once.
const HANG_UPS: u32 = 100;
/// A client must fail rather than wait forever.
const TIMEOUT: Duration = Duration::from_mins(1);

/// The server that clients talk to.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    /// Such as `127.0.0.1:1234`.
    pub(crate) address: String,
    pub(crate) token: String,
}

/// A client.
pub(crate) struct Client<'h> {
    history: &'h History,
    server: &'h Address,
    agent: ureq::Agent,
    door: Door,
    name: String,
    random: StdRng,
    /// The last revision of each person that an answer has shown, by island and person.
    revisions: HashMap<(usize, usize), u64>,
    /// The lineage of the store, which conditions name beside the revision; empty until an answer has shown it.
    lineage: String,
    /// The last response to each path, for conditional reads.
    known: HashMap<String, Response>,
}

/// The server does not answer any more.
#[derive(Debug)]
pub(crate) struct Gone;

impl<'h> Client<'h> {
    pub(crate) fn new(history: &'h History, server: &'h Address, number: usize, seed: u64) -> Self {
        let door = if number.is_multiple_of(2) { Door::Rest } else { Door::GraphQl };
        let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(TIMEOUT));
        Self {
            history,
            server,
            agent: config.build().into(),
            door,
            name: format!("{} {number}", door.name()),
            random: StdRng::seed_from_u64(seed.wrapping_mul(1_000).wrapping_add(number as u64)),
            revisions: HashMap::new(),
            lineage: String::new(),
            known: HashMap::new(),
        }
    }

    /// Makes the units of all islands.
    pub(crate) fn set_up(&self) {
        let unit = |island, unit, kind: &str, parent: Option<Unit>| {
            let parents: Vec<_> = parent.map(|parent| unit_key(island, parent)).into_iter().collect();
            json!({ "kind": "orgUnit", "name": unit_key(island, unit), "type": kind, "parents": parents })
        };
        let mut lines = Vec::new();
        for island in 0..ISLANDS {
            lines.push(unit(island, Unit::Root, "organization", None));
            let departments = (0..DEPARTMENTS).map(Unit::Department);
            lines.extend(departments.map(|it| unit(island, it, "department", Some(Unit::Root))));
            let teams = (0..TEAMS).map(Unit::Team);
            lines.extend(teams.map(|it| unit(island, it, "team", Some(Unit::Department(0)))));
        }
        let lines: Vec<_> = lines.iter().map(Value::to_string).collect();
        let call = Call {
            method: "POST",
            path: "/api/v2/data/bulk".to_owned(),
            headers: vec![("content-type", "application/x-ndjson".to_owned())],
            body: Some(lines.join("\n")),
        };
        let response = self.send(&call).unwrap();
        assert_eq!(response.status, 200, "{response:?}");
    }

    /// Sends random requests, at most `count`, until the server is gone.
    pub(crate) fn work(mut self, count: usize) {
        for _ in 0..count {
            let island = self.random.random_range(0..ISLANDS);
            let request = self.next_request(island);
            if request.is_write() && self.random.random_ratio(1, HANG_UPS) {
                self.hang_up(island, request);
            } else if self.ask(island, request).is_err() {
                break;
            }
        }
    }

    /// Reads everything.
    pub(crate) fn read_all(&mut self) {
        for island in 0..ISLANDS {
            let people = (0..PEOPLE).map(|person| Request::Read { person });
            let units = [Unit::Root, Unit::Department(0), Unit::Team(0)];
            let lists = units.into_iter().flat_map(|unit| [Request::Totals(unit), Request::List(unit)]);
            for request in people.chain(lists) {
                self.ask(island, request).expect("it runs");
            }
        }
    }

    fn next_request(&mut self, island: usize) -> Request {
        // A name is written only once, so that an answer tells which change it shows.
        let name = self.history.moment();
        let random = &mut self.random;
        let person = random.random_range(0..PEOPLE);
        let team = random.random_ratio(4, 5).then(|| random.random_range(0..TEAMS));
        let known = self.revisions.get(&(island, person)).copied();
        let if_revision = known.filter(|_| random.random_ratio(1, 2));
        let unit = match random.random_range(0..4) {
            0 => Unit::Root,
            1 => Unit::Team(random.random_range(0..TEAMS)),
            _ => Unit::Department(random.random_range(0..DEPARTMENTS)),
        };
        match random.random_range(0..20) {
            0..3 => Request::Create { person, name, team },
            3..6 => Request::Patch { person, name: Some(name), team: None, if_revision },
            6..8 => Request::Patch { person, name: None, team: Some(Place(team)), if_revision },
            8 => Request::Patch { person, name: Some(name), team: Some(Place(team)), if_revision },
            9 => Request::Delete { person, if_revision },
            10 => {
                let (team, to) = (random.random_range(0..TEAMS), random.random_range(0..DEPARTMENTS));
                Request::Move { team, to }
            }
            11..15 => Request::Read { person },
            15..18 => Request::Totals(unit),
            _ => Request::List(unit),
        }
    }

    /// Sends a request and records the answer.
    pub(crate) fn ask(&mut self, island: usize, request: Request) -> Result<(), Gone> {
        let mut call = self.door.call(island, &request, &self.lineage);
        let known = self.known.get(&call.path).filter(|_| call.method == "GET").cloned();
        if let Some(tag) = known.as_ref().and_then(|known| known.etag.clone()) {
            call.headers.push(("if-none-match", tag));
        }
        let moment = self.history.moment();
        let response = self.send(&call);
        let heard = match &response {
            Ok(response) if response.status == 304 => {
                self.door.heard(&request, &known.expect("it was asked"))
            }
            Ok(response) => {
                if let Some(lineage) = response.lineage() {
                    self.lineage = lineage;
                }
                if response.status == 200 {
                    self.known.insert(call.path, response.clone());
                }
                self.door.heard(&request, response)
            }
            Err(_) => Some(Heard::unknown(SettledBy::Restart)),
        };
        if let Some(heard) = heard {
            self.record(island, request, moment, heard);
        }
        response.map(drop).map_err(|_| Gone)
    }

    fn record(&mut self, island: usize, request: Request, call: u64, heard: Heard) {
        if let (
            Request::Read { person } | Request::Create { person, .. } | Request::Patch { person, .. },
            Answer::Person(Some(record)),
        ) = (&request, &heard.answer)
        {
            self.revisions.insert((island, *person), record.revision);
        }
        let Heard { answer, is_done, directory, settled_by } = heard;
        let (client, ret) = (self.name.clone(), self.history.moment());
        self.history.add(Entry {
            client,
            island,
            request,
            is_done,
            answer,
            directory,
            call,
            ret,
            settled_by,
        });
    }

    fn send(&self, call: &Call) -> Result<Response, ureq::Error> {
        let mut request = ureq::http::Request::builder()
            .method(call.method)
            .uri(format!("http://{}{}", self.server.address, call.path))
            .header("authorization", &self.server.token);
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        let mut response = match &call.body {
            Some(body) => self.agent.run(request.body(body.as_str()).unwrap()),
            None => self.agent.run(request.body(()).unwrap()),
        }?;
        let text = response.body_mut().read_to_string()?;
        let etag = response.headers().get("etag").map(|tag| tag.to_str().unwrap().to_owned());
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Response { status: response.status().as_u16(), etag, body })
    }

    /// Sends a change over a connection that is closed before the answer.
    fn hang_up(&mut self, island: usize, request: Request) {
        let Call { method, path, headers, body } = self.door.call(island, &request, &self.lineage);
        let Address { address, token } = self.server;
        let body = body.unwrap_or_default();
        let length = body.len();
        let headers: Vec<_> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let text = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: {token}\r\n{}content-length: {length}\r\n\r\n{body}",
            headers.concat()
        );
        let moment = self.history.moment();
        // A server that is gone did nothing, which is one of the outcomes.
        let _gone = TcpStream::connect(address).and_then(|mut stream| stream.write_all(text.as_bytes()));
        self.record(island, request, moment, Heard::unknown(SettledBy::Restart));
    }
}

/// Lets all clients send `count` requests each, or fewer if the server is gone, while `meanwhile` runs.
pub(crate) fn run(
    history: &History,
    server: &Address,
    seed: u64,
    count: usize,
    meanwhile: impl FnOnce(&dyn Fn() -> bool),
) {
    std::thread::scope(|scope| {
        let works = |number| {
            let client = Client::new(history, server, number, seed);
            move || client.work(count)
        };
        let clients: Vec<_> = (0..CLIENTS).map(|number| scope.spawn(works(number))).collect();
        meanwhile(&|| clients.iter().all(std::thread::ScopedJoinHandle::is_finished));
    });
}
