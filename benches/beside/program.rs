//! The server under test as a child process, on a copy of a store.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::http::{Client, Deadline};
use crate::limit::Limit;
use crate::requests::get;

/// Timeout of startup.
const READY_WITHIN: Duration = Duration::from_mins(3);
/// Timeout of shutdown, after which the process is killed.
const END_WITHIN: Duration = Duration::from_secs(3);
const METRICS_WITHIN: Duration = Duration::from_secs(10);
const METRICS_MAX_BYTES: usize = 1 << 20;
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// A running server.
pub(crate) struct Program {
    pub(crate) address: SocketAddr,
    child: Child,
    limit: Option<Limit>,
    /// The copy of the store, and the log.
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
            let response = Client::new(self.address).ask(&request, Deadline::of(READY_WITHIN));
            if response.is_ok_and(|response| response.status == 200) {
                return;
            }
            thread::sleep(POLL_INTERVAL);
        }
        panic!("the server is not ready: {}", log(&self.folder));
    }

    fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn limit(&self) -> Option<&Limit> {
        self.limit.as_ref()
    }

    /// The value of a counter of `/metrics`; `None` if the counter is missing.
    pub(crate) fn counter(&self, name: &str, token: &str) -> Option<f64> {
        let mut client = Client::keeping(self.address, METRICS_MAX_BYTES);
        let answer = client.ask(&get("/metrics", token, ""), Deadline::of(METRICS_WITHIN)).ok()?;
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
            thread::sleep(POLL_INTERVAL);
        }
        let _if_it_runs = self.child.kill();
        let _ended = self.child.wait();
        let _unless_others_use_it = fs::remove_dir_all(&self.folder);
    }
}

/// The address that the server prints when it listens. The rest of its output is drained on a thread, so that a full
/// pipe never blocks the server.
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

/// Runs a command of the program to its end; returns its output.
pub(crate) fn command(binary: &Path, arguments: &[&str]) -> String {
    let run = Command::new(binary).args(arguments).output();
    let output = run.unwrap_or_else(|error| panic!("{}: {error}", binary.display()));
    let (printed, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "clade {}: {errors}", arguments.join(" "));
    printed.into_owned()
}
