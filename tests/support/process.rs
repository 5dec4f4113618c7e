//! Runs the `clade` binary as a process in a temporary folder.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

use serde_json::Value;

use super::folder::Folder;

/// Exit code and output of a command.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A `clade serve` process, killed on drop.
pub(crate) struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// Its output until it was ready to serve.
    pub(crate) greeting: String,
    /// The address that it listens on, such as `127.0.0.1:1234`.
    pub(crate) address: String,
}

impl Folder {
    /// A command to run in this folder, without the `CLADE_` variables of the environment.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CLADE_"))
        {
            command.env_remove(name);
        }
        command.current_dir(self.root()).stdin(Stdio::null());
        command
    }

    /// Runs `clade` with these arguments.
    pub(crate) fn clade(&self, args: &[&str]) -> Ran {
        self.clade_with(&[], args)
    }

    /// Runs `clade` with these variables and arguments.
    pub(crate) fn clade_with(&self, variables: &[(&str, &str)], args: &[&str]) -> Ran {
        let mut command = self.command(clade());
        Ran::of(command.envs(variables.iter().copied()).args(args))
    }

    /// Starts `clade serve` on any free port; returns once it is ready.
    pub(crate) fn serve(&self, args: &[&str]) -> Running {
        let mut command = self.command(clade());
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(args);
        Running::start(&mut command)
    }
}

/// Path of the `clade` binary.
pub(crate) fn clade() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_clade"))
}

impl Ran {
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Its standard output. Panics unless it succeeded.
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }

    /// Its standard output as JSON. Panics unless it succeeded.
    pub(crate) fn json(self) -> Value {
        let out = self.ok();
        serde_json::from_str(&out).unwrap_or_else(|why| panic!("{why}: {out}"))
    }

    /// Its standard error. Panics unless it ended with `code` and an empty standard output.
    pub(crate) fn refusal(self, code: i32) -> String {
        assert_eq!((self.code, self.out.as_str()), (Some(code), ""), "{self:?}");
        self.err
    }
}

impl Running {
    /// Starts this `clade serve` command; returns once it is ready.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut greeting = String::new();
        // One of these is the last line before it serves, depending on whether it requires tokens.
        while !greeting.contains("\nQuery page: ") && !greeting.contains("\nTokens: ") {
            let count = stdout.read_line(&mut greeting).unwrap();
            assert!(count > 0, "it ended: {greeting}");
        }
        let (_, after) = greeting.split_once("://").unwrap();
        let address = after.lines().next().unwrap().to_owned();
        Self { child, stdout, greeting, address }
    }

    /// The admin token, if it was printed.
    pub(crate) fn token(&self) -> Option<String> {
        let (_, after) = self.greeting.split_once(" CLADE_TOKEN=")?;
        Some(after.lines().next()?.to_owned())
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A value of `/proc/<pid>/status` in kB, such as `VmHWM`, the peak resident memory.
    pub(crate) fn memory_kb(&self, name: &str) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Limits the size of its files in bytes (`None`: unlimited). False if the system has no `prlimit`.
    pub(crate) fn limit_files(&self, bytes: Option<u64>) -> bool {
        let soft = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        let pid = self.child.id().to_string();
        let limit = format!("--fsize={soft}:unlimited");
        Command::new("prlimit").args(["--pid", &pid, &limit]).status().is_ok_and(|status| status.success())
    }

    /// Kills it like `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends SIGTERM, as a supervisor does.
    pub(crate) fn terminate(&self) {
        let signal = format!("kill -TERM {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &signal]).status().unwrap().success());
    }

    /// Waits for its end; returns the exit status and the output since it was ready.
    pub(crate) fn ended(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().unwrap();
        let mut said = String::new();
        self.stdout.read_to_string(&mut said).unwrap();
        (status, said)
    }

    /// Reads its output after startup until it contains `word`.
    pub(crate) fn says_until(&mut self, word: &str) -> String {
        let mut said = String::new();
        while !said.contains(word) {
            let count = self.stdout.read_line(&mut said).unwrap();
            assert!(count > 0, "it ended: {said}");
        }
        said
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Compresses with gzip.
pub(crate) fn packed(text: &str) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(text.as_bytes()).unwrap();
    packed.finish().unwrap()
}
