//! What every request shares: the directory, and who may ask.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::access::{Grant, Secret};
use crate::directory::{Directory, View};
use crate::model::time::Timestamp;
use crate::model::token::Actor;
use crate::server::limits::{ANSWERS_KEPT_BYTES, LOG_READERS_MAX};
use crate::server::problem::{Problem, Result};

/// Shared by all requests. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AppState {
    directory: Directory,
    answers_kept_bytes: u64,
    /// One permit for each who may read the log.
    audits: Arc<Semaphore>,
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
        Self {
            directory,
            answers_kept_bytes: ANSWERS_KEPT_BYTES,
            audits: Arc::new(Semaphore::new(LOG_READERS_MAX)),
            now: Timestamp::now,
        }
    }

    /// Keeps so many bytes of answers to GraphQL queries, to give them again while nothing changes; none for 0.
    #[must_use]
    pub fn keeping_answers(self, bytes: u64) -> Self {
        Self { answers_kept_bytes: bytes, ..self }
    }

    pub(super) fn answers_kept_bytes(&self) -> u64 {
        self.answers_kept_bytes
    }

    /// Waits until the log may be read, which it may until this is dropped.
    pub(super) async fn audit_turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.audits).acquire_owned().await.ok()
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
                view.token(id).is_some_and(|token| token.holds_at((self.now)()))
            }
        }
    }

    /// The same caller, with the directory as it is now.
    #[must_use]
    pub fn renewed(&self, caller: &Caller) -> Caller {
        Caller { view: self.directory.view().seen_by(caller.grant.scope()), grant: Arc::clone(&caller.grant) }
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
        let now = (self.now)();
        let grant = Grant::of(token, &secret, now).map_err(|_| Problem::unauthorized())?;
        self.directory.note_use(secret.id(), now);
        let view = view.seen_by(grant.scope());
        Ok(Caller { grant: Arc::new(grant), view })
    }
}
