//! `clade token`: creates, lists, rotates and revokes API tokens.
//!
//! Invariant: a secret is printed once, when it is created. The store has only its hash.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use clap_complete::ArgValueCompleter;
use serde_json::{Value, json};

use crate::access::Secret;
use crate::cli::client::Client;
use crate::cli::settings::Settings;
use crate::cli::target::Target;
use crate::cli::{Failure, Result, completions, print_json, print_line};
use crate::directory::Directory;
use crate::model::command::{Command, NewToken, RotateToken};
use crate::model::key::Name;
use crate::model::reference::UnitRef;
use crate::model::time::Timestamp;
use crate::model::token::{self, TokenId};

#[derive(Debug, Args)]
pub(super) struct TokenArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Create a token and print its secret, which is shown only once
    Create(CreateArgs),
    /// List all tokens, including expired and revoked ones
    List,
    /// Replace a token by a new one and print the new secret, which is shown only once
    Rotate {
        /// The id of the token to replace: the eight characters after `clade_`
        id: String,
        /// Hours during which both tokens are valid; then the old one expires
        #[arg(long, value_name = "HOURS", default_value_t = 24)]
        overlap_hours: u32,
    },
    /// Revoke a token: requests with it are refused from now on
    Revoke {
        /// The id of the token: the eight characters after `clade_`
        id: String,
    },
}

#[derive(Debug, Args)]
struct CreateArgs {
    /// The role of the token
    #[arg(long, value_enum, default_value_t = RoleArg::Read)]
    role: RoleArg,
    /// Limit the token to the subtree of a unit (key, external id, path or unique name); can be repeated
    /// [default: no limit]
    #[arg(long = "unit", value_name = "UNIT", add = ArgValueCompleter::new(completions::units))]
    units: Vec<String>,
    /// Expiry as a date or RFC 3339 timestamp: 2027-01-31, or 2027-01-31T12:00:00Z [default: never]
    #[arg(long, value_name = "DATE")]
    expires: Option<String>,
    /// A note on what the token is used for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum RoleArg {
    /// Read records
    Read,
    /// Read and change records
    Write,
    /// Read and change records, and manage tokens
    Admin,
}

impl From<RoleArg> for token::Role {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::Read => Self::Read,
            RoleArg::Write => Self::Write,
            RoleArg::Admin => Self::Admin,
        }
    }
}

// GraphQL and not REST, which has no endpoints for tokens. The alias lets one function read both responses.
const CREATE: &str = "mutation ($input: CreateTokenInput!) {
    result: createToken(input: $input) { token record { ...record } } }";
const ROTATE: &str = "mutation ($input: RotateTokenInput!) {
    result: rotateToken(input: $input) { token record { ...record } } }";
const LIST: &str = "{ tokens { ...record } }";
const REVOKE: &str = "mutation ($id: String!) { deleteToken(tokenId: $id) { record { ...record } } }";
const RECORD: &str = " fragment record on Token {
    tokenId role description units { key } expiresAt createdAt lastUsedAt revokedAt }";

impl TokenArgs {
    pub(super) fn run(self, settings: &Settings) -> Result {
        match self.action {
            Action::Create(create) => create.run(settings),
            Action::List => list(settings),
            Action::Rotate { id, overlap_hours } => rotate(settings, &id, overlap_hours),
            Action::Revoke { id } => revoke(settings, &id),
        }
    }
}

impl CreateArgs {
    fn run(self, settings: &Settings) -> Result {
        let expires_at = match &self.expires {
            Some(text) => Some(Timestamp::parse(text).ok_or_else(|| {
                Failure::Usage(format!(
                    "--expires {text:?} is not valid; use a date such as 2027-01-31 or an RFC 3339 timestamp such as \
                     2027-01-31T12:00:00Z"
                ))
            })?),
            None => None,
        };
        let (secret, record) = match Target::to_write(settings)? {
            Target::Store(directory) => {
                let secret = Secret::generate();
                let units = self.units.iter().map(|unit| UnitRef::from(unit.as_str())).collect();
                directory.apply(Command::CreateToken(NewToken {
                    id: secret.id().clone(),
                    hash: secret.hash(),
                    role: self.role.into(),
                    description: self.description.as_deref().map(Name::parse).transpose()?,
                    // `None` means no limit. An empty list would mean a token that sees nothing.
                    units: (!self.units.is_empty()).then_some(units),
                    expires_at,
                }))?;
                (secret.reveal().to_owned(), record(&directory, secret.id()))
            }
            Target::Server(client) => {
                let role = token::Role::from(self.role).as_str().to_uppercase();
                let expires_at = expires_at.map(|time| time.to_string());
                let units = (!self.units.is_empty()).then_some(&self.units);
                let input = json!({
                    "role": role, "description": self.description, "units": units, "expiresAt": expires_at,
                });
                create_on_server(&client, CREATE, &input)?
            }
        };
        print_secret(settings, &secret, &record)
    }
}

/// Runs a mutation that creates a token on a server, and returns its secret and record.
fn create_on_server(client: &Client, mutation: &str, input: &Value) -> Result<(String, Value)> {
    let mut result =
        client.graphql(&format!("{mutation}{RECORD}"), &json!({ "input": input }))?["result"].take();
    Ok((result["token"].as_str().unwrap_or_default().to_owned(), result["record"].take()))
}

