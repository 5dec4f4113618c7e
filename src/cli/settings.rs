//! Where settings come from: a flag, then a `CLADE_…` variable, then `clade.toml` in the working directory.

use std::fs;
use std::io;
use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;

use crate::cli::{Failure, Result};

const FILE: &str = "clade.toml";
const DATA: &str = "clade.redb";
const LISTEN: &str = "127.0.0.1:7171";

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub(super) struct Shared {
    /// The store [default: clade.redb]
    #[arg(long, global = true, env = "CLADE_DATA", value_name = "FILE")]
    data: Option<PathBuf>,
    /// Ask a running server instead of a store; its token comes from `CLADE_TOKEN`
    #[arg(long, global = true, env = "CLADE_SERVER", value_name = "URL", conflicts_with = "data")]
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
}

/// The settings of one run.
#[derive(Debug)]
pub(super) struct Settings {
    /// The store, if one was named anywhere.
    pub(super) named_data: Option<PathBuf>,
    pub(super) server: Option<String>,
    pub(super) json: bool,
    listen: Option<String>,
    log: Option<String>,
}

impl Settings {
    /// Reads the settings file where there is one, and puts the flags and variables over it.
    pub(super) fn of(shared: &Shared) -> Result<Self> {
        let file = match fs::read_to_string(FILE) {
            Ok(text) => toml::from_str(&text)
                .map_err(|refusal| Failure::Usage(format!("{FILE}: {}", refusal.to_string().trim())))?,
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => File::default(),
            Err(other) => return Err(Failure::Usage(format!("{FILE} cannot be read: {other}"))),
        };
        let server = match (&shared.server, &shared.data) {
            (Some(server), _) => Some(server.clone()),
            (None, Some(_)) => None,
            (None, None) => file.server,
        };
        Ok(Self {
            named_data: shared.data.clone().or(file.data),
            server,
            json: shared.json,
            listen: file.listen,
            log: file.log,
        })
    }

    pub(super) fn data(&self) -> PathBuf {
        self.named_data.clone().unwrap_or_else(|| PathBuf::from(DATA))
    }

    pub(super) fn listen(&self, flag: Option<String>) -> String {
        flag.or_else(|| self.listen.clone()).unwrap_or_else(|| LISTEN.to_owned())
    }

    pub(super) fn log(&self, flag: Option<String>) -> String {
        flag.or_else(|| self.log.clone()).unwrap_or_else(|| "warn".to_owned())
    }
}
