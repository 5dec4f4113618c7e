//! Write throughput by the number of concurrent writers: creates per second over 1, 4, 16 and 64 connections.

use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use crate::figures::{a_second, ms, row, table};
use crate::http::{Client, Deadline};
use crate::load::{Answered, ask_for};
use crate::org::{self, Store};
use crate::program::Program;
use crate::requests::{Question, Requests};
use crate::settings::Settings;

/// Numbers of concurrent connections.
const CONNECTIONS: [usize; 4] = [1, 4, 16, 64];
/// Timeout of the first write, which is not measured.
const FIRST_WITHIN: Duration = Duration::from_mins(2);

/// Creates people over REST, then over GraphQL, each on its own server.
pub(crate) fn run(settings: &Settings) {
    let store = org::made_up(settings);
    println!("\n## Writers\n");
    println!("{} entities, each connection creates one person after another\n", settings.entities);
    table(&[
        "API",
        "connections",
        "creates/s",
        "compared with one",
        "p50 ms",
        "p99 ms",
        "copies of the graph",
        "responses",
    ]);
    let person = "{\"email\":\"new«n»@bench.example\",\"displayName\":\"New «n»\"}".to_owned();
    write(settings, &store, "REST", Question::Record { path: "/api/v2/data/people", body: person });
    let document = "mutation { createPerson(input: { email: \"new«n»@bench.example\", displayName: \"New «n»\" }) \
                    { person { email } } }";
    write(settings, &store, "GraphQL", Question::Document(document.to_owned()));
}

fn write(settings: &Settings, store: &Store, over: &str, question: Question) {
    let program = Program::start(&settings.binary, &store.path, None);
    let requests = Requests::new(&store.writers[0], vec![question]);
    let numbers = AtomicUsize::new(1);
    let first = Client::new(program.address).ask(&requests.nth(0), Deadline::of(FIRST_WITHIN)).unwrap();
    assert_eq!(first.outcome(), "200", "{}", first.body);
    let mut one = None;
    for connections in CONNECTIONS {
        let copies = || program.counter("clade_graph_copies_total", &store.admin);
        let before = copies();
        let answered = ask_for(program.address, &requests, connections, &numbers, settings.time);
        let copies = copies().zip(before).map(|(after, before)| after - before);
        print(over, connections, &answered, copies, *one.get_or_insert(rate(&answered)));
    }
}

fn rate(answered: &Answered) -> f64 {
    a_second(answered.outcomes.of("200"), answered.time)
}

fn print(over: &str, connections: usize, answered: &Answered, copies: Option<f64>, one: f64) {
    let rate = rate(answered);
    row(&[
        over.to_owned(),
        connections.to_string(),
        format!("{rate:.0}"),
        format!("{:.2} ×", rate / one),
        ms(answered.latencies.at(500)),
        ms(answered.latencies.at(990)),
        copies.map_or("–".to_owned(), |copies| format!("{copies:.0}")),
        answered.outcomes.counts(),
    ]);
}
