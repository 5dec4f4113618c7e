//! Settings of a command, from flags, `CLADE_…` environment variables, and the settings file.
//!
//! Invariant: a flag overrides a variable, a variable overrides the file, and the file overrides the default.

use std::path::PathBuf;

use clap::Args;

use crate::cli::environment::variable;
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
    /// `https` if `serve` without flags has a certificate, and then no plain HTTP.
    pub(super) scheme: &'static str,
    /// Settings of JWT authentication, from variables and the file.
    pub(super) jwt: Jwt,
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
        let has_certificate = variable("CLADE_TLS_CERT").is_some() || values.tls_cert.is_some();
        Self {
            server: deciding.and_then(|(_, server)| server.clone()),
            is_server_flagged: shared.server.is_some(),
            is_data_flagged: shared.data.is_some(),
            named_data: data.into_iter().flatten().next(),
            json: shared.json,
            listen: text("CLADE_LISTEN").or(values.listen.clone()).unwrap_or_else(|| LISTEN.to_owned()),
            scheme: if has_certificate { "https" } else { "http" },
            jwt: values.jwt.clone().unwrap_or_default().under(text),
        }
    }

    pub(super) fn data(&self) -> PathBuf {
        self.named_data.clone().unwrap_or_else(|| PathBuf::from(DATA))
    }
}
