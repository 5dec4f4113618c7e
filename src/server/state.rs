//! What every request shares: the directory, and who may ask.

use std::sync::Arc;

use axum::http::{HeaderMap, header};

use crate::access::{Grant, Secret};
use crate::directory::{Directory, View};
use crate::model::time::Timestamp;
use crate::model::token::Actor;
use crate::server::graphql;
use crate::server::limits::ANSWERS_KEPT_BYTES;
use crate::server::problem::{Problem, Result};

/// Shared by all requests. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AppState {
    directory: Directory,
    answers_kept_bytes: u64,
    graphql: Arc<graphql::Settings>,
    /// The clock: where a request learns what time it is.
    now: fn() -> Timestamp,
}

/// One authenticated caller: what the token grants, and one view narrowed to it.
#[derive(Debug, Clone)]
pub struct Caller {
    /// What the caller may do.
    pub grant: Arc<Grant>,
    /// What the caller sees, for the whole request.
    pub view: View,
}

impl Caller {
    /// The process that holds the store: it may do everything and sees everything.
    #[must_use]
    pub fn local(state: &AppState) -> Self {
        Self { grant: Arc::new(Grant::local()), view: state.directory.view() }
    }
}

impl AppState {
    /// Serves this directory.
    #[must_use]
    pub fn new(directory: Directory) -> Self {
        let graphql = Arc::default();
        Self { directory, answers_kept_bytes: ANSWERS_KEPT_BYTES, graphql, now: Timestamp::now }
    }

    /// Keeps so many bytes of answers to GraphQL queries, to give them again while nothing changes; none for 0.
    #[must_use]
    pub fn keeping_answers(self, bytes: u64) -> Self {
        Self { answers_kept_bytes: bytes, ..self }
    }

    /// Answers GraphQL with these settings.
    #[must_use]
    pub fn with_graphql(self, settings: graphql::Settings) -> Self {
        Self { graphql: Arc::new(settings), ..self }
    }

    pub(super) fn graphql(&self) -> &graphql::Settings {
        &self.graphql
    }

    pub(super) fn answers_kept_bytes(&self) -> u64 {
        self.answers_kept_bytes
    }

    /// The directory itself, for writes and for revisions. Reads go through [`Caller::view`].
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Whether the token behind `grant` is still good.
    #[must_use]
    pub fn still_holds(&self, grant: &Grant) -> bool {
        match grant.actor() {
            Actor::Local => true,
            Actor::Token(id) => {
                let view = self.directory.view();
                view.token(id).is_some_and(|token| {
                    let now = (self.now)();
                    token.revoked_at.is_none() && token.expires_at.is_none_or(|end| now < end)
                })
            }
        }
    }

    /// The same caller, with the directory as it is now.
    #[must_use]
    pub fn renewed(&self, caller: &Caller) -> Caller {
        Caller { view: self.directory.view().within(caller.grant.units()), grant: Arc::clone(&caller.grant) }
    }

    /// Who sends these headers: `Authorization: <token>` or `Authorization: Bearer <token>`, the scheme in any
    /// case, just one such header.
    ///
    /// # Errors
    /// The one constant 401.
    pub fn caller(&self, headers: &HeaderMap) -> Result<Caller> {
        let mut given = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(only), None) = (given.next(), given.next()) else {
            return Err(Problem::unauthorized());
        };
        self.caller_with(only.to_str().map_err(|_| Problem::unauthorized())?)
    }

    /// Who holds this token, with or without its `Bearer` scheme.
    ///
    /// # Errors
    /// The one constant 401.
    pub fn caller_with(&self, authorization: &str) -> Result<Caller> {
        let text = authorization.trim();
        let text = match text.split_once(char::is_whitespace) {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer") => rest.trim(),
            _ => text,
        };
        let secret = Secret::parse(text).ok_or_else(Problem::unauthorized)?;
        let view = self.directory.view();
        let token = view.token(secret.id()).ok_or_else(Problem::unauthorized)?;
        let grant = Grant::of(token, &secret, (self.now)()).map_err(|_| Problem::unauthorized())?;
        let view = view.within(grant.units());
        Ok(Caller { grant: Arc::new(grant), view })
    }
}
