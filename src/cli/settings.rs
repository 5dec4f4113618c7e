//! Settings of a command, from flags, `CLADE_…` environment variables, and `clade.toml` in the working directory.
//!
//! Invariant: a flag overrides a variable, and a variable overrides the file.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;

use clap::builder::Resettable;
use clap::{Arg, Args, Command};
use serde::Deserialize;

use crate::cli::expose::{Auth, Expose};
use crate::cli::graphql::Graphql;
use crate::cli::jwt::Jwt;
use crate::cli::telemetry::{LogFormat, Telemetry};
use crate::cli::{Failure, Result};
use crate::server::app::{GraphqlSettings, RESPONSE_CACHE_BYTES};

const FILE: &str = "clade.toml";
const DATA: &str = "clade.redb";
const LISTEN: &str = "127.0.0.1:7171";
const MIB: u64 = 1 << 20;

/// Flags that every command takes.
// `Settings::of` reads the variables of --data and --server, not clap's `env`: `conflicts_with` applies to values of
// variables as well, but a --data flag must win over CLADE_SERVER instead of conflicting with it.
#[derive(Debug, Clone, Args)]
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
    /// Print results as JSON
    #[arg(long, global = true)]
    pub(super) json: bool,
}

/// The content of the settings file. Unknown keys are refused, so that a misspelled setting is not ignored silently.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    data: Option<PathBuf>,
    server: Option<String>,
    listen: Option<String>,
    log: Option<String>,
    log_format: Option<LogFormat>,
    otlp_endpoint: Option<String>,
    response_cache_mb: Option<u64>,
    auth: Option<Auth>,
    tls_cert: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    #[serde(default)]
    cors_origin: Vec<String>,
    rate_limit: Option<u32>,
    requests_at_once: Option<NonZeroUsize>,
    connections_per_peer: Option<NonZeroUsize>,
    unauthenticated_rate: Option<NonZeroU32>,
    #[serde(default)]
    trusted_proxy: Vec<String>,
    jwt: Option<Jwt>,
    #[serde(default)]
    graphql: Graphql,
}

/// The settings of one run.
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
    listen: Option<String>,
    /// Logging and tracing settings of the file.
    telemetry: Telemetry,
    response_cache_mb: Option<u64>,
    /// Network exposure settings of the file.
    expose: Expose,
    /// Settings of JWT authentication, from variables and the file.
    pub(super) jwt: Jwt,
    graphql: Graphql,
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
    /// Reads the settings file, if there is one, and overrides it with variables and flags.
    ///
    /// # Errors
    /// Wrong usage if the file cannot be read, is not TOML, or has an unknown key.
    pub(super) fn of(shared: &GlobalArgs) -> Result<Self> {
        let file = match fs::read_to_string(FILE) {
            Ok(text) => toml::from_str(&text)
                .map_err(|refusal| Failure::Usage(format!("{FILE}: {}", refusal.to_string().trim())))?,
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => File::default(),
            Err(other) => return Err(Failure::Usage(format!("{FILE} cannot be read: {other}"))),
        };
        let data = [shared.data.clone(), variable("CLADE_DATA").map(PathBuf::from), file.data];
        let server_variable = variable("CLADE_SERVER").map(|url| url.to_string_lossy().into_owned());
        let servers = [shared.server.clone(), server_variable, file.server];
        // The sources are compared as a whole: the first one (flags, variables, file) that sets a store or a server
        // decides. So `--data x` uses a store although CLADE_SERVER is set. Within one source the server wins.
        let deciding = data.iter().zip(&servers).find(|(data, server)| data.is_some() || server.is_some());
        Ok(Self {
            server: deciding.and_then(|(_, server)| server.clone()),
            is_server_flagged: shared.server.is_some(),
            is_data_flagged: shared.data.is_some(),
            named_data: data.into_iter().flatten().next(),
            json: shared.json,
            listen: file.listen,
            telemetry: Telemetry {
                log: file.log,
                log_format: file.log_format,
                otlp_endpoint: file.otlp_endpoint,
            },
            response_cache_mb: file.response_cache_mb,
            expose: Expose {
                auth: file.auth,
                tls_cert: file.tls_cert,
                tls_key: file.tls_key,
                cors_origin: file.cors_origin,
                rate_limit: file.rate_limit,
                requests_at_once: file.requests_at_once,
                connections_per_peer: file.connections_per_peer,
                unauthenticated_rate: file.unauthenticated_rate,
                trusted_proxy: file.trusted_proxy,
            },
            jwt: file
                .jwt
                .unwrap_or_default()
                .under(|name| variable(name).map(|value| value.to_string_lossy().into_owned())),
            graphql: file.graphql,
        })
    }

    pub(super) fn data(&self) -> PathBuf {
        self.named_data.clone().unwrap_or_else(|| PathBuf::from(DATA))
    }

    pub(super) fn listen(&self, flag: Option<String>) -> String {
        flag.or_else(|| self.listen.clone()).unwrap_or_else(|| LISTEN.to_owned())
    }

    /// Maximum size of the response cache of a server, in bytes.
    pub(super) fn response_cache_bytes(&self, flag_mb: Option<u64>) -> u64 {
        flag_mb.or(self.response_cache_mb).map_or(RESPONSE_CACHE_BYTES, |mb| mb.saturating_mul(MIB))
    }

    /// The effective network exposure settings of a server.
    pub(super) fn expose(&self, flags: Expose) -> Expose {
        flags.or(self.expose.clone())
    }

    /// Whether a server with these settings and without flags serves HTTPS, and then no plain HTTP.
    pub(super) fn serves_https(&self) -> bool {
        variable("CLADE_TLS_CERT").is_some() || self.expose.tls_cert.is_some()
    }

    /// The effective GraphQL settings of a server.
    pub(super) fn graphql(&self, flags: &Graphql) -> GraphqlSettings {
        flags.over(&self.graphql)
    }

    /// The effective logging and tracing settings.
    pub(super) fn telemetry(&self, flags: Telemetry) -> Telemetry {
        flags.or(self.telemetry.clone())
    }
}
