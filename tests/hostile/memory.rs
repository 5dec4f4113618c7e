//! All of it at once, sent to the program itself as a container with little memory runs it: what it takes at most.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::crowd::{Crowded, LARGE, half_sent, unread_streams};
use crate::inputs::{Hostile, all};
use crate::limit::Limit;
use crate::support::Folder;
use crate::support::process::{Running, clade};
use crate::wire::{ask, request};
use crate::{faults, normal_client};

/// How many send everything at the same time, and how often.
const ATTACKERS: usize = 16;
const ROUNDS: usize = 3;
const JSON: &str = "Content-Type: application/json";
const ADA: &[u8] = br#"{"email":"ada@corp.example","firstName":"Ada"}"#;

/// What a run came to.
struct Attacked {
    faults: Vec<String>,
    most_kb: usize,
    answers: usize,
}

/// A program in a folder, and under a limit where the system lets this user set one.
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

/// Everything, in the name of this token; all at once there may be no room for one.
fn inputs(token: &str) -> Vec<Hostile> {
    let mut inputs = all(token);
    for hostile in &mut inputs {
        hostile.statuses.push(503);
    }
    inputs
}

/// All inputs by all attackers, beside a client that is none.
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

/// Beside another token that leaves as many answers unread as it may, and as many bodies half sent.
#[test]
#[ignore = "loads the machine for a minute; see the head of main.rs"]
fn the_program_survives_them_beside_a_crowd_in_768_mb() {
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