/// Prints the secret of a new token.
fn print_secret(settings: &Settings, secret: &str, record: &Value) -> Result {
    if settings.json {
        return print_json(&json!({ "token": secret, "record": record }));
    }
    // The hint goes to standard error, so that `TOKEN=$(clade token create)` gets the secret alone.
    eprintln!("The token is shown only once; store it safely. Send it as \"Authorization: Bearer <token>\".");
    print_line(secret)
}

/// Creates an admin token without limits in a store, and returns its secret.
pub(super) fn first(directory: &Directory, description: &str) -> Result<String> {
    let secret = Secret::generate();
    directory.apply(Command::CreateToken(NewToken {
        id: secret.id().clone(),
        hash: secret.hash(),
        role: token::Role::Admin,
        description: Some(Name::parse(description)?),
        units: None,
        expires_at: None,
    }))?;
    Ok(secret.reveal().to_owned())
}

fn rotate(settings: &Settings, id: &str, overlap_hours: u32) -> Result {
    let id = public_part(id)?;
    let overlap = Duration::from_secs(u64::from(overlap_hours) * 3_600);
    let (secret, record) = match Target::existing(settings)? {
        Target::Store(directory) => {
            let secret = Secret::generate();
            let (new_id, new_hash) = (secret.id().clone(), secret.hash());
            directory.apply(Command::RotateToken(RotateToken { id, new_id, new_hash, overlap }))?;
            (secret.reveal().to_owned(), record(&directory, secret.id()))
        }
        Target::Server(client) => {
            let input = json!({ "tokenId": id.as_str(), "overlapSeconds": overlap.as_secs() });
            create_on_server(&client, ROTATE, &input)?
        }
    };
    print_secret(settings, &secret, &record)
}

/// The record of a token in the form of the fragment [`RECORD`], so that local and remote tokens print alike.
fn record(directory: &Directory, id: &TokenId) -> Value {
    let view = directory.view();
    let Some(token) = view.token(id) else { return Value::Null };
    let text = |time: Option<Timestamp>| time.map(|time| time.to_string());
    json!({
        "tokenId": token.id.as_str(),
        "role": token.role.as_str().to_uppercase(),
        "description": token.description.as_ref().map(Name::as_str),
        "units": token.scope.is_limited().then(|| {
            let units = view.scoped_to(&token.scope);
            units.roots().into_iter().map(|unit| json!({ "key": units.label(unit) })).collect::<Vec<_>>()
        }),
        "expiresAt": text(token.expires_at),
        "createdAt": token.created_at.to_string(),
        "lastUsedAt": text(directory.last_used(id)),
        "revokedAt": text(token.revoked_at),
    })
}

fn list(settings: &Settings) -> Result {
    let tokens = match Target::existing(settings)? {
        Target::Store(directory) => {
            let view = directory.view();
            view.tokens().into_iter().map(|token| record(&directory, &token.id)).collect()
        }
        Target::Server(client) => client.graphql(&format!("{LIST}{RECORD}"), &json!({}))?["tokens"].take(),
    };
    if settings.json {
        return print_json(&tokens);
    }
    let tokens: Vec<Value> = tokens.as_array().cloned().unwrap_or_default();
    if tokens.is_empty() {
        eprintln!("there are no tokens; create one with: clade token create");
    }
    for token in &tokens {
        let text = |name: &str| token[name].as_str().unwrap_or_default().to_owned();
        let state = match (token["revokedAt"].as_str(), token["expiresAt"].as_str()) {
            (Some(when), _) => format!("revoked {when}"),
            (None, Some(when)) => format!("expires {when}"),
            (None, None) => "does not expire".to_owned(),
        };
        let role = text("role").to_lowercase();
        let used = token["lastUsedAt"]
            .as_str()
            .map_or_else(|| "never used".to_owned(), |when| format!("used {when}"));
        let units = token["units"].as_array().map_or_else(
            || "everything".to_owned(),
            |units| units.iter().filter_map(|unit| unit["key"].as_str()).collect::<Vec<_>>().join(", "),
        );
        let description = text("description");
        print_line(format!(
            "{}  {role:<5}  {state:<32}  {used:<29}  {units}  {description}",
            text("tokenId")
        ))?;
    }
    Ok(())
}

fn revoke(settings: &Settings, id: &str) -> Result {
    let id = public_part(id)?;
    let revoked = match Target::existing(settings)? {
        Target::Store(directory) => {
            directory.apply(Command::RevokeToken(id.clone()))?;
            record(&directory, &id)
        }
        Target::Server(client) => client
            .graphql(&format!("{REVOKE}{RECORD}"), &json!({ "id": id.as_str() }))?["deleteToken"]["record"]
            .take(),
    };
    if settings.json { print_json(&revoked) } else { print_line(format!("revoked {id}")) }
}

/// Parses the id of a token. A whole token (`clade_<id>_<secret>`) is accepted, since that is what users have at hand.
fn public_part(id: &str) -> Result<TokenId> {
    let id = id.strip_prefix("clade_").map_or(id, |rest| rest.split('_').next().unwrap_or(rest));
    Ok(TokenId::parse(id)?)
}
