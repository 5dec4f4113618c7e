//! Peak memory of the program under all hostile inputs at once, in a process with a container's memory limit.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::crowd::{Crowded, LARGE, half_sent, unread_streams};
use crate::inputs::{Hostile, all};
use crate::limit::Limit;
use crate::support::Folder;
use crate::support::process::{Running, clade};
use crate::wire::{ask, request};
use crate::{faults, normal_client};

/// Number of concurrent attackers, and how often each sends all inputs.
const ATTACKERS: usize = 16;
const ROUNDS: usize = 3;
const JSON: &str = "Content-Type: application/json";
const ADA: &[u8] = br#"{"email":"ada@corp.example","firstName":"Ada"}"#;

/// The result of a run.
struct Attacked {
    faults: Vec<String>,
    most_kb: usize,
    answers: usize,
}

/// A process in a folder, with a memory limit if this user may set one.
fn limited(folder: &Folder, limit_kb: usize) -> (Option<Limit>, Running) {
    let limit = Limit::of(limit_kb << 10);
    let mut command = match &limit {
        Some(limit) => limit.command(folder.command("sh"), clade()),
        None => folder.command(clade()),
    };
    command.args(["serve", "--listen", "127.0.0.1:0", "--data", "corp.redb", "--rate-limit", "0"]);
    let running = Running::start(&mut command);
    println!("{}", if limit.is_some() { "under a limit" } else { "no limit could be set" });
    (limit, running)
}

/// All inputs with this token. A server under load may also refuse each as busy.
fn inputs(token: &str) -> Vec<Hostile> {
    let mut inputs = all(token);
    for hostile in &mut inputs {
        hostile.statuses.push(503);
    }
    inputs
}

/// All inputs by all attackers, with a normal client at the same time.
fn attack(running: &Running, token: &str) -> Attacked {
    let made = request(token, "POST", "/api/v2/data/people", &[JSON], ADA);
    assert_eq!(ask(&running.address, &made, false).unwrap().status, 200);
    let before = running.memory_kb("VmHWM");
    let (address, inputs, done) = (&running.address, &inputs(token), AtomicBool::new(false));
    let (faults, answers) = thread::scope(|scope| {
        let normal = scope.spawn(|| normal_client(address, token, &done));
        let attack = || (0..ROUNDS).flat_map(|_| faults(address, inputs)).collect::<Vec<_>>();
        let attackers: Vec<_> = (0..ATTACKERS).map(|_| scope.spawn(attack)).collect();
        let faults: Vec<_> = attackers.into_iter().flat_map(|attacker| attacker.join().unwrap()).collect();
        done.store(true, Ordering::Relaxed);
        (faults, normal.join().unwrap())
    });
    let most_kb = running.memory_kb("VmHWM");
    println!(
        "{} inputs, {ROUNDS} times by {ATTACKERS} at once; memory at most {most_kb} kB (before: {before} kB), \
         now {} kB; meanwhile the normal client had {answers} right answers",
        inputs.len(),
        running.memory_kb("VmRSS"),
    );
    Attacked { faults, most_kb, answers }
}

impl Attacked {
    fn assert_borne_within(&self, limit_kb: usize) {
        assert_eq!(&self.faults, &Vec::<String>::new());
        assert!(self.most_kb < limit_kb && self.answers > 0);
    }
}

#[test]
#[ignore = "loads the machine for a minute; see the head of main.rs"]
fn the_program_survives_them_all_at_once_in_512_mb() {
    const LIMIT_KB: usize = 512 << 10;
    let folder = Folder::new();
    let (_limit, running) = limited(&folder, LIMIT_KB);
    let token = running.token().unwrap();
    let attacked = attack(&running, &token);
    drop(running);
    attacked.assert_borne_within(LIMIT_KB);
}

/// The same, while another token leaves as many responses unread and bodies half sent as it may.
#[test]
#[ignore = "loads the machine for a minute; see the head of main.rs"]
fn the_program_survives_them_with_a_crowd_of_slow_clients_in_768_mb() {
    const LIMIT_KB: usize = 768 << 10;
    let folder = Folder::new();
    let (_limit, running) = limited(&folder, LIMIT_KB);
    let crowded = Crowded::with(folder, running);
    let _unread: Vec<_> = LARGE.iter().map(|large| unread_streams(&crowded, large)).collect();
    let _half = half_sent(&crowded);
    let attacked = attack(&crowded.running, &crowded.admin);
    drop(crowded);
    attacked.assert_borne_within(LIMIT_KB);
}
