//! The `CLADE_…` environment variables.
//!
//! Invariant: an empty variable counts as absent.

use std::env;
use std::ffi::OsString;

use clap::builder::Resettable;
use clap::{Arg, Command};

/// The value of a `CLADE_…` variable; `None` if it is unset or empty.
// Env files of containers list all variables and leave empty the ones that are not set. An empty path or URL would
// otherwise be taken as a value.
pub(super) fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// The command with `env` removed from every argument whose variable is empty, so that clap ignores it, too.
// clap has no setting for this: it takes an empty variable for a value and refuses it as a number, for instance.
pub(super) fn without_empty_variables(command: Command) -> Command {
    let is_empty =
        |arg: &Arg| arg.get_env().is_some_and(|name| env::var_os(name).is_some_and(|value| value.is_empty()));
    let over_empty = |arg: Arg| if is_empty(&arg) { arg.env(Resettable::Reset) } else { arg };
    command.mut_args(over_empty).mut_subcommands(without_empty_variables)
}
