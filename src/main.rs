//! The binary: parse, call the command line, turn the outcome into an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    clade::cli::main()
}
