//! The command-line interface: parsing, dispatch, exit codes. Each command has a module of its own.
//!
//! Invariant: results go to standard output, everything else to standard error. Exit codes: 0 success, 1 the command
//! was refused or failed, 2 wrong usage.

mod ask;
mod backup;
mod change;
mod check;
mod client;
mod completions;
mod config;
mod demo;
pub mod demo_data;
mod describe;
mod doctor;
mod early_response;
mod edit;
mod environment;
mod export;
mod expose;
mod field_args;
mod find;
mod generate;
mod graphql;
mod health;
mod help;
mod import;
mod jwt;
mod log;
mod log_text;
mod man;
mod numbers;
mod output;
mod pager;
mod printable;
mod query;
mod records;
mod restore;
mod schema;
mod serve;
mod settings;
mod settings_file;
mod show;
mod stop_signal;
mod store_summary;
mod target;
mod telemetry;
mod token;
mod tree;
mod tree_json;
mod tree_text;
mod tree_walk;
mod whoami;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::CompleteEnv;
use serde_json::{Value, json};

use self::printable::{printable, printable_json};

use crate::error::panic::report_only_uncaught_panics;
use crate::error::{Error, StoreError};

/// Organization graph store: people, projects and org units in one file, served over GraphQL and REST.
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
    /// Start an HTTP server that offers a store over GraphQL and REST
    Serve(serve::ServeArgs),
    /// Import records from NDJSON or CSV files in one transaction: all records, or none
    Import(import::ImportArgs),
    /// Export all records as NDJSON or CSV, in the form that `import` reads
    Export(export::ExportArgs),
    /// Print the hierarchy of units as a tree, with the people and projects in each subtree
    Tree(tree::TreeArgs),
    /// Search all records by their texts, best match first
    Find(find::FindArgs),
    /// Show what a key, email, project id, URL or name stands for: its paths up to the roots, totals and units
    Show(show::ShowArgs),
    /// Print the token in use: its role, its units, and the server
    Whoami,
    /// Create a unit, person or project
    Create(edit::CreateRecordArgs),
    /// Change fields of a unit, person or project
    Update(edit::UpdateArgs),
    /// Move a unit with its whole subtree, a person or a project to another unit
    Move(edit::MoveArgs),
    /// Give a unit, person or project another name; its key stays
    Rename(edit::RenameArgs),
    /// Delete a unit, person or project; its history stays
    End(edit::EndArgs),
    /// Run a GraphQL query or mutation and print the response as JSON
    Query(query::QueryArgs),
    /// Create, list, rotate and revoke API tokens
    Token(token::TokenArgs),
    /// Print the audit log: who changed what, newest first
    Log(log::LogArgs),
    /// Check whether a running server is ready (health check; needs no token)
    Health(health::HealthArgs),
    /// Check the integrity of a store (file, log, graph, rules) and the quality of its data
    Check(check::CheckArgs),
    /// Write a consistent copy of a store, even while a server is using it
    Backup(backup::BackupArgs),
    /// Restore a store from a backup; an existing store is never overwritten
    Restore(restore::RestoreArgs),
    /// Print the GraphQL schema (SDL)
    Schema,
    /// Print the OpenAPI document of the REST API (JSON)
    Openapi,
    /// Generate a fictitious organization of any size as NDJSON, for trials and benchmarks
    DemoData(generate::GenerateArgs),
    /// Print the effective settings, each with its source
    Config(config::ConfigArgs),
    /// Print the script by which a shell completes commands, flags and keys
    Completions(completions::CompletionsArgs),
    /// Print a manual page, or write all of them to a folder
    Man(man::ManArgs),
}

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command was refused or failed: exit code 1. `members` are the members of the error object of `--json`.
    Refused { message: String, members: Value },
    /// Wrong usage, such as flags that exclude each other: exit code 2.
    Usage(String),
    /// The command failed, and its output already says so: exit code 1, no further message.
    AlreadyPrinted,
    /// The reader of standard output has closed it (broken pipe): exit code 0, no message.
    OutputClosed,
}

