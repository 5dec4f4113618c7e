//! One authenticated caller, and what it may reach.
//!
//! A caller holds no view: whoever reads takes one and keeps it for as long as it reads, and whoever writes waits for
//! the writer without one. A view that is held meanwhile would make the writer copy the graph.

use std::sync::Arc;

use axum::extract::Request;

use crate::access::Grant;
use crate::directory::{Applied, Directory, View};
use crate::error::Error;
use crate::model::IntoCommands;
use crate::model::token::{Actor, Role, Token};
use crate::server::connection::peer::Peer;
use crate::server::response::problem::{Problem, Result};

/// One authenticated caller of one directory.
#[derive(Debug, Clone)]
pub struct Caller {
    grant: Arc<Grant>,
    directory: Directory,
}

/// Whom limits are counted for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::server) enum Principal {
    /// A caller with a good token.
    Known(Actor),
    /// An unauthenticated client, by its address, which is unknown without this crate's listener.
    Unauthenticated(Option<Peer>),
}

/// A caller with the role admin, perhaps limited to units: for tokens.
#[derive(Debug)]
pub(in crate::server) struct TokenAdmin(());

/// A caller with the role admin that is not limited to units: for the store as a whole, and its log.
#[derive(Debug, Clone)]
pub(in crate::server) struct StoreAdmin(Caller);

impl Caller {
    pub(super) fn new(grant: Arc<Grant>, directory: Directory) -> Self {
        Self { grant, directory }
    }

    /// The process that holds the store: it may do everything and sees everything.
    #[must_use]
    pub fn local(directory: Directory) -> Self {
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

    /// What the token grants.
    pub(in crate::server) fn grant(&self) -> &Grant {
        &self.grant
    }

    pub(in crate::server) fn actor(&self) -> &Actor {
        self.grant.actor()
    }

    pub(in crate::server) fn principal(&self) -> Principal {
        Principal::Known(self.actor().clone())
    }

    /// The directory as it is now, narrowed to what the caller may see. One request reads one view.
    pub(in crate::server) fn view(&self) -> View {
        self.directory.view().scoped_to(self.grant.scope())
    }

    /// For revisions, and for what each token may know of itself. Reads go through [`Caller::view`].
    pub(in crate::server) fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Carries out all commands or none, in the caller's name. The view of the result is narrowed.
    pub(in crate::server) async fn apply(&self, commands: impl IntoCommands) -> Result<Applied, Error> {
        let applied = self.directory.apply_as_async(self.grant.author(), commands).await?;
        Ok(self.narrowed(applied))
    }

    /// Plans what [`Caller::apply`] would do. Heavy work: it copies the graph.
    pub(in crate::server) fn dry_run(&self, commands: impl IntoCommands) -> Result<Applied, Error> {
        Ok(self.narrowed(self.directory.dry_run_as(self.grant.author(), commands)?))
    }

    fn narrowed(&self, applied: Applied) -> Applied {
        Applied { view: applied.view.scoped_to(self.grant.scope()), ..applied }
    }

    /// Refuses a caller of a lesser role.
    pub(in crate::server) fn require(&self, role: Role) -> Result<()> {
        if self.grant.allows(role) { Ok(()) } else { Err(Problem::forbidden(role.as_str())) }
    }

    /// Refuses a caller that is limited to units.
    pub(super) fn require_unlimited(&self) -> Result<()> {
        if self.grant.scope().is_limited() { Err(Problem::limited()) } else { Ok(()) }
    }
}

impl Principal {
    /// Whoever sends this, before anything is known of a token.
    pub(in crate::server) fn unauthenticated(request: &Request) -> Self {
        Self::Unauthenticated(request.extensions().get::<Peer>().copied())
    }

    /// The caller that was let in, or whoever else sends this.
    pub(in crate::server) fn of(request: &Request) -> Self {
        let caller = request.extensions().get::<Caller>();
        caller.map_or_else(|| Self::unauthenticated(request), Caller::principal)
    }
}

impl TokenAdmin {
    /// Refuses a caller that is no admin.
    pub(in crate::server) fn of(caller: &Caller) -> Result<Self> {
        caller.require(Role::Admin)?;
        Ok(Self(()))
    }

    /// All tokens that see no more than `view`, which must be the caller's.
    #[expect(clippy::unused_self, reason = "having this is the right to ask")]
    pub(in crate::server) fn tokens<'v>(&self, view: &'v View) -> Vec<&'v Arc<Token>> {
        view.tokens()
    }
}

impl StoreAdmin {
    /// Refuses a caller that is no admin, or is limited to units.
    pub(in crate::server) fn of(caller: &Caller) -> Result<Self> {
        caller.require(Role::Admin)?;
        caller.require_unlimited()?;
        Ok(Self(caller.clone()))
    }

    pub(in crate::server) fn directory(&self) -> &Directory {
        &self.0.directory
    }
}
