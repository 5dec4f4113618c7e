//! `Token`: the GraphQL type of an API token's metadata, and its roles.
//!
//! Invariant: the secret cannot leave through here. The store has its hash alone, and no field shows that.

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

/// Permissions of a token. Each role includes the roles before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::model::token::Role")]
pub(crate) enum Role {
    /// Read records.
    Read,
    /// Create, update and delete records.
    Write,
    /// Create, update, rotate and revoke tokens. Without a scope: read the change log, too.
    Admin,
}

/// An API token's metadata. The secret itself is not stored and cannot be read.
#[derive(Clone, Description)]
pub(crate) struct Token {
    view: View,
    record: Arc<Record>,
}

impl Token {
    /// The token with this id, if its scope is within `view`.
    pub(crate) fn known(view: &View, id: &TokenId) -> Option<Self> {
        view.token(id).map(|record| Self { view: view.clone(), record: Arc::clone(record) })
    }

    /// All tokens whose scope is within `view`, the earliest first.
    pub(crate) fn all(view: &View, admin: &TokenAdmin) -> Vec<Self> {
        let tokens = admin.tokens(view).into_iter();
        tokens.map(|record| Self { view: view.clone(), record: Arc::clone(record) }).collect()
    }
}

#[Object(use_type_description)]
impl Token {
    /// The token id: the eight characters after `clade_`.
    async fn token_id(&self) -> &str {
        self.record.id.as_str()
    }

    /// The token's role.
    async fn role(&self) -> Role {
        self.record.role.into()
    }

    /// The token's purpose.
    async fn description(&self) -> Option<Metered<&str>> {
        self.record.description.as_ref().map(Name::as_str).map(Metered)
    }

    /// The token's scope: it reads and changes these units and their descendants only. Sorted by name. Null for an
    /// unlimited token. Deleted units are left out and grant nothing.
    async fn units(&self) -> Option<Vec<OrgUnit>> {
        let scope = &self.record.scope;
        // Null and an empty list differ: a token whose units were all deleted is still limited, and reads nothing.
        // The units are the roots of the token's own view, which this caller's view contains.
        scope.is_limited().then(|| OrgUnit::all(&self.view, self.view.scoped_to(scope).roots()))
    }

    /// When the token expires. Null if it never does.
    async fn expires_at(&self) -> Option<DateTime> {
        self.record.expires_at.map(DateTime)
    }

    /// When the token was created.
    async fn created_at(&self) -> DateTime {
        DateTime(self.record.created_at)
    }

    /// When the token was last used, rounded to the minute. Null before its first use.
    async fn last_used_at(&self, context: &Context<'_>) -> Result<Option<DateTime>> {
        // Uses are recorded without a commit, so this reads the live directory and not the view. For the same reason
        // `Document` keeps a query that selects this field out of the response cache.
        Ok(caller(context)?.directory().last_used(&self.record.id).map(DateTime))
    }

    /// When the token was revoked. Null if it was not.
    async fn revoked_at(&self) -> Option<DateTime> {
        self.record.revoked_at.map(DateTime)
    }

    /// The revision that last changed the token.
    async fn revision(&self) -> Revision {
        Revision(self.record.revision)
    }
}
