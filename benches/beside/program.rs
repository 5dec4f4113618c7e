//! The program under test as a process of its own, on a copy of a store.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::http::{Client, ConnectionTimeouts};
use crate::limit::Limit;
use crate::requests::get;

/// How long a server may take until it is ready.
const READY_WITHIN: Duration = Duration::from_mins(3);
/// How long one may take to end by itself.
const END_WITHIN: Duration = Duration::from_secs(3);
const METRICS_WITHIN: Duration = Duration::from_secs(10);
const METRICS_MAX_BYTES: usize = 1 << 20;
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A running server.
pub(crate) struct Program {
    pub(crate) address: SocketAddr,
    child: Child,
    limit: Option<Limit>,
    /// Its copy of the store, and what it logs.
    folder: PathBuf,
}

impl Program {
    /// Serves a copy of `store`, within `limit`, and waits until it is ready.
    pub(crate) fn start(binary: &Path, store: &Path, limit: Option<Limit>) -> Self {
        let folder = store.with_extension(format!("run-{}", std::process::id()));
        let _left_by_another_run = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let copy = folder.join("store.redb");
        fs::copy(store, &copy).unwrap();
        let mut command = match &limit {
            Some(limit) => limit.command(binary),
            None => Command::new(binary),
        };
        command.args(["serve", "--listen", "127.0.0.1:0", "--rate-limit", "0", "--data"]).arg(copy);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(File::create(folder.join("log")).unwrap());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", binary.display()));
        let address = address(&mut child, &folder);
        let program = Self { address, child, limit, folder };
        program.wait_until_ready();
        program
    }

    fn wait_until_ready(&self) {
        let began = Instant::now();
        let request = get("/readyz", "none", "");
        while began.elapsed() < READY_WITHIN {
            let asked = Client::new(self.address).ask(&request, ConnectionTimeouts::of(READY_WITHIN));
            if asked.is_ok_and(|answer| answer.status == 200) {
                return;
            }
            thread::sleep(LOOK_EVERY);
        }
        panic!("the server is not ready: {}", log(&self.folder));
    }

    /// Whether it still runs.
    fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn limit(&self) -> Option<&Limit> {
        self.limit.as_ref()
    }

    /// The value of a counter of `/metrics`; nothing where it has no such counter.
    pub(crate) fn counter(&self, name: &str, token: &str) -> Option<f64> {
        let mut client = Client::keeping(self.address, METRICS_MAX_BYTES);
        let answer = client.ask(&get("/metrics", token, ""), ConnectionTimeouts::of(METRICS_WITHIN)).ok()?;
        answer.body.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let began = Instant::now();
        if self.is_running() {
            let _if_there_is_such_a_command = Command::new("kill").arg(self.child.id().to_string()).status();
        }
        while began.elapsed() < END_WITHIN && self.is_running() {
            thread::sleep(LOOK_EVERY);
        }
        let _if_it_runs = self.child.kill();
        let _ended = self.child.wait();
        let _unless_others_use_it = fs::remove_dir_all(&self.folder);
    }
}

/// Where it says that it listens. What else it says is read, so that it never waits for a reader.
fn address(child: &mut Child, folder: &Path) -> SocketAddr {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
        let (_, rest) = line.split_once("http://")?;
        rest.split(|c: char| c.is_whitespace() || c == '/').next()?.parse().ok()
    });
    thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
    address.unwrap_or_else(|| panic!("the server does not start: {}", log(folder)))
}

fn log(folder: &Path) -> String {
    fs::read_to_string(folder.join("log")).unwrap_or_default()
}

/// Runs a command of the program to its end; what it prints.
pub(crate) fn command(binary: &Path, arguments: &[&str]) -> String {
    let run = Command::new(binary).args(arguments).output();
    let output = run.unwrap_or_else(|error| panic!("{}: {error}", binary.display()));
    let (printed, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "clade {}: {said}", arguments.join(" "));
    printed.into_owned()
}
