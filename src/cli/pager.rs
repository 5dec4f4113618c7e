//! Long output on a terminal goes through a pager, as git does it: `$PAGER`, or `less -FRX` where there is one.
//!
//! Invariant: output that is not a terminal, and JSON, is written as it is.

use std::env;
use std::ffi::OsString;
use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};
use std::process::{Child, Command, Stdio};

use crate::cli::Result;
use crate::cli::settings::Settings;

/// Standard output, or a pager that shows it.
pub(super) enum Output {
    Plain(BufWriter<StdoutLock<'static>>),
    Paged(Child),
}

impl Output {
    /// Starts the pager if there is a person to page for.
    pub(super) fn of(settings: &Settings) -> Self {
        let is_read_by_a_person = io::stdout().is_terminal() && !settings.json;
        let pager = if is_read_by_a_person { pager(env::var_os("PAGER")) } else { None };
        let child = pager.and_then(|mut command| {
            // With these options less ends at once if the text fits the screen, and shows colors.
            if env::var_os("LESS").is_none() {
                command.env("LESS", "FRX");
            }
            command.stdin(Stdio::piped()).spawn().ok()
        });
        match child {
            Some(child) => Self::Paged(child),
            None => Self::Plain(BufWriter::new(io::stdout().lock())),
        }
    }

    /// Writes what is left, and waits until the pager is closed.
    pub(super) fn finish(mut self) -> Result {
        // `drop` waits for the pager.
        Ok(self.flush()?)
    }

    fn writer(&mut self) -> io::Result<&mut dyn Write> {
        match self {
            Self::Plain(out) => Ok(out),
            Self::Paged(child) => match &mut child.stdin {
                Some(stdin) => Ok(stdin),
                None => Err(io::ErrorKind::BrokenPipe.into()),
            },
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer()?.flush()
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // Also after a failure: the shell must not get the terminal back while the pager still reads from it.
        if let Self::Paged(child) = self {
            drop(child.stdin.take());
            let _ended = child.wait();
        }
    }
}

/// The command of the pager; `None` for no pager. `chosen` is the value of `PAGER`.
fn pager(chosen: Option<OsString>) -> Option<Command> {
    match chosen {
        // An empty PAGER, or `cat`, is how one turns paging off.
        Some(chosen) if chosen.is_empty() || chosen == "cat" => None,
        // By a shell, because it may have arguments.
        Some(chosen) => {
            let mut shell = Command::new("sh");
            shell.arg("-c").arg(chosen);
            Some(shell)
        }
        None => {
            let mut less = Command::new("less");
            less.arg("-FRX");
            Some(less)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pager_is_the_one_of_the_environment_or_less() {
        let words = |command: Option<Command>| {
            let command = command?;
            let args = command.get_args().map(|arg| arg.to_str().unwrap().to_owned());
            Some(
                [vec![command.get_program().to_str().unwrap().to_owned()], args.collect()].concat().join(" "),
            )
        };
        assert_eq!(words(pager(None)).as_deref(), Some("less -FRX"));
        assert_eq!(words(pager(Some("more -s".into()))).as_deref(), Some("sh -c more -s"));
        assert_eq!(words(pager(Some("".into()))), None);
        assert_eq!(words(pager(Some("cat".into()))), None);
    }
}
