//! Inputs of the token mutations.
//!
//! Invariant: commands carry the hash of a secret and never the secret, so that neither the store nor the log has it.

use std::time::Duration;

use async_graphql::{ID, InputObject, MaybeUndefined};

use crate::access::Secret;
use crate::model::command::{Command, NewToken, Patch, RotateToken, UpdateToken};
use crate::model::key::Name;
use crate::model::token::TokenId;
use crate::server::graphql::input::{optional, patch};
use crate::server::graphql::types::scalars::DateTime;
use crate::server::graphql::types::token::Role;
use crate::server::response::problem::Result;
use crate::wire::id::unit_ref;

/// A new token.
#[derive(Debug, InputObject)]
pub(crate) struct CreateTokenInput {
    /// The token's role.
    role: Role,
    /// The token's purpose.
    description: Option<String>,
    /// Scope: the units that the token is limited to, with their descendants. Each is a global id, or a unit's key,
    /// external id, path (`Corp/R&D`) or unique name. Default: unlimited.
    units: Option<Vec<ID>>,
    /// Expiry. Default: never.
    expires_at: Option<DateTime>,
}

impl CreateTokenInput {
    pub(crate) fn command(self, secret: &Secret) -> Result<Command> {
        Ok(Command::CreateToken(NewToken {
            id: secret.id().clone(),
            hash: secret.hash(),
            role: self.role.into(),
            description: optional(self.description, "description", Name::parse)?,
            units: self.units.map(|units| units.iter().map(|id| unit_ref(id)).collect()),
            expires_at: self.expires_at.map(|time| time.0),
        }))
    }
}

/// Replacement of a token.
#[derive(Debug, InputObject)]
pub(crate) struct RotateTokenInput {
    /// Id of the token to replace: the eight characters after `clade_`.
    token_id: String,
    /// How long both tokens are valid, in seconds. Default: 86,400 (one day).
    // Without an overlap, every client that has not received the new secret yet fails at once.
    #[graphql(default = 86_400)]
    overlap_seconds: u32,
}

impl RotateTokenInput {
    pub(crate) fn command(&self, secret: &Secret) -> Result<Command> {
        Ok(Command::RotateToken(RotateToken {
            id: TokenId::parse(&self.token_id)?,
            new_id: secret.id().clone(),
            new_hash: secret.hash(),
            overlap: Duration::from_secs(self.overlap_seconds.into()),
        }))
    }
}

/// Changes to a token. Absent fields stay unchanged; null clears.
#[derive(Debug, InputObject)]
pub(crate) struct UpdateTokenInput {
    /// The token id: the eight characters after `clade_`.
    token_id: String,
    /// The token's role.
    role: Option<Role>,
    /// The token's purpose.
    description: MaybeUndefined<String>,
    /// Expiry. Null: never.
    expires_at: MaybeUndefined<DateTime>,
}

impl UpdateTokenInput {
    pub(crate) fn command(self) -> Result<Command> {
        Ok(Command::UpdateToken(UpdateToken {
            id: TokenId::parse(&self.token_id)?,
            role: self.role.map(Into::into),
            description: patch(self.description, "description", Name::parse)?,
            expires_at: match self.expires_at {
                MaybeUndefined::Undefined => Patch::Keep,
                MaybeUndefined::Null => Patch::Clear,
                MaybeUndefined::Value(time) => Patch::Set(time.0),
            },
        }))
    }
}
