//! Whether the program survives attacks on its memory in 512 MB, and what a good client notices meanwhile.

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
/// How many people the larger organisation has.
const PEOPLE: usize = 60_000;
/// How often the good client reads.
const EVERY: Duration = Duration::from_millis(20);
/// How long the attack runs before that.
const LEAD: Duration = Duration::from_millis(300);
/// How much longer than others a row lasts: some attacks take time to unfold.
const TIMES: u32 = 2;
/// How often memory is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What came of an attack.
struct Attacked {
    probed: Probed,
    answered: Outcomes,
    peak_mb: Option<u64>,
    group_peak_mb: Option<u64>,
    /// How long after the beginning the server was gone.
    ended: Option<Duration>,
}

/// Each attack on a server of its own.
pub(crate) fn run(settings: &Settings) {
    let is_limited = Limit::of(LIMIT_BYTES).is_some();
    println!("\n## Memory under attack\n");
    println!(
        "{}; a good client with a token of its own reads a record every 20 ms, timed from when it was due\n",
        if is_limited {
            "In a control group of 512 MB"
        } else {
            "Without a limit: no control group can be made"
        }
    );
    table(&[
        "people",
        "attack",
        "server",
        "VmHWM MB",
        "group's peak MB",
        "right",
        "p50 / p99 / max ms",
        "not right",
        "attackers' answers",
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
    assert!(good.is_answered(program.address), "the good client gets no right answer");
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

/// The most that was resident, and when the process was gone, if it was.
fn most_memory(id: u32, stop: &AtomicBool) -> (Option<u64>, Option<Duration>) {
    let (began, mut most) = (Instant::now(), None);
    while !stop.load(Ordering::Relaxed) {
        let Some(now) = resident_at_most(id) else { return (most, Some(began.elapsed())) };
        most = Some(now);
        thread::sleep(LOOK_EVERY);
    }
    (most, None)
}

/// In MB; nothing where the process has no memory any more, or the system does not tell.
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