pub(crate) type Result<T = (), E = Failure> = std::result::Result<T, E>;

impl Failure {
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::Refused { message: message.into(), members: json!({}) }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let mut members = json!({ "code": error.code() });
        if let Error::NotFound { kind, reference, similar, .. } = &error {
            members["kind"] = (*kind).into();
            members["reference"] = reference.as_str().into();
            let similar = similar.iter().map(|one| json!({ "key": one.key, "name": one.name }));
            members["similar"] = similar.collect();
        }
        Self::Refused { message: error.to_string(), members }
    }
}

impl From<StoreError> for Failure {
    fn from(failure: StoreError) -> Self {
        Error::from(failure).into()
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        // `clade log | head` closes the pipe early. That is normal use, so it must not become an error.
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::OutputClosed
        } else {
            Self::refused(error.to_string())
        }
    }
}

/// Parses the arguments of the process, runs the command, and returns the exit code.
#[must_use]
pub fn main() -> ExitCode {
    report_only_uncaught_panics();
    CompleteEnv::with_factory(|| help::with_examples(Cli::command())).var(completions::ASKED).complete();
    let file = settings_file::SettingsFile::read();
    // Not `Cli::parse()`: values of the settings file become defaults, and empty environment variables count as absent.
    let command = file.iter().fold(Cli::command(), |command, file| file.as_defaults(command));
    let command = help::with_examples(environment::without_empty_variables(command));
    // Before a broken file is reported, so that `--help` and `--version` work nevertheless.
    let cli = Cli::from_arg_matches(&command.get_matches()).unwrap_or_else(|refusal| refusal.exit());
    let shared = cli.shared.clone();
    let outcome = file.and_then(|file| run(cli.command, &settings::Settings::of(&cli.shared, &file), &file));
    match outcome {
        Ok(()) | Err(Failure::OutputClosed) => ExitCode::SUCCESS,
        Err(Failure::AlreadyPrinted) => ExitCode::from(1),
        Err(Failure::Refused { message, mut members }) => {
            if shared.json {
                members["message"] = message.into();
                // With `--json` a failure is a result too: programs read it from standard output. A write error is
                // ignored, since there is nowhere left to report it.
                let _unheard = writeln!(io::stdout(), "{members}");
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

fn run(command: CliCommand, settings: &settings::Settings, file: &settings_file::SettingsFile) -> Result {
    match command {
        CliCommand::Serve(serve) => serve.run(settings),
        CliCommand::Import(import) => import.run(settings),
        CliCommand::Export(export) => export.run(settings),
        CliCommand::Tree(tree) => tree.run(settings),
        CliCommand::Find(find) => find.run(settings),
        CliCommand::Show(show) => show.run(settings),
        CliCommand::Whoami => whoami::run(settings),
        CliCommand::Create(create) => create.run(settings),
        CliCommand::Update(update) => update.run(settings),
        CliCommand::Move(move_args) => move_args.run(settings),
        CliCommand::Rename(rename) => rename.run(settings),
        CliCommand::End(end) => end.run(settings),
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
        CliCommand::Config(config) => config.run(settings, file),
        CliCommand::Completions(completions) => completions.run(),
        CliCommand::Man(man) => man.run(help::with_examples(man::without_help(Cli::command()))),
    }
}

/// Prints one line to standard output.
pub(crate) fn print_line(text: impl AsRef<str>) -> Result {
    // Not `println!`, which panics when the reader has closed the pipe.
    Ok(writeln!(io::stdout(), "{}", printable(text.as_ref()))?)
}

/// Prints a JSON value to standard output, indented.
pub(crate) fn print_json(value: &Value) -> Result {
    print_line(printable_json(&serde_json::to_string_pretty(value).unwrap_or_default()))
}
