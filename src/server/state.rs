//! What every request shares: the directory, and who may ask.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, header};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::access::jwt::{Claims, Units};
use crate::access::{Grant, Secret};
use crate::directory::{Applied, Directory, View};
use crate::error::Error;
use crate::model::command::Command;
use crate::model::key::UnitKey;
use crate::model::reference::UnitRef;
use crate::model::time::Timestamp;
use crate::model::token::{Actor, Author, Scope};
use crate::server::graphql;
use crate::server::issuer::Issuer;
use crate::server::limits::{ANSWERS_KEPT_BYTES, COPIES_MAX, DOCTORS_MAX, DRY_RUNS_MAX, LOG_READERS_MAX};
use crate::server::metrics::Metrics;
use crate::server::problem::{Problem, Result};

/// Shared by all requests. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AppState {
    directory: Directory,
    answers_kept_bytes: u64,
    /// Whether whoever asks is the process itself, without a token.
    is_open: bool,
    /// Who else vouches for callers.
    issuer: Option<Arc<Issuer>>,
    /// One permit for each who may read the log.
    audits: Arc<Semaphore>,
    /// One permit for each dry run that may go on: it holds a copy of everything.
    dry_runs: Arc<Semaphore>,
    /// One permit for each who may have all data looked over.
    doctors: Arc<Semaphore>,
    /// One permit for the check that may go on: writes wait for it.
    checks: Arc<Semaphore>,
    /// One permit for each copy of the store that there may be on its disk.
    copies: Arc<Semaphore>,
    graphql: Arc<graphql::Settings>,
    metrics: Arc<Metrics>,
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
            metrics: Arc::new(Metrics::new(directory.clone())),
            directory,
            answers_kept_bytes: ANSWERS_KEPT_BYTES,
            is_open: false,
            issuer: None,
            audits: Arc::new(Semaphore::new(LOG_READERS_MAX)),
            dry_runs: Arc::new(Semaphore::new(DRY_RUNS_MAX)),
            doctors: Arc::new(Semaphore::new(DOCTORS_MAX)),
            checks: Arc::new(Semaphore::new(1)),
            copies: Arc::new(Semaphore::new(COPIES_MAX)),
            graphql: Arc::default(),
            now: Timestamp::now,
        }
    }

    /// Keeps so many bytes of answers to GraphQL queries, to give them again while nothing changes; none for 0.
    #[must_use]
    pub fn keeping_answers(self, bytes: u64) -> Self {
        Self { answers_kept_bytes: bytes, ..self }
    }

    /// Asks for no token: whoever reaches the server may do everything. For loopback alone.
    #[must_use]
    pub fn without_tokens(self) -> Self {
        Self { is_open: true, ..self }
    }

    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }

    /// What one caller may take of what is there for all: half of it. Without tokens all are one.
    pub(super) fn share_of(&self, all: usize) -> usize {
        if self.is_open { all } else { (all / 2).max(1) }
    }

    /// Takes the tokens of an identity provider too.
    #[must_use]
    pub fn trusting(self, issuer: Issuer) -> Self {
        Self { issuer: Some(Arc::new(issuer)), ..self }
    }

    /// Answers GraphQL with these settings.
    #[must_use]
    pub fn with_graphql(self, settings: graphql::Settings) -> Self {
        Self { graphql: Arc::new(settings), ..self }
    }

    pub(super) fn graphql(&self) -> &graphql::Settings {
        &self.graphql
    }

    pub(super) fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    pub(super) fn answers_kept_bytes(&self) -> u64 {
        self.answers_kept_bytes
    }

    /// Waits until the log may be read, which it may until this is dropped.
    pub(super) async fn audit_turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.audits).acquire_owned().await.ok()
    }

    /// Waits until all data may be looked over, which it may until this is dropped.
    pub(super) async fn doctor_turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.doctors).acquire_owned().await.ok()
    }

    /// Waits until the store may be examined, which it may until this is dropped.
    pub(super) async fn check_turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.checks).acquire_owned().await.ok()
    }

    /// Waits until there may be one more copy of the store, which there may until this is dropped.
    pub(super) async fn copy_turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.copies).acquire_owned().await.ok()
    }

    /// What `commands` of `author` would do.
    ///
    /// # Errors
    /// Why they would be refused.
    pub(super) async fn try_out(&self, author: Author, commands: Vec<Command>) -> Result<Applied, Error> {
        let turn = Arc::clone(&self.dry_runs).acquire_owned().await.map_err(|_| Error::Closed)?;
        let directory = self.directory.clone();
        let span = tracing::Span::current();
        let tried = tokio::task::spawn_blocking(move || {
            let _until_done = turn;
            span.in_scope(|| directory.try_out(&author, commands))
        });
        tried.await.map_err(|_| Error::Closed)?
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
            Actor::Subject(_) => grant.claims().is_some_and(|claims| (self.now)() < claims.expires_at),
        }
    }

    /// How long `grant` holds at most, where that is known from the beginning.
    pub(super) fn holds_for(&self, grant: &Grant) -> Option<Duration> {
        let left = grant.claims()?.expires_at.as_millis().saturating_sub((self.now)().as_millis());
        Some(Duration::from_millis(u64::try_from(left).unwrap_or_default()))
    }

    /// The same caller for another request, with the directory and the token as they are now.
    #[must_use]
    pub fn renewed(&self, caller: &Caller) -> Caller {
        let view = self.directory.view();
        if let Some(claims) = caller.grant.claims() {
            return vouched_for(Arc::clone(claims), &view);
        }
        let grant = match caller.grant.actor() {
            Actor::Token(id) => {
                self.directory.note_use(id, (self.now)());
                view.token(id).map(|token| Arc::new(Grant::as_of(token)))
            }
            Actor::Local | Actor::Subject(_) => None,
        };
        let grant = grant.unwrap_or_else(|| Arc::clone(&caller.grant));
        Caller { view: view.seen_by(grant.scope()), grant }
    }

    /// Who sends these headers: `Authorization: <token>` or `Authorization: Bearer <token>`, the scheme in any
    /// case, just one such header.
    ///
    /// # Errors
    /// The one constant 401.
    pub fn caller(&self, headers: &HeaderMap) -> Result<Caller> {
        if self.is_open {
            return Ok(Caller::local(self));
        }
        let mut given = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(only), None) = (given.next(), given.next()) else {
            return Err(Problem::unauthorized());
        };
        self.caller_with(only.to_str().map_err(|_| Problem::unauthorized())?)
    }

    /// Waits until the keys of the identity provider are at hand that a token in these headers needs, if any are to be
    /// had. To be asked before [`AppState::caller`], which waits for nothing.
    pub async fn fetch_keys(&self, headers: &HeaderMap) {
        if let Some(issuer) = &self.issuer
            && let Some(text) = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok())
        {
            issuer.fetch_keys(bare(text)).await;
        }
    }

    /// As [`AppState::fetch_keys`], before [`AppState::caller_with`].
    pub async fn fetch_keys_for(&self, authorization: &str) {
        if let Some(issuer) = &self.issuer {
            issuer.fetch_keys(bare(authorization)).await;
        }
    }

    /// Who holds this token, with or without its `Bearer` scheme.
    ///
    /// # Errors
    /// The one constant 401.
    pub fn caller_with(&self, authorization: &str) -> Result<Caller> {
        if self.is_open {
            return Ok(Caller::local(self));
        }
        let text = bare(authorization);
        let Some(secret) = Secret::parse(text) else {
            let issuer = self.issuer.as_ref().ok_or_else(Problem::unauthorized)?;
            let claims = issuer.claims(text, (self.now)()).ok_or_else(Problem::unauthorized)?;
            return Ok(vouched_for(Arc::new(claims), &self.directory.view()));
        };
        let view = self.directory.view();
        let token = view.token(secret.id()).ok_or_else(Problem::unauthorized)?;
        let now = (self.now)();
        let grant = Grant::of(token, &secret, now).map_err(|_| Problem::unauthorized())?;
        self.directory.note_use(secret.id(), now);
        let view = view.seen_by(grant.scope());
        Ok(Caller { grant: Arc::new(grant), view })
    }
}

