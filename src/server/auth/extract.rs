//! Extractors of the caller: the only ways from a handler to the directory.
//!
//! Invariant: the admission middleware authenticates the caller and stores it in the request. A route without the
//! middleware has no caller, so these extractors refuse every request with 401.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::directory::{Applied, View};
use crate::error::Error;
use crate::model::IntoCommands;
use crate::model::command::Subject;
use crate::model::token::Role;
use crate::server::auth::caller::{Caller, StoreAdmin};
use crate::server::response::problem::{Problem, Result};

/// A view of what the caller may see: one revision, narrowed to the token's scope. Needs the role `read`.
pub(crate) struct Visible(pub View);

/// A caller that may change records. Needs the role `write`.
pub(crate) struct Writer(pub(in crate::server) Caller);

/// Proof that the caller sees everything. Needs the role `read` and a token that is not limited to units.
pub(crate) struct Unlimited;

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        parts.extensions.get::<Self>().cloned().ok_or_else(Problem::unauthorized)
    }
}

impl<S: Sync> FromRequestParts<S> for Visible {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let caller = Caller::from_request_parts(parts, state).await?;
        caller.require(Role::Read)?;
        // One view for the whole request, so that everything in a response is of one revision.
        Ok(Self(caller.view()))
    }
}

impl<S: Sync> FromRequestParts<S> for Writer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let caller = Caller::from_request_parts(parts, state).await?;
        caller.require(Role::Write)?;
        Ok(Self(caller))
    }
}

impl<S: Sync> FromRequestParts<S> for StoreAdmin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        Self::of(&Caller::from_request_parts(parts, state).await?)
    }
}

impl<S: Sync> FromRequestParts<S> for Unlimited {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let caller = Caller::from_request_parts(parts, state).await?;
        caller.require(Role::Read)?;
        caller.require_unlimited()?;
        Ok(Self)
    }
}

impl Writer {
    /// A view of what the caller may see now. Drop it before carrying out commands.
    // While it exists, the writer cannot change the graph in place and copies all of it.
    pub(crate) fn view(&self) -> View {
        self.0.view()
    }

    /// Carries out one command, or all of a list or none.
    pub(crate) async fn apply(&self, commands: impl IntoCommands) -> Result<Applied, Error> {
        self.0.apply(commands).await
    }

    /// As [`Writer::apply`]. `makes_units` says whether names of units that do not exist create them.
    pub(crate) async fn apply_set(
        &self,
        commands: impl IntoCommands,
        makes_units: bool,
    ) -> Result<Applied, Error> {
        self.0.apply_set(commands, makes_units).await
    }
}

/// The record of the first command.
pub(crate) fn subject(applied: &Applied) -> &Subject {
    &applied.outcomes.first().expect("every command has its outcome").subject
}
