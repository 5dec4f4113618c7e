//! `clade token`: make, list, revoke.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::access::Secret;
use crate::cli::settings::Settings;
use crate::cli::target::Target;
use crate::cli::{Failure, Result, say, say_json};
use crate::directory::Directory;
use crate::model::command::{Command, NewToken};
use crate::model::key::Name;
use crate::model::time::Timestamp;
use crate::model::token::{self, TokenId};

#[derive(Debug, Args)]
pub(super) struct Token {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a token and print its secret, this once
    Create(Create),
    /// List all tokens, also expired and revoked ones
    List,
    /// Refuse a token from now on
    Revoke {
        /// The eight characters after `clade_`
        id: String,
    },
}

#[derive(Debug, Args)]
struct Create {
    /// What it may do
    #[arg(long, value_enum, default_value_t = Role::Read)]
    role: Role,
    /// From when on it is refused: 2027-01-31, or 2027-01-31T12:00:00Z
    #[arg(long, value_name = "DATE")]
    expires: Option<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Role {
    /// Ask
    Read,
    /// Change records
    Write,
    /// Make and revoke tokens
    Admin,
}

impl From<Role> for token::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Read => Self::Read,
            Role::Write => Self::Write,
            Role::Admin => Self::Admin,
        }
    }
}

const CREATE: &str = "mutation ($input: CreateTokenInput!) {
    createToken(input: $input) { token record { tokenId role description expiresAt createdAt revokedAt } } }";
const LIST: &str = "{ tokens { tokenId role description expiresAt createdAt revokedAt } }";
const REVOKE: &str = "mutation ($id: String!) {
    deleteToken(tokenId: $id) { record { tokenId role description expiresAt createdAt revokedAt } } }";

impl Token {
    pub(super) fn run(self, settings: &Settings) -> Result {
        match self.action {
            Action::Create(create) => create.run(settings),
            Action::List => list(settings),
            Action::Revoke { id } => revoke(settings, &id),
        }
    }
}

impl Create {
    fn run(self, settings: &Settings) -> Result {
        let expires_at = match &self.expires {
            Some(text) => Some(Timestamp::parse(text).ok_or_else(|| {
                Failure::Usage(format!(
                    "--expires {text:?} is no date such as 2027-01-31, and no RFC 3339 moment"
                ))
            })?),
            None => None,
        };
        let (secret, record) = match Target::to_write(settings)? {
            Target::Store(directory) => {
                let description = self.description.as_deref().map(Name::parse).transpose()?;
                let (secret, id) = create(&directory, self.role.into(), description, expires_at)?;
                (secret, record(&directory, &id))
            }
            Target::Server(client) => {
                let role = token::Role::from(self.role).as_str().to_uppercase();
                let expires_at = expires_at.map(|moment| moment.to_string());
                let input = json!({ "role": role, "description": self.description, "expiresAt": expires_at });
                let mut made = client.graphql(CREATE, &json!({ "input": input }))?["createToken"].take();
                (made["token"].as_str().unwrap_or_default().to_owned(), made["record"].take())
            }
        };
        if settings.json {
            return say_json(&json!({ "token": secret, "record": record }));
        }
        eprintln!("This is shown once; keep it safe. Send it as \"Authorization: Bearer <token>\".");
        say(secret)
    }
}

/// Makes a token in a store; its secret and its id.
pub(super) fn create(
    directory: &Directory,
    role: token::Role,
    description: Option<Name>,
    expires_at: Option<Timestamp>,
) -> Result<(String, TokenId)> {
    let secret = Secret::generate();
    let id = secret.id().clone();
    let new = NewToken { id: id.clone(), hash: secret.hash(), role, description, expires_at };
    directory.apply(Command::CreateToken(new))?;
    Ok((secret.reveal().to_owned(), id))
}

/// A token as GraphQL shows it.
fn record(directory: &Directory, id: &TokenId) -> Value {
    let view = directory.view();
    let Some(token) = view.token(id) else { return Value::Null };
    let moment = |moment: Option<Timestamp>| moment.map(|moment| moment.to_string());
    json!({
        "tokenId": token.id.as_str(),
        "role": token.role.as_str().to_uppercase(),
        "description": token.description.as_ref().map(Name::as_str),
        "expiresAt": moment(token.expires_at),
        "createdAt": token.created_at.to_string(),
        "revokedAt": moment(token.revoked_at),
    })
}

fn list(settings: &Settings) -> Result {
    let tokens = match Target::existing(settings)? {
        Target::Store(directory) => {
            let view = directory.view();
            view.tokens().into_iter().map(|token| record(&directory, &token.id)).collect()
        }
        Target::Server(client) => client.graphql(LIST, &json!({}))?["tokens"].take(),
    };
    if settings.json {
        return say_json(&tokens);
    }
    let tokens: Vec<Value> = tokens.as_array().cloned().unwrap_or_default();
    if tokens.is_empty() {
        eprintln!("there are no tokens; clade token create makes one");
    }
    for token in &tokens {
        let text = |name: &str| token[name].as_str().unwrap_or_default().to_owned();
        let state = match (token["revokedAt"].as_str(), token["expiresAt"].as_str()) {
            (Some(when), _) => format!("revoked {when}"),
            (None, Some(when)) => format!("expires {when}"),
            (None, None) => "does not expire".to_owned(),
        };
        let role = text("role").to_lowercase();
        say(format!("{}  {role:<5}  {state:<32}  {}", text("tokenId"), text("description")))?;
    }
    Ok(())
}

fn revoke(settings: &Settings, id: &str) -> Result {
    // A whole token does as well as its id.
    let id = id.strip_prefix("clade_").map_or(id, |rest| rest.split('_').next().unwrap_or(rest));
    let id = TokenId::parse(id)?;
    let revoked = match Target::existing(settings)? {
        Target::Store(directory) => {
            directory.apply(Command::RevokeToken(id.clone()))?;
            record(&directory, &id)
        }
        Target::Server(client) => {
            client.graphql(REVOKE, &json!({ "id": id.as_str() }))?["deleteToken"]["record"].take()
        }
    };
    if settings.json { say_json(&revoked) } else { say(format!("revoked {id}")) }
}
