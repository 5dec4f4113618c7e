//! Histories of a `clade serve` process that is killed (`kill -9`) under load, and started again.

use clade::Directory;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::clients::{Address, Client, run};
use crate::moments;
use crate::record::{Explained, History, SettledBy};
use crate::support::Folder;
use crate::support::process::Running;

const DATA: &str = "corp.redb";
/// Exclusive maximum of operations before a kill.
const OPERATIONS_MAX: usize = 400;

/// A store with the process that serves it.
pub(crate) struct Served {
    pub(crate) folder: Folder,
    pub(crate) running: Running,
    pub(crate) server: Address,
}

fn serve(folder: &Folder) -> Running {
    folder.serve(&["--data", DATA, "--rate-limit", "0"])
}

impl Served {
    pub(crate) fn start(history: &History) -> Self {
        let folder = Folder::new();
        let running = serve(&folder);
        let server = Address { address: running.address.clone(), token: running.token().unwrap() };
        Client::new(history, &server, 0, 0).set_up();
        Self { folder, running, server }
    }

    /// Lets the clients work until the process is killed after about this many operations; starts it again after
    /// `between`, and reads everything.
    pub(crate) fn kill(
        self,
        history: &History,
        seed: u64,
        operations: usize,
        between: impl FnOnce(&Folder),
    ) -> Self {
        let Self { folder, running, server } = self;
        let until = history.len() + operations;
        run(history, &server, seed, usize::MAX, |is_finished| {
            while history.len() < until && !is_finished() {
                std::thread::yield_now();
            }
            running.kill();
        });
        history.mark(Some(SettledBy::Restart), "the process was killed");
        between(&folder);
        let running = serve(&folder);
        history.mark(None, "it was started again");
        let server = Address { address: running.address.clone(), token: server.token };
        (0..2).for_each(|number| Client::new(history, &server, number, seed).read_all());
        Self { folder, running, server }
    }

    /// Ends the process; opens its store.
    pub(crate) fn end(self) -> (Folder, Directory) {
        self.running.kill();
        let directory = Directory::open_existing(self.folder.path(DATA)).unwrap();
        (self.folder, directory)
    }
}

/// A run with this many kills.
pub(crate) fn history_of_kills(seed: u64, kills: usize) -> Result<Explained, String> {
    let history = History::default();
    let mut random = StdRng::seed_from_u64(seed);
    let mut served = Served::start(&history);
    for kill in 0..kills {
        let operations = random.random_range(0..OPERATIONS_MAX);
        let seed = seed.wrapping_add(kill as u64).wrapping_mul(7_919);
        served = served.kill(&history, seed, operations, |_| {});
    }
    let (_folder, directory) = served.end();
    moments::check_log(&directory, &history.entries())?;
    history.verdict()
}

/// A run in which the store is replaced by an older copy of it between two lives of the process.
pub(crate) fn history_of_a_restored_copy(seed: u64) -> Result<Explained, String> {
    let history = History::default();
    let mut copy = Vec::new();
    let served = Served::start(&history).kill(&history, seed, 100, |folder| {
        copy = std::fs::read(folder.path(DATA)).unwrap();
    });
    let _served = served.kill(&history, seed + 1, 100, |folder| folder.write(DATA, &copy));
    history.verdict()
}
