//! The command line: one file a command. Results go to standard output, the rest to standard error.
//!
//! Exit codes: 0 done, 1 refused, 2 wrong usage.

mod backup;
mod check;
mod client;
mod demo;
pub mod demo_data;
mod doctor;
mod export;
mod expose;
mod generate;
mod graphql;
mod health;
mod import;
mod jwt;
mod log;
mod output;
mod query;
mod records;
mod restore;
mod schema;
mod serve;
mod settings;
mod stop_signal;
mod target;
mod telemetry;
mod token;
mod tree;
mod tree_json;
mod tree_text;
mod tree_walk;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use serde_json::{Value, json};

use crate::error::panic::report_only_uncaught_panics;
use crate::error::{Error, StoreError};

/// Who and what belongs where: people, projects and org units in one file, served over GraphQL and REST.
#[derive(Debug, Parser)]
#[command(name = "clade", version, propagate_version = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: CliCommand,
    #[command(flatten)]
    shared: settings::GlobalArgs,
}

#[derive(Debug, Subcommand)]
enum CliCommand {
    /// Serve a store over GraphQL and REST
    Serve(serve::ServeArgs),
    /// Take records from NDJSON or CSV files: all of them, or none
    Import(import::ImportArgs),
    /// Write all records in the form that import takes
    Export(export::ExportArgs),
    /// Draw the hierarchy with its rolled-up totals
    Tree(tree::TreeArgs),
    /// Ask a GraphQL query
    Query(query::QueryArgs),
    /// Make, list and revoke API tokens
    Token(token::TokenArgs),
    /// Tell who changed what, the newest first
    Log(log::LogArgs),
    /// Ask a server whether it can serve
    Health(health::HealthArgs),
    /// Examine a store: file, log, graph and rules; and look its data over
    Check(check::CheckArgs),
    /// Copy a store, consistently, also while it is served
    Backup(backup::BackupArgs),
    /// Put a backup in place, where no store is yet
    Restore(restore::RestoreArgs),
    /// Print the GraphQL schema
    Schema,
    /// Print the OpenAPI document
    Openapi,
    /// Write a made-up organisation of any size, to try things on
    DemoData(generate::GenerateArgs),
}

/// Why a command did not do what was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It was refused: exit code 1.
    Refused { message: String, facts: Value },
    /// It was asked in a way that cannot be: exit code 2.
    Usage(String),
    /// It was refused, and the output says so already: exit code 1.
    Silent,
    /// Whoever reads the output has gone: nothing to say.
    Gone,
}

pub(crate) type Result<T = (), E = Failure> = std::result::Result<T, E>;

impl Failure {
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::Refused { message: message.into(), facts: json!({}) }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused { message: error.to_string(), facts: json!({ "code": error.code() }) }
    }
}

impl From<StoreError> for Failure {
    fn from(failure: StoreError) -> Self {
        Error::from(failure).into()
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe { Self::Gone } else { Self::refused(error.to_string()) }
    }
}

/// Runs the command that the process was started with.
#[must_use]
pub fn main() -> ExitCode {
    report_only_uncaught_panics();
    let command = settings::without_empty_variables(Cli::command());
    let cli = Cli::from_arg_matches(&command.get_matches()).unwrap_or_else(|refusal| refusal.exit());
    let shared = cli.shared.clone();
    let outcome = settings::Settings::of(&cli.shared).and_then(|settings| run(cli.command, &settings));
    match outcome {
        Ok(()) | Err(Failure::Gone) => ExitCode::SUCCESS,
        Err(Failure::Silent) => ExitCode::from(1),
        Err(Failure::Refused { message, mut facts }) => {
            if shared.json {
                facts["message"] = message.into();
                let _unheard = writeln!(io::stdout(), "{facts}");
            } else {
                eprintln!("error: {message}");
            }
            ExitCode::from(1)
        }
        Err(Failure::Usage(message)) => {
            eprintln!("error: {message}");
            ExitCode::from(2)
        }
    }
}

fn run(command: CliCommand, settings: &settings::Settings) -> Result {
    match command {
        CliCommand::Serve(serve) => serve.run(settings),
        CliCommand::Import(import) => import.run(settings),
        CliCommand::Export(export) => export.run(settings),
        CliCommand::Tree(tree) => tree.run(settings),
        CliCommand::Query(query) => query.run(settings),
        CliCommand::Token(token) => token.run(settings),
        CliCommand::Log(log) => log.run(settings),
        CliCommand::Health(health) => health.run(settings),
        CliCommand::Check(check) => check.run(settings),
        CliCommand::Backup(backup) => backup.run(settings),
        CliCommand::Restore(restore) => restore.run(settings),
        CliCommand::Schema => schema::graphql(settings),
        CliCommand::Openapi => schema::openapi(settings),
        CliCommand::DemoData(generate) => generate.run(),
    }
}

/// Writes a line of results.
pub(crate) fn say(text: impl AsRef<str>) -> Result {
    Ok(writeln!(io::stdout(), "{}", text.as_ref())?)
}

/// Writes a result that a program reads.
pub(crate) fn say_json(value: &Value) -> Result {
    say(serde_json::to_string_pretty(value).unwrap_or_default())
}
