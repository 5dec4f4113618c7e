//! Tokens as mutations give them.

use std::time::Duration;

use async_graphql::{ID, InputObject, MaybeUndefined};

use crate::access::Secret;
use crate::model::command::{Command, NewToken, Patch, RotateToken, UpdateToken};
use crate::model::key::Name;
use crate::model::token::TokenId;
use crate::server::graphql::input::{given, patch};
use crate::server::graphql::types::scalars::DateTime;
use crate::server::graphql::types::token::Role;
use crate::server::response::problem::Result;
use crate::wire::id::unit_ref;

/// A new token.
#[derive(Debug, InputObject)]
pub(crate) struct CreateTokenInput {
    /// Its permissions.
    role: Role,
    /// Its purpose, in the operator's words.
    description: Option<String>,
    /// The units that it sees and may change, with what is beneath them: each a global id, or a unit's key, external id, path (`Corp/R&D`) or unique name.
    /// Everything when not given.
    units: Option<Vec<ID>>,
    /// From when on it is refused; never when not given.
    expires_at: Option<DateTime>,
}

impl CreateTokenInput {
    pub(crate) fn command(self, secret: &Secret) -> Result<Command> {
        Ok(Command::CreateToken(NewToken {
            id: secret.id().clone(),
            hash: secret.hash(),
            role: self.role.into(),
            description: given(self.description, "description", Name::parse)?,
            units: self.units.map(|units| units.iter().map(|id| unit_ref(id)).collect()),
            expires_at: self.expires_at.map(|moment| moment.0),
        }))
    }
}

/// A new token in place of another.
#[derive(Debug, InputObject)]
pub(crate) struct RotateTokenInput {
    /// The public part of the one to be replaced: the eight characters after `clade_`.
    token_id: String,
    /// For so many seconds both hold; a day when not given.
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

/// Changes to a token. What is not given stays; null clears.
#[derive(Debug, InputObject)]
pub(crate) struct UpdateTokenInput {
    /// The token id: the eight characters after `clade_`.
    token_id: String,
    /// Its permissions.
    role: Option<Role>,
    /// Its purpose, in the operator's words.
    description: MaybeUndefined<String>,
    /// From when on it is refused; never when null.
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
                MaybeUndefined::Value(moment) => Patch::Set(moment.0),
            },
        }))
    }
}
