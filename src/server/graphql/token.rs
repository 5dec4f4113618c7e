//! `Token`: everything but its secret.

use std::sync::Arc;

use async_graphql::{Description, Enum, Object};

use crate::model::key::Name;
use crate::model::token::Token as Record;
use crate::server::graphql::scalars::{DateTime, Revision};

/// What a token may do; each role may do what the one before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::model::token::Role")]
pub(crate) enum Role {
    /// Ask.
    Read,
    /// Change records.
    Write,
    /// Make and revoke tokens.
    Admin,
}

/// An API token as the directory keeps it. Its secret is known only to whoever holds it.
#[derive(Clone, Description)]
pub(crate) struct Token(pub(crate) Arc<Record>);

#[Object(use_type_description)]
impl Token {
    /// The public part: the eight characters after `clade_`.
    async fn token_id(&self) -> &str {
        self.0.id.as_str()
    }

    /// What it may do.
    async fn role(&self) -> Role {
        self.0.role.into()
    }

    /// What it is for.
    async fn description(&self) -> Option<&str> {
        self.0.description.as_ref().map(Name::as_str)
    }

    /// From when on it is refused.
    async fn expires_at(&self) -> Option<DateTime> {
        self.0.expires_at.map(DateTime)
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// When it was revoked, if it was.
    async fn revoked_at(&self) -> Option<DateTime> {
        self.0.revoked_at.map(DateTime)
    }

    /// The revision in which it last changed.
    async fn revision(&self) -> Revision {
        Revision(self.0.revision)
    }
}