/// A token without its `Bearer` scheme.
fn bare(authorization: &str) -> &str {
    let text = authorization.trim();
    match text.split_once(char::is_whitespace) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer") => rest.trim(),
        _ => text,
    }
}

/// Whom an identity provider vouches for. The units are looked up in the whole directory as it is now; where the claims
/// name none that is there, nothing is seen.
fn vouched_for(claims: Arc<Claims>, whole: &View) -> Caller {
    let scope = match &claims.units {
        Units::Everything => Scope::Everything,
        Units::Keys(keys) => {
            let unit = |key: &UnitKey| whole.find_unit(&UnitRef::Key(key.clone())).ok();
            Scope::Units(keys.iter().filter_map(unit).collect())
        }
    };
    let view = whole.seen_by(&scope);
    Caller { grant: Arc::new(Grant::of_claims(claims, scope)), view }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;
    use crate::model::command::NewToken;
    use crate::model::token::Role;

    static NOW_MINUTE: AtomicI64 = AtomicI64::new(0);

    fn now() -> Timestamp {
        Timestamp::from_millis(NOW_MINUTE.load(Ordering::Relaxed) * 60_000)
    }

    #[test]
    fn a_token_is_noted_as_used_by_each_request_of_a_caller_who_stays() {
        let directory = Directory::in_memory().unwrap();
        let secret = Secret::generate();
        let (id, hash) = (secret.id().clone(), secret.hash());
        let token = NewToken { id, hash, role: Role::Read, description: None, units: None, expires_at: None };
        directory.apply(Command::CreateToken(token)).unwrap();
        let state = AppState { now, ..AppState::new(directory) };
        NOW_MINUTE.store(1_000, Ordering::Relaxed);
        let caller = state.caller_with(secret.reveal()).unwrap();
        assert_eq!(state.directory.last_used(secret.id()), Some(now()));
        NOW_MINUTE.store(1_060, Ordering::Relaxed);
        let _again = state.renewed(&caller);
        assert_eq!(state.directory.last_used(secret.id()), Some(now()));
    }
}
