//! Settings of a command, from flags, `CLADE_…` environment variables, and the settings file.
//!
//! Invariant: a flag overrides a variable, a variable overrides the file, and the file overrides the default.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::Resettable;
use clap::{Arg, Args, Command};

use crate::cli::jwt::Jwt;
use crate::cli::settings_file::SettingsFile;

const DATA: &str = "clade.redb";
pub(super) const LISTEN: &str = "127.0.0.1:7171";

/// Flags that every command takes.
// `Settings::of` reads the variables of --data and --server, not clap's `env`: `conflicts_with` applies to values of
// variables as well, but a --data flag must win over CLADE_SERVER instead of conflicting with it.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Flags of all commands")]
pub(super) struct GlobalArgs {
    /// The path of the store
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help = "The path of the store file [env: CLADE_DATA] [default: clade.redb]"
    )]
    data: Option<PathBuf>,
    /// The URL of a server
    #[arg(
        long,
        global = true,
        value_name = "URL",
        conflicts_with = "data",
        help = "Use a running server instead of a store file, with the token in CLADE_TOKEN [env: CLADE_SERVER]"
    )]
    server: Option<String>,
    /// The path of the settings file
    // `settings_file::locate` reads it before clap does: values of the file are defaults of other flags.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help = "The settings file [env: CLADE_CONFIG] [default: clade.toml here, or in ~/.config/clade]"
    )]
    config: Option<PathBuf>,
    /// Print results as JSON
    #[arg(long, global = true)]
    pub(super) json: bool,
}

/// The settings of one run that several commands use. Those of `serve` are in its arguments.
#[derive(Debug)]
pub(super) struct Settings {
    /// The path of the store, if a flag, a variable or the file sets it.
    named_data: Option<PathBuf>,
    /// Whether the path comes from a flag.
    pub(super) is_data_flagged: bool,
    /// The URL of the server to use instead of a store.
    pub(super) server: Option<String>,
    /// Whether the URL comes from a flag. Commands that need a store refuse the flag, but ignore a variable or file.
    pub(super) is_server_flagged: bool,
    pub(super) json: bool,
    /// The address on which `serve` listens without flags.
    pub(super) listen: String,
    /// Whether `serve` without flags serves HTTPS, and then no plain HTTP.
    pub(super) serves_https: bool,
    /// Settings of JWT authentication, from variables and the file.
    pub(super) jwt: Jwt,
}

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

impl Settings {
    /// The settings file `file`, overridden with variables and flags.
    pub(super) fn of(shared: &GlobalArgs, file: &SettingsFile) -> Self {
        let values = &file.values;
        let text = |name: &str| variable(name).map(|text| text.to_string_lossy().into_owned());
        let data = [shared.data.clone(), variable("CLADE_DATA").map(PathBuf::from), values.data.clone()];
        let servers = [shared.server.clone(), text("CLADE_SERVER"), values.server.clone()];
        // The sources are compared as a whole: the first one (flags, variables, file) that sets a store or a server
        // decides. So `--data x` uses a store although CLADE_SERVER is set. Within one source the server wins.
        let deciding = data.iter().zip(&servers).find(|(data, server)| data.is_some() || server.is_some());
        Self {
            server: deciding.and_then(|(_, server)| server.clone()),
            is_server_flagged: shared.server.is_some(),
            is_data_flagged: shared.data.is_some(),
            named_data: data.into_iter().flatten().next(),
            json: shared.json,
            listen: text("CLADE_LISTEN").or(values.listen.clone()).unwrap_or_else(|| LISTEN.to_owned()),
            serves_https: variable("CLADE_TLS_CERT").is_some() || values.tls_cert.is_some(),
            jwt: values.jwt.clone().unwrap_or_default().under(text),
        }
    }

    pub(super) fn data(&self) -> PathBuf {
        self.named_data.clone().unwrap_or_else(|| PathBuf::from(DATA))
    }
}
