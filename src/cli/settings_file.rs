//! The settings file: where it is found, its content, and its values as defaults of flags.
//!
//! Invariant: an unknown key or a value of the wrong type is refused, so that no setting is ignored silently.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};

use clap::{Arg, Command};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cli::environment::variable;
use crate::cli::expose::Auth;
use crate::cli::graphql::Switch;
use crate::cli::jwt::Jwt;
use crate::cli::telemetry::LogFormat;
use crate::cli::{Failure, Result};

const NAME: &str = "clade.toml";

/// A settings file that was read; without a path if there is none.
#[derive(Debug, Default)]
pub(super) struct SettingsFile {
    pub(super) path: Option<PathBuf>,
    pub(super) values: FileValues,
}

/// The content of a settings file. The names of the fields are those of the arguments of `serve`.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileValues {
    pub(super) data: Option<PathBuf>,
    pub(super) server: Option<String>,
    pub(super) listen: Option<String>,
    log: Option<String>,
    log_format: Option<LogFormat>,
    otlp_endpoint: Option<String>,
    response_cache_mb: Option<u64>,
    auth: Option<Auth>,
    pub(super) tls_cert: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    cors_origin: Option<Vec<String>>,
    rate_limit: Option<u32>,
    requests_at_once: Option<NonZeroUsize>,
    connections_per_peer: Option<NonZeroUsize>,
    unauthenticated_rate: Option<NonZeroU32>,
    trusted_proxy: Option<Vec<String>>,
    pub(super) jwt: Option<Jwt>,
    graphql: Option<GraphqlValues>,
}

/// The table `[graphql]`.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct GraphqlValues {
    introspection: Option<Switch>,
    suggestions: Option<Switch>,
    batch: Option<usize>,
    timeout: Option<NonZeroU64>,
    sockets_max: Option<NonZeroUsize>,
    sockets_per_peer: Option<NonZeroUsize>,
}

/// The path of the settings file: `--config`, `CLADE_CONFIG`, `clade.toml` in the working directory, or the one in the
/// user's configuration directory.
// Before clap parses the arguments, because the values of the file are defaults of other flags.
fn locate(mut args: impl Iterator<Item = OsString>) -> Option<PathBuf> {
    while let Some(arg) = args.next().filter(|arg| arg != "--") {
        if arg == "--config" {
            return args.next().map(PathBuf::from);
        }
        if let Some(path) = arg.to_str().and_then(|arg| arg.strip_prefix("--config=")) {
            return Some(path.into());
        }
    }
    let of_user = || {
        let home = || variable("HOME").map(|home| PathBuf::from(home).join(".config"));
        Some(variable("XDG_CONFIG_HOME").map(PathBuf::from).or_else(home)?.join("clade").join(NAME))
    };
    variable("CLADE_CONFIG")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(NAME)).filter(|path| path.exists()))
        .or_else(|| of_user().filter(|path| path.exists()))
}

impl SettingsFile {
    /// Reads the settings file of this process, if there is one.
    ///
    /// # Errors
    /// Wrong usage if the file cannot be read, is not TOML, has an unknown key or a value of the wrong type.
    pub(super) fn read() -> Result<Self> {
        let Some(path) = locate(env::args_os().skip(1)) else { return Ok(Self::default()) };
        let values = Self::values(&path)?;
        Ok(Self { path: Some(path), values })
    }

    fn values(path: &Path) -> Result<FileValues> {
        let shown = path.display();
        match fs::read_to_string(path) {
            Ok(text) => toml::from_str(&text)
                .map_err(|refusal| Failure::Usage(format!("{shown}: {}", refusal.to_string().trim()))),
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => {
                Err(Failure::Usage(format!("the settings file {shown} does not exist")))
            }
            Err(other) => Err(Failure::Usage(format!("{shown} cannot be read: {other}"))),
        }
    }

    /// All values that the file sets, by key; those of tables as `table.key`.
    pub(super) fn settings(&self) -> BTreeMap<String, Value> {
        let mut all = BTreeMap::new();
        for (key, value) in members(serde_json::to_value(&self.values).unwrap_or_default()) {
            match value {
                Value::Object(_) => {
                    all.extend(members(value).map(|(inner, value)| (format!("{key}.{inner}"), value)));
                }
                value => _ = all.insert(key, value),
            }
        }
        all
    }

    /// The command with the values of the file as defaults of the arguments of `serve`.
    // Not of --data and --server, which have no `env` either: `Settings::of` chooses between them.
    pub(super) fn as_defaults(&self, command: Command) -> Command {
        let settings = self.settings();
        let value =
            |arg: &Arg| settings.get(&setting_of(arg.get_id().as_str())).filter(|_| arg.get_env().is_some());
        command.mut_subcommand("serve", |serve| {
            serve.mut_args(|arg| match value(&arg) {
                Some(value) => arg.default_values(texts(value)),
                None => arg,
            })
        })
    }
}

/// The key in the settings file of an argument of `serve`.
pub(super) fn setting_of(argument: &str) -> String {
    match argument {
        "introspection" | "suggestions" | "batch" | "timeout" | "sockets_max" | "sockets_per_peer" => {
            format!("graphql.{argument}")
        }
        other => other.to_owned(),
    }
}

/// The members of an object that are set.
fn members(object: Value) -> impl Iterator<Item = (String, Value)> {
    let members = if let Value::Object(members) = object { members } else { serde_json::Map::new() };
    members.into_iter().filter(|(_, value)| !value.is_null())
}

/// A value as the texts that its flag takes.
pub(super) fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        Value::String(text) => vec![text.clone()],
        other => vec![other.to_string()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_names_the_file() {
        let path = |args: &[&str]| locate(args.iter().map(OsString::from));
        assert_eq!(path(&["serve", "--config", "a.toml"]), Some("a.toml".into()));
        assert_eq!(path(&["--config=b.toml", "tree"]), Some("b.toml".into()));
        assert_ne!(path(&["query", "--", "--config=c.toml"]), Some("c.toml".into()));
    }
}
