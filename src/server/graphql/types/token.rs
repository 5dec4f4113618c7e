//! `Token`: everything but its secret.

use std::sync::Arc;

use async_graphql::{Context, Description, Enum, Object};

use crate::directory::View;
use crate::model::key::Name;
use crate::model::token::{Token as Record, TokenId};
use crate::server::auth::caller::TokenAdmin;
use crate::server::graphql::types::context::caller;
use crate::server::graphql::types::metered::Metered;
use crate::server::graphql::types::org_unit::OrgUnit;
use crate::server::graphql::types::scalars::{DateTime, Revision};
use crate::server::response::problem::Result;

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
pub(crate) struct Token {
    view: View,
    record: Arc<Record>,
}

impl Token {
    /// The token with this public part, if it sees no more than `view`.
    pub(crate) fn known(view: &View, id: &TokenId) -> Option<Self> {
        view.token(id).map(|record| Self { view: view.clone(), record: Arc::clone(record) })
    }

    /// All that see no more than `view`, the earliest first.
    pub(crate) fn all(view: &View, admin: &TokenAdmin) -> Vec<Self> {
        let tokens = admin.tokens(view).into_iter();
        tokens.map(|record| Self { view: view.clone(), record: Arc::clone(record) }).collect()
    }
}

#[Object(use_type_description)]
impl Token {
    /// The public part: the eight characters after `clade_`.
    async fn token_id(&self) -> &str {
        self.record.id.as_str()
    }

    /// What it may do.
    async fn role(&self) -> Role {
        self.record.role.into()
    }

    /// What it is for.
    async fn description(&self) -> Option<Metered<&str>> {
        self.record.description.as_ref().map(Name::as_str).map(Metered)
    }

    /// The units that it sees and may change, with what is beneath them, by name; null when it sees everything. Units
    /// that were ended are left out, and give it nothing.
    async fn units(&self) -> Option<Vec<OrgUnit>> {
        let scope = &self.record.scope;
        scope.is_limited().then(|| OrgUnit::all(&self.view, self.view.scoped_to(scope).roots()))
    }

    /// From when on it is refused.
    async fn expires_at(&self) -> Option<DateTime> {
        self.record.expires_at.map(DateTime)
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.record.created_at)
    }

    /// When it was last used, to the minute; null before its first use.
    async fn last_used_at(&self, context: &Context<'_>) -> Result<Option<DateTime>> {
        Ok(caller(context)?.directory().last_used(&self.record.id).map(DateTime))
    }

    /// When it was revoked, if it was.
    async fn revoked_at(&self) -> Option<DateTime> {
        self.record.revoked_at.map(DateTime)
    }

    /// The revision in which it last changed.
    async fn revision(&self) -> Revision {
        Revision(self.record.revision)
    }
}
