//! The `clade` binary: sets the global allocator and runs the command line.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// The global memory allocator of the binary; the library leaves the choice to its user.
// Compared with the system allocator, a store of a million records opens about 20 % faster and queries run about
// 10 % faster.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    clade::cli::main()
}
