//! Histories of a server in this process, on a simulated disk that fails and loses its power, with a clock that steps.

use clade::Directory;
use clade::model::CreateOrgUnit;
use clade::model::token::Role;
use clade::server::AppState;
use clade::store::Store;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::clients::{Address, Client, run};
use crate::clock;
use crate::disk::{Call, Disk, Failing, Fault, Survives};
use crate::moments;
use crate::record::{Explained, History, SettledBy};
use crate::support::{Server, new_token};

/// Operations between two faults.
const BETWEEN: std::ops::Range<usize> = 5..60;
/// Operations while the disk fails.
const DURING: std::ops::Range<usize> = 1..30;
/// Disk calls before the power fails.
const CALLS_MAX: u64 = 200;
/// Attempts to write to a disk that works again.
const ATTEMPTS_MAX: usize = 1_000;

/// A server on a simulated disk.
pub(crate) struct Simulated<'h> {
    history: &'h History,
    disk: Disk,
    server: Option<Server>,
    address: Address,
    random: StdRng,
    notes: usize,
}

fn open(disk: &Disk) -> Directory {
    let disk = disk.clone();
    let store = Store::with_backends(move || Ok(disk.clone())).unwrap();
    Directory::with_store_and_clock(store, clock::now).unwrap()
}

fn serve(directory: Directory) -> Server {
    let mut server = Server::start_with(|_| AppState::new(directory.clone()));
    server.directory = directory;
    server
}

impl<'h> Simulated<'h> {
    pub(crate) fn start(history: &'h History, seed: u64) -> Self {
        let disk = Disk::new(seed);
        let directory = open(&disk);
        let token = new_token(&directory, Role::Admin);
        let server = serve(directory);
        let address = Address { address: server.address.to_string(), token };
        Client::new(history, &address, 0, seed).set_up();
        Self { history, disk, server: Some(server), address, random: StdRng::seed_from_u64(seed), notes: 0 }
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// Reads everything through both APIs.
    pub(crate) fn read_all(&mut self, seed: u64) {
        (0..2).for_each(|number| Client::new(self.history, &self.address, number, seed).read_all());
    }

    pub(crate) fn directory(&self) -> Directory {
        self.server.as_ref().unwrap().directory.clone()
    }

    /// One life of the server: clients send `count` requests each while disk and clock fail; then it is started again.
    pub(crate) fn live(&mut self, seed: u64, count: usize) {
        let history = self.history;
        let address = self.address.clone();
        let loses_power = self.random.random();
        run(history, &address, seed, count, |is_finished| {
            let power_fails_at = history.len() + self.random.random_range(0..count * 4);
            while !is_finished() {
                self.wait(BETWEEN, is_finished);
                if self.random.random_ratio(1, 3) {
                    let step = clock::step(&mut self.random);
                    history.mark(None, step);
                }
                if loses_power && history.len() > power_fails_at {
                    self.disk.cut_after(self.random.random_range(0..CALLS_MAX));
                    history.mark(None, "the power is about to fail");
                    return;
                }
                self.fail(is_finished);
            }
        });
        self.restart(loses_power);
        self.read_all(seed);
    }

    fn wait(&mut self, operations: std::ops::Range<usize>, is_finished: &dyn Fn() -> bool) {
        let until = self.history.len() + self.random.random_range(operations);
        while self.history.len() < until && !is_finished() {
            std::thread::yield_now();
        }
    }

    /// Lets the disk fail for a while, and waits until it works again.
    fn fail(&mut self, is_finished: &dyn Fn() -> bool) {
        let random = &mut self.random;
        let how =
            [Failing::Input, Failing::NoSpace, Failing::Short, Failing::Panic][random.random_range(0..4)];
        let survives = [Survives::All, Survives::Mostly, Survives::Nothing, Survives::ByChance];
        self.disk.survives(survives[random.random_range(0..4)]);
        let fault = Fault {
            call: Call::ALL[random.random_range(0..4)],
            how,
            after: random.random_range(0..40),
            lasts: random.random(),
        };
        self.history.mark(None, format!("{fault:?}"));
        self.disk.fails(fault);
        self.wait(DURING, is_finished);
        self.disk.is_well();
        let directory = self.directory();
        for attempt in 0.. {
            self.notes += 1;
            let note = format!("note {}", self.notes);
            if directory.apply(CreateOrgUnit::new(&note, "note")).is_ok() {
                break;
            }
            assert!(attempt < ATTEMPTS_MAX, "the disk is well, and the directory is not");
        }
        self.history.mark(Some(SettledBy::Disk), "the disk works again");
    }

    /// Ends the server and starts it again, with what is left on the disk.
    fn restart(&mut self, has_lost_power: bool) {
        drop(self.server.take());
        self.history.mark(Some(SettledBy::Restart), "the server ended");
        if has_lost_power {
            let how = if self.disk.is_off() { "while it ran" } else { "after it ended" };
            self.history.mark(None, format!("the power failed {how}"));
            self.disk = self.disk.power_lost();
        }
        let step = clock::step(&mut self.random);
        self.history.mark(None, step);
        let server = serve(open(&self.disk));
        self.address.address = server.address.to_string();
        self.server = Some(server);
        self.history.mark(None, "it was started again");
    }
}

/// A run of several lives.
pub(crate) fn history_of_faults(seed: u64, lives: usize, count: usize) -> Result<Explained, String> {
    let history = History::default();
    let mut simulated = Simulated::start(&history, seed);
    for life in 0..lives {
        simulated.live(seed.wrapping_add(life as u64).wrapping_mul(7_919), count);
    }
    moments::check_log(&simulated.directory(), &history.entries())?;
    history.verdict()
}
