//! `clade config show`: prints the effective settings, each with its source, as a settings file.

use std::env;
use std::path::Path;

use clap::{Args, Command, CommandFactory, Subcommand};
use serde_json::{Value, json};

use crate::cli::environment::variable;
use crate::cli::jwt;
use crate::cli::settings::Settings;
use crate::cli::settings_file::{SettingsFile, setting_of, texts};
use crate::cli::{Cli, Result, print_json, print_line};

#[derive(Debug, Args)]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print the effective settings, each with its source: a variable, the settings file, or the default
    Show,
}

/// A setting with the source that decides it.
struct Setting {
    key: String,
    /// `None` if it is not set and has no default.
    value: Option<Value>,
    source: String,
}

impl ConfigArgs {
    pub(super) fn run(self, settings: &Settings, file: &SettingsFile) -> Result {
        let ConfigCommand::Show = self.command;
        let found = effective(settings, file);
        let path = file.path.as_deref().map(absolute);
        if settings.json {
            let list = found.iter();
            let list = list.map(
                |Setting { key, value, source }| json!({ "key": key, "value": value, "source": source }),
            );
            return print_json(&json!({ "file": path, "settings": list.collect::<Vec<_>>() }));
        }
        print_line(match &path {
            Some(path) => format!("# settings file: {path}"),
            None => {
                format!("# no settings file (clade.toml) in {} or ~/.config/clade", absolute(Path::new(".")))
            }
        })?;
        for Setting { key, value, source } in &found {
            print_line(match value {
                Some(value) => format!("{:<48} # {source}", format!("{key} = {}", toml_text(value))),
                None if source == "default" => format!("{:<48} # not set", format!("# {key} =")),
                None => format!("{:<48} # {source}", format!("# {key} =")),
            })?;
        }
        Ok(())
    }
}

/// All settings: the store or server that commands use, those of `serve`, and those of JWT.
fn effective(settings: &Settings, file: &SettingsFile) -> Vec<Setting> {
    let in_file = file.settings();
    let path = file.path.as_deref().map(absolute).unwrap_or_default();
    let of = |key: String, env: &str, default: Option<Value>| {
        let (value, source) = match (variable(env), in_file.get(&key)) {
            (Some(value), _) => (Some(typed_as(&key, &value.to_string_lossy())), env.to_owned()),
            (None, Some(value)) => (Some(value.clone()), path.clone()),
            (None, None) => (default, "default".to_owned()),
        };
        Setting { key, value, source }
    };
    let mut all = vec![
        of("data".to_owned(), "CLADE_DATA", Some(json!("clade.redb"))),
        of("server".to_owned(), "CLADE_SERVER", None),
    ];
    // Flags of `config show` itself count for the two that all commands take.
    if settings.is_data_flagged {
        all[0] = Setting {
            key: "data".to_owned(),
            value: Some(json!(settings.data())),
            source: "--data".to_owned(),
        };
    }
    if settings.is_server_flagged {
        let value = settings.server.as_deref().map(Value::from);
        all[1] = Setting { key: "server".to_owned(), value, source: "--server".to_owned() };
    }
    // Only one of them applies: the one that `Settings` has chosen.
    if settings.server.is_some() {
        all[0].source.push_str("; used by serve alone, as server applies");
    } else if all[1].value.is_some() {
        all[1].source.push_str("; not used, as data applies");
    }
    let clade = Cli::command();
    for argument in clade.find_subcommand("serve").into_iter().flat_map(Command::get_arguments) {
        let Some(env) = argument.get_env().and_then(|env| env.to_str()) else { continue };
        let default = argument.get_default_values().first();
        let default = default.map(|text| typed(&text.to_string_lossy()));
        all.push(of(setting_of(argument.get_id().as_str()), env, default));
    }
    for (key, env) in jwt::VARIABLES {
        all.push(of(format!("jwt.{key}"), env, None));
    }
    all.push(of("jwt.roles".to_owned(), "", None));
    all
}

/// The value of a variable in the type that the setting has in the file.
fn typed_as(key: &str, text: &str) -> Value {
    match key {
        "cors_origin" | "trusted_proxy" => text.split(',').map(str::trim).collect(),
        "data" | "server" | "listen" | "log" | "tls_cert" | "tls_key" | "otlp_endpoint" => text.into(),
        key if key.starts_with("jwt.") => text.into(),
        _ => typed(text),
    }
}

/// A number if the text is one, else a text.
fn typed(text: &str) -> Value {
    text.parse::<u64>().map_or_else(|_| Value::from(text), Value::from)
}

/// A value as TOML writes it.
fn toml_text(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members: Vec<_> = members
                .iter()
                .map(|(key, value)| format!("{} = {value}", Value::from(key.as_str())))
                .collect();
            format!("{{ {} }}", members.join(", "))
        }
        // The escapes of JSON's strings are escapes of TOML's basic strings.
        Value::Array(_) | Value::String(_) => value.to_string(),
        other => texts(other).concat(),
    }
}

fn absolute(path: &Path) -> String {
    let folder = env::current_dir().unwrap_or_default();
    let folder = if path == Path::new(".") { folder } else { folder.join(path) };
    folder.display().to_string()
}
