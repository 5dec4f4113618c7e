//! Where settings come from: a flag, then a `CLADE_…` variable, then `clade.toml` in the working directory.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::builder::Resettable;
use clap::{Arg, Args, Command};
use serde::Deserialize;

use crate::cli::expose::{Auth, Expose};
use crate::cli::graphql::Graphql;
use crate::cli::jwt::Jwt;
use crate::cli::telemetry::{LogFormat, Telemetry};
use crate::cli::{Failure, Result};
use crate::server::app::{ANSWERS_KEPT_BYTES, GraphqlSettings};

const FILE: &str = "clade.toml";
const DATA: &str = "clade.redb";
const LISTEN: &str = "127.0.0.1:7171";
const MIB: u64 = 1 << 20;

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub(super) struct GlobalArgs {
    /// The store
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help = "The store [env: CLADE_DATA] [default: clade.redb]"
    )]
    data: Option<PathBuf>,
    /// The server
    #[arg(
        long,
        global = true,
        value_name = "URL",
        conflicts_with = "data",
        help = "Ask a running server instead of a store, with the token in CLADE_TOKEN [env: CLADE_SERVER]"
    )]
    server: Option<String>,
    /// Write results as JSON
    #[arg(long, global = true)]
    pub(super) json: bool,
}

/// The settings file. Keys that are not known are refused.
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
    jwt: Option<Jwt>,
    #[serde(default)]
    graphql: Graphql,
}

/// The settings of one run.
#[derive(Debug)]
pub(super) struct Settings {
    /// The store, if one was named anywhere.
    named_data: Option<PathBuf>,
    /// Whether a flag named that store.
    pub(super) is_data_flagged: bool,
    /// The server to ask instead.
    pub(super) server: Option<String>,
    /// Whether a flag named that server: a command that needs a store refuses the flag, not a standing setting.
    pub(super) is_server_flagged: bool,
    pub(super) json: bool,
    listen: Option<String>,
    /// What the file says of logs and traces.
    telemetry: Telemetry,
    response_cache_mb: Option<u64>,
    /// How far the file lets a server stand in the open.
    expose: Expose,
    /// The identity provider whose tokens are taken, if any.
    pub(super) jwt: Jwt,
    graphql: Graphql,
}

/// A `CLADE_…` variable. An empty one is as good as none: a file for containers names all, and leaves empty what is
/// not set.
pub(super) fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// The same for what clap reads.
pub(super) fn without_empty_variables(command: Command) -> Command {
    let is_empty =
        |arg: &Arg| arg.get_env().is_some_and(|name| env::var_os(name).is_some_and(|value| value.is_empty()));
    let over_empty = |arg: Arg| if is_empty(&arg) { arg.env(Resettable::Reset) } else { arg };
    command.mut_args(over_empty).mut_subcommands(without_empty_variables)
}

impl Settings {
    /// Reads the settings file where there is one, and puts the flags and variables over it.
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
        // The first place that names a store or a server decides; a server before a store of the same place.
        let decided = data.iter().zip(&servers).find(|(data, server)| data.is_some() || server.is_some());
        Ok(Self {
            server: decided.and_then(|(_, server)| server.clone()),
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

    /// How many bytes of answers a server keeps.
    pub(super) fn response_cache_bytes(&self, flag_mb: Option<u64>) -> u64 {
        flag_mb.or(self.response_cache_mb).map_or(ANSWERS_KEPT_BYTES, |mb| mb.saturating_mul(MIB))
    }

    /// How far a server stands in the open.
    pub(super) fn expose(&self, flags: Expose) -> Expose {
        flags.or(self.expose.clone())
    }

    /// Whether a server with these settings and no flags takes HTTPS alone.
    pub(super) fn serves_https(&self) -> bool {
        variable("CLADE_TLS_CERT").is_some() || self.expose.tls_cert.is_some()
    }

    /// How a server answers GraphQL.
    pub(super) fn graphql(&self, flags: &Graphql) -> GraphqlSettings {
        flags.over(&self.graphql)
    }

    /// What is logged, and where traces are sent.
    pub(super) fn telemetry(&self, flags: Telemetry) -> Telemetry {
        flags.or(self.telemetry.clone())
    }
}
