//! Memory under attack: whether the server survives in 512 MB, and the latency of a well-behaved client meanwhile.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::attacks::{self, Attack, Scene};
use crate::figures::{Outcomes, row, table};
use crate::limit::Limit;
use crate::org::{self, Store};
use crate::probe::{Probed, RIGHT};
use crate::program::Program;
use crate::questions;
use crate::settings::Settings;

const LIMIT_BYTES: usize = 512 << 20;
const MANY: usize = 64;
/// Number of people of the larger organization.
const PEOPLE: usize = 60_000;
/// Interval between the reads of the well-behaved client.
const EVERY: Duration = Duration::from_millis(20);
/// The attack starts this much before those reads.
const LEAD: Duration = Duration::from_millis(300);
/// A row lasts this many times as long as in other parts: some attacks need time to build up.
const TIMES: u32 = 2;
/// Interval between the samples of memory.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The result of an attack.
struct Attacked {
    probed: Probed,
    answered: Outcomes,
    peak_mb: Option<u64>,
    group_peak_mb: Option<u64>,
    /// When the server died, from the start of the attack. `None` if it survived.
    ended: Option<Duration>,
}

/// Runs each attack on its own server.
pub(crate) fn run(settings: &Settings) {
    let is_limited = Limit::of(LIMIT_BYTES).is_some();
    println!("\n## Memory under attack\n");
    println!(
        "{}; a well-behaved client with its own token reads a record every 20 ms, timed from when it was due\n",
        if is_limited {
            "In a control group of 512 MB"
        } else {
            "Without a limit: no control group can be created"
        }
    );
    table(&[
        "people",
        "attack",
        "server",
        "VmHWM MB",
        "cgroup peak MB",
        "right responses",
        "p50 / p99 / maximum ms",
        "wrong responses",
        "responses to the attackers",
    ]);
    let document: Attack = attacks::up_and_down;
    let (few, many) = (settings.clients, MANY);
    rows(settings, 0, &[("document up and down", document, few), ("document up and down", document, many)]);
    rows(
        settings,
        PEOPLE,
        &[
            ("document up and down", document, few),
            ("document up and down", document, many),
            ("half-sent bodies", attacks::half_sent_bodies, 0),
            ("costly documents", attacks::costly_documents, few),
            ("unread answers", attacks::unread_answers, 0),
            ("idle sockets", attacks::idle_sockets, 0),
            ("all at once", attacks::all, few),
        ],
    );
}

fn rows(settings: &Settings, people: usize, attacks: &[(&str, Attack, usize)]) {
    let store = org::flat(settings, people);
    for &(name, attack, clients) in attacks {
        if name.contains(&settings.rows) {
            let name = if clients == 0 { name.to_owned() } else { format!("{name}, {clients} clients") };
            print(people, name, attacked(settings, &store, attack, clients));
        }
    }
}

fn attacked(settings: &Settings, store: &Store, attack: Attack, clients: usize) -> Attacked {
    let program = Program::start(&settings.binary, &store.path, Limit::of(LIMIT_BYTES));
    let good = questions::unit(&store.readers[0]);
    assert!(good.is_answered(program.address), "the well-behaved client gets a wrong response");
    let stop = AtomicBool::new(false);
    let scene = Scene { address: program.address, tokens: &store.writers, clients, stop: &stop };
    let id = program.id();
    let (probed, answered, (peak_mb, ended)) = thread::scope(|scope| {
        let watching = scope.spawn(|| most_memory(id, &stop));
        let attacking = scope.spawn(|| attack(&scene));
        thread::sleep(LEAD);
        let probed = good.read(scene.address, EVERY, settings.time * TIMES);
        stop.store(true, Ordering::Relaxed);
        (probed, attacking.join().unwrap(), watching.join().unwrap())
    });
    let group_peak_mb = program.limit().and_then(Limit::peak_bytes).map(|bytes| bytes >> 20);
    Attacked { probed, answered, peak_mb, group_peak_mb, ended }
}

/// The peak resident memory in MB, and when the process died, if it did.
fn most_memory(id: u32, stop: &AtomicBool) -> (Option<u64>, Option<Duration>) {
    let (began, mut most) = (Instant::now(), None);
    while !stop.load(Ordering::Relaxed) {
        let Some(now) = resident_at_most(id) else { return (most, Some(began.elapsed())) };
        most = Some(now);
        thread::sleep(POLL_INTERVAL);
    }
    (most, None)
}

/// `VmHWM` in MB; `None` if the process has ended or the system does not report it.
fn resident_at_most(id: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kb: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kb >> 10)
}

fn print(people: usize, name: String, attacked: Attacked) {
    let figure = |mb: Option<u64>| mb.map_or("–".to_owned(), |mb| mb.to_string());
    let killed = |ended: Duration| format!("**killed** after {:.1} s", ended.as_secs_f64());
    let server = attacked.ended.map_or("survived".to_owned(), killed);
    row(&[
        people.to_string(),
        name,
        server,
        figure(attacked.peak_mb),
        figure(attacked.group_peak_mb),
        attacked.probed.outcomes.of(RIGHT).to_string(),
        attacked.probed.latencies.in_ms(),
        attacked.probed.wrong().counts(),
        attacked.answered.counts(),
    ]);
}
