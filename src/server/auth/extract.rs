//! From a request to its caller: the only ways from a handler to the directory.
//!
//! The caller was authenticated by the admission middleware. A route that passes by it has no caller, and so reaches
//! nothing.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::directory::{Applied, View};
use crate::error::Error;
use crate::model::IntoCommands;
use crate::model::command::Subject;
use crate::model::token::Role;
use crate::server::auth::caller::{Caller, StoreAdmin};
use crate::server::response::problem::{Problem, Result};

/// What the caller sees: one revision, narrowed to the token's units.
pub(crate) struct Visible(pub View);

/// A caller who may change records.
pub(crate) struct Writer(pub(in crate::server) Caller);

/// A caller who sees everything, whatever else the token allows.
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
    /// What the caller sees now. To be dropped before anything is carried out.
    pub(crate) fn view(&self) -> View {
        self.0.view()
    }

    /// Carries out one command, or all of a list or none.
    pub(crate) async fn apply(&self, commands: impl IntoCommands) -> Result<Applied, Error> {
        self.0.apply(commands).await
    }
}

/// The record that the first command was about.
pub(crate) fn subject(applied: &Applied) -> &Subject {
    &applied.outcomes.first().expect("every command has its outcome").subject
}
