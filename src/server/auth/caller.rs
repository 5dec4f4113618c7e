//! The authenticated caller of a request, and types that prove its rights.
//!
//! Invariant: a caller has no view. A reader takes one and keeps it only while it reads; a writer waits without one,
//! since the writer must copy the graph while a view of it exists.

use std::sync::Arc;

use axum::extract::Request;

use crate::access::Grant;
use crate::directory::{Applied, Directory, View};
use crate::error::Error;
use crate::model::IntoCommands;
use crate::model::token::{Actor, Author, Role, Token};
use crate::query::with_similar;
use crate::server::connection::peer::Peer;
use crate::server::response::problem::{Problem, Result};

/// One authenticated caller of one directory.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    grant: Arc<Grant>,
    directory: Directory,
}

/// The principal that limits are counted for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::server) enum Principal {
    /// A caller with a valid token.
    Known(Actor),
    /// An unauthenticated client, by its address; `None` if the request came without this crate's listener.
    Unauthenticated(Option<Peer>),
}

/// Proof of the role admin, perhaps limited to units: for managing tokens.
#[derive(Debug)]
pub(in crate::server) struct TokenAdmin(());

/// A caller with the role admin that is not limited to units: for operations on the whole store and its log.
#[derive(Debug, Clone)]
pub(in crate::server) struct StoreAdmin(Caller);

impl Caller {
    pub(super) fn new(grant: Arc<Grant>, directory: Directory) -> Self {
        Self { grant, directory }
    }

    /// The process that owns the store: it may do everything and sees everything.
    #[must_use]
    pub(crate) fn local(directory: Directory) -> Self {
        Self::new(Arc::new(Grant::local()), directory)
    }

    /// A caller with a token of this role that sees everything.
    #[cfg(test)]
    pub(in crate::server) fn with_role(directory: Directory, role: Role) -> Self {
        use crate::access::Secret;
        use crate::model::time::Timestamp;

        let (secret, now) = (Secret::generate(), Timestamp::from_millis(0));
        let token = Token {
            id: secret.id().clone(),
            hash: secret.hash(),
            role,
            description: None,
            scope: crate::model::token::Scope::Everything,
            expires_at: None,
            created_at: now,
            revoked_at: None,
            revision: crate::model::entity::Revision(1),
        };
        Self::new(Arc::new(Grant::as_of(&token)), directory)
    }

    /// The grant of its token.
    pub(in crate::server) fn grant(&self) -> &Grant {
        &self.grant
    }

    pub(in crate::server) fn actor(&self) -> &Actor {
        self.grant.actor()
    }

    pub(in crate::server) fn principal(&self) -> Principal {
        Principal::Known(self.actor().clone())
    }

    /// The current view, narrowed to the caller's scope.
    // Take it once a request: two calls may return different revisions.
    pub(in crate::server) fn view(&self) -> View {
        self.directory.view().scoped_to(self.grant.scope())
    }

    /// The whole directory, for revisions, and for what a token may know of itself. Records are read through
    /// [`Caller::view`], which narrows them.
    pub(in crate::server) fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Carries out all commands or none, in the caller's name. The view of the result is narrowed.
    pub(in crate::server) async fn apply(&self, commands: impl IntoCommands) -> Result<Applied, Error> {
        self.apply_set(commands, true).await
    }

    /// As [`Caller::apply`]. `makes_units` says whether names of units that do not exist create them.
    pub(in crate::server) async fn apply_set(
        &self,
        commands: impl IntoCommands,
        makes_units: bool,
    ) -> Result<Applied, Error> {
        let author = Author { makes_units, ..self.grant.author().clone() };
        let applied = self.directory.apply_as_async(&author, commands).await;
        Ok(self.narrowed(applied.map_err(|refusal| with_similar(&self.view(), refusal))?))
    }

    /// Plans what [`Caller::apply_set`] would do. Heavy work: it copies the graph.
    pub(in crate::server) fn dry_run(
        &self,
        commands: impl IntoCommands,
        makes_units: bool,
    ) -> Result<Applied, Error> {
        let author = Author { makes_units, ..self.grant.author().clone() };
        let planned = self.directory.dry_run_as(&author, commands);
        Ok(self.narrowed(planned.map_err(|refusal| with_similar(&self.view(), refusal))?))
    }

    // The writer returns the whole graph. Without this a writer limited to units would read all of it in the response.
    fn narrowed(&self, mut applied: Applied) -> Applied {
        applied.view = applied.view.scoped_to(self.grant.scope());
        if self.grant.scope().is_limited() {
            // The writer sees all parents of a unit, and the caller perhaps one of them.
            let (view, summary) = (&applied.view, &mut applied.summary);
            summary.second_parents.retain(|unit| view.parents(*unit).len() > 1);
            summary.second_parents_count = summary.second_parents.len() as u64;
        }
        applied
    }

    /// Refuses a caller of a lower role, with 403 `forbidden`.
    pub(in crate::server) fn require(&self, role: Role) -> Result<()> {
        if self.grant.allows(role) { Ok(()) } else { Err(Problem::forbidden(role.as_str())) }
    }

    /// Refuses a caller that is limited to units, with 403 `forbidden`.
    pub(super) fn require_unlimited(&self) -> Result<()> {
        if self.grant.scope().is_limited() { Err(Problem::limited()) } else { Ok(()) }
    }
}

impl Principal {
    /// The client of a request before authentication.
    pub(in crate::server) fn unauthenticated(request: &Request) -> Self {
        Self::Unauthenticated(request.extensions().get::<Peer>().copied())
    }

    /// The caller of an admitted request, or else its unauthenticated client.
    pub(in crate::server) fn of(request: &Request) -> Self {
        let caller = request.extensions().get::<Caller>();
        caller.map_or_else(|| Self::unauthenticated(request), Caller::principal)
    }
}

impl TokenAdmin {
    /// Refuses a caller without the role admin.
    pub(in crate::server) fn of(caller: &Caller) -> Result<Self> {
        caller.require(Role::Admin)?;
        Ok(Self(()))
    }

    /// All tokens whose scope is within `view`, which must be the caller's.
    #[expect(clippy::unused_self, reason = "having a value of this type proves the right to list tokens")]
    pub(in crate::server) fn tokens<'v>(&self, view: &'v View) -> Vec<&'v Arc<Token>> {
        view.tokens()
    }
}

impl StoreAdmin {
    /// Refuses a caller without the role admin, or one that is limited to units.
    pub(in crate::server) fn of(caller: &Caller) -> Result<Self> {
        caller.require(Role::Admin)?;
        caller.require_unlimited()?;
        Ok(Self(caller.clone()))
    }

    pub(in crate::server) fn directory(&self) -> &Directory {
        &self.0.directory
    }
}
