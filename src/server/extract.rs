//! Who asks, and what they may do: the only ways from a request to the directory.
//!
//! The caller is authenticated once a request, and every extractor hands out the same view.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::directory::{Applied, Directory, View};
use crate::error::Error;
use crate::model::command::{Command, Outcome, Subject};
use crate::model::token::Role;
use crate::server::problem::{Problem, Result};
use crate::server::state::{AppState, Caller};

/// What the caller sees: one revision, narrowed to the token's units.
pub(crate) struct Visible(pub View);

/// A caller who may change records.
pub(crate) struct Writer {
    state: AppState,
    caller: Caller,
}

/// What a write did, as the caller sees it.
pub(crate) struct Written {
    /// The directory just after it.
    pub view: View,
    /// What each command did.
    pub outcomes: Vec<Outcome>,
}

impl FromRequestParts<AppState> for Visible {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        Ok(Self(caller(parts, state, Role::Read)?.view))
    }
}

impl FromRequestParts<AppState> for Writer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        Ok(Self { caller: caller(parts, state, Role::Write)?, state: state.clone() })
    }
}

/// A caller who may examine and copy the whole store: of a token with units, not even an admin's.
pub(crate) struct Admin {
    state: AppState,
}

/// A caller who sees everything, whatever else the token allows.
pub(crate) struct Overseer {
    state: AppState,
}

impl FromRequestParts<AppState> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        unlimited(parts, state, Role::Admin)?;
        Ok(Self { state: state.clone() })
    }
}

impl FromRequestParts<AppState> for Overseer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        unlimited(parts, state, Role::Read)?;
        Ok(Self { state: state.clone() })
    }
}

impl Overseer {
    pub(crate) fn state(&self) -> &AppState {
        &self.state
    }
}

impl Admin {
    pub(crate) fn state(&self) -> &AppState {
        &self.state
    }

    pub(crate) fn directory(&self) -> &Directory {
        self.state.directory()
    }
}

fn caller(parts: &Parts, state: &AppState, needed: Role) -> Result<Caller> {
    let caller = match parts.extensions.get::<Caller>() {
        Some(caller) => caller.clone(),
        None => state.caller(&parts.headers)?,
    };
    if caller.grant.allows(needed) { Ok(caller) } else { Err(Problem::forbidden(needed.as_str())) }
}

fn unlimited(parts: &Parts, state: &AppState, needed: Role) -> Result<()> {
    let is_limited = caller(parts, state, needed)?.grant.scope().is_limited();
    if is_limited { Err(Problem::limited()) } else { Ok(()) }
}

impl Writer {
    /// What the caller sees, as it was when the request came.
    pub(crate) fn view(&self) -> &View {
        &self.caller.view
    }

    /// Carries out one command.
    pub(crate) async fn carry_out(&self, command: Command) -> Result<Written> {
        self.carry_out_all(vec![command]).await.map_err(Problem::from)
    }

    /// Carries out all commands or none.
    pub(crate) async fn carry_out_all(&self, commands: Vec<Command>) -> Result<Written, Error> {
        let author = self.caller.grant.author().clone();
        self.state.directory().submit(author, commands).await.map(|applied| self.seen(applied))
    }

    /// What carrying them out would do.
    pub(crate) async fn try_out(&self, commands: Vec<Command>) -> Result<Written, Error> {
        let author = self.caller.grant.author().clone();
        self.state.try_out(author, commands).await.map(|applied| self.seen(applied))
    }

    fn seen(&self, applied: Applied) -> Written {
        Written { view: applied.view.seen_by(self.caller.grant.scope()), outcomes: applied.outcomes }
    }
}

impl Written {
    /// The record that the first command was about.
    pub(crate) fn subject(&self) -> &Subject {
        &self.outcomes.first().expect("every command has its outcome").subject
    }
}
