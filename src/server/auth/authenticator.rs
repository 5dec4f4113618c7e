//! The authenticator: from an `Authorization` header to a caller, by a token of the directory or a JWT of the trusted
//! identity provider.
//!
//! Invariant: every refusal is the same constant 401, except to the holder of the right secret of a token, who is told that
//! it has expired or was revoked.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, header};

use crate::access::jwt::{Claims, Units};
use crate::access::{Grant, GrantRefusal, Secret};
use crate::directory::{Directory, View};
use crate::model::key::UnitKey;
use crate::model::reference::UnitRef;
use crate::model::time::Timestamp;
use crate::model::token::{Actor, Scope, Token};
use crate::server::auth::caller::Caller;
use crate::server::auth::identity_provider::IdentityProvider;
use crate::server::response::problem::{Problem, Result};

/// Authenticates callers by their tokens.
#[derive(Debug, Clone)]
pub(in crate::server) struct Authenticator {
    directory: Directory,
    /// Whether no tokens are needed (`--auth none`): every caller has all rights.
    is_open: bool,
    identity_provider: Option<Arc<IdentityProvider>>,
    /// The clock. Tests replace it.
    now: fn() -> Timestamp,
}

impl Authenticator {
    pub(in crate::server) fn new(directory: Directory) -> Self {
        Self { directory, is_open: false, identity_provider: None, now: Timestamp::now }
    }

    /// Needs no token from anyone.
    pub(in crate::server) fn without_authentication(self) -> Self {
        Self { is_open: true, ..self }
    }

    /// Accepts JWTs of an identity provider too.
    pub(in crate::server) fn with_identity_provider(self, provider: IdentityProvider) -> Self {
        Self { identity_provider: Some(Arc::new(provider)), ..self }
    }

    pub(in crate::server) fn is_open(&self) -> bool {
        self.is_open
    }

    /// The maximum of one caller of a resource of which there are `all`: half of it, or all without tokens.
    pub(in crate::server) fn quota_of(&self, all: usize) -> usize {
        // At least one, or a caller could have nothing of a resource of one. Without tokens there is one caller only.
        if self.is_open { all } else { (all / 2).max(1) }
    }

    pub(in crate::server) fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Whether the token behind `grant` is still valid: neither revoked nor expired.
    pub(in crate::server) fn is_still_valid(&self, grant: &Grant) -> bool {
        match grant.actor() {
            Actor::Local => true,
            Actor::Token(id) => {
                let view = self.directory.view();
                view.token(id).is_some_and(|token| token.is_valid_at((self.now)()))
            }
            Actor::Jwt(_) => grant.claims().is_some_and(|claims| (self.now)() < claims.expires_at),
        }
    }

    /// The time until `grant` expires, for a JWT; `None` for others, whose expiry may be changed at any time.
    pub(in crate::server) fn time_left(&self, grant: &Grant) -> Option<Duration> {
        let left = grant.claims()?.expires_at.as_millis().saturating_sub((self.now)().as_millis());
        Some(Duration::from_millis(u64::try_from(left).unwrap_or_default()))
    }

    /// The same caller for another request, with role and scope of its token as they are now.
    pub(in crate::server) fn refreshed(&self, caller: &Caller) -> Caller {
        let grant = match (caller.grant().claims(), caller.actor()) {
            // The claims stay, but the units that they name are looked up again: they may have been created or deleted.
            (Some(claims), _) => Some(self.grant_of_claims(Arc::clone(claims))),
            (None, Actor::Token(id)) => {
                self.directory.note_use(id, (self.now)());
                // The secret was checked when the socket authenticated. It is not kept, so it cannot be checked again.
                self.directory.view().token(id).map(|token| Grant::as_of(token))
            }
            (None, Actor::Local | Actor::Jwt(_)) => None,
        };
        grant.map_or_else(|| caller.clone(), |grant| Caller::new(Arc::new(grant), self.directory.clone()))
    }

    /// The caller of a request with these headers: exactly one `Authorization: <token>` or `Authorization: Bearer
    /// <token>`, the scheme in any case.
    ///
    /// # Errors
    /// 401 `unauthorized`.
    pub(in crate::server) fn caller(&self, headers: &HeaderMap) -> Result<Caller> {
        if self.is_open {
            return Ok(Caller::local(self.directory.clone()));
        }
        // Two such headers are refused: a proxy may have checked the other one.
        let mut sent = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(only), None) = (sent.next(), sent.next()) else {
            return Err(Problem::unauthorized());
        };
        self.caller_with(only.to_str().map_err(|_| Problem::unauthorized())?)
    }

    /// The caller with this token, with or without its `Bearer` scheme.
    ///
    /// # Errors
    /// 401 `unauthorized`.
    pub(in crate::server) fn caller_with(&self, authorization: &str) -> Result<Caller> {
        if self.is_open {
            return Ok(Caller::local(self.directory.clone()));
        }
        let text = bare(authorization);
        let now = (self.now)();
        // By its form: a token of the directory has a prefix and a checksum, so it is never mistaken for a JWT.
        let grant = if let Some(secret) = Secret::parse(text) {
            let view = self.directory.view();
            let token = view.token(secret.id()).ok_or_else(Problem::unauthorized)?;
            let grant = Grant::of(token, &secret, now).map_err(|refusal| refused(token, refusal))?;
            self.directory.note_use(secret.id(), now);
            grant
        } else {
            let provider = self.identity_provider.as_ref().ok_or_else(Problem::unauthorized)?;
            let claims = provider.claims(text, now).ok_or_else(Problem::unauthorized)?;
            self.grant_of_claims(Arc::new(claims))
        };
        Ok(Caller::new(Arc::new(grant), self.directory.clone()))
    }

    /// Waits for the identity provider's keys that the token in these headers needs. Call it before
    /// [`Authenticator::caller`], which never waits.
    pub(in crate::server) async fn fetch_keys(&self, headers: &HeaderMap) {
        if let Some(text) = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()) {
            self.fetch_keys_for(text).await;
        }
    }

    /// As [`Authenticator::fetch_keys`], for a token alone. Call it before [`Authenticator::caller_with`].
    pub(in crate::server) async fn fetch_keys_for(&self, authorization: &str) {
        if let Some(provider) = &self.identity_provider {
            provider.fetch_keys(bare(authorization)).await;
        }
    }

    fn grant_of_claims(&self, claims: Arc<Claims>) -> Grant {
        let scope = scope_of(&claims, &self.directory.view());
        Grant::of_claims(claims, scope)
    }
}

/// The 401 for a secret whose token is known.
fn refused(token: &Token, refusal: GrantRefusal) -> Problem {
    let ended = match refusal {
        // As for a token that does not exist: a guess must not disclose which ids do.
        GrantRefusal::WrongSecret => None,
        GrantRefusal::Expired => token.expires_at.map(|at| format!("this token expired at {at}")),
        GrantRefusal::Revoked => token.revoked_at.map(|at| format!("this token was revoked at {at}")),
    };
    let constant = Problem::unauthorized();
    match ended {
        Some(ended) => {
            Problem { detail: format!("{ended}; ask for a new one, and {}", constant.detail), ..constant }
        }
        None => constant,
    }
}

/// The scope that claims give: the units that they name, looked up in the whole directory as it is now.
// Units that do not exist are left out. If none exists the scope is empty, never everything.
fn scope_of(claims: &Claims, whole: &View) -> Scope {
    match &claims.units {
        Units::Everything => Scope::Everything,
        Units::Keys(keys) => {
            let unit = |key: &UnitKey| whole.find_unit(&UnitRef::Key(key.clone())).ok();
            Scope::Units(keys.iter().filter_map(unit).collect())
        }
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;
    use crate::model::command::{Command, NewToken};
    use crate::model::token::Role;

    static NOW_MINUTE: AtomicI64 = AtomicI64::new(0);

    fn now() -> Timestamp {
        Timestamp::from_millis(NOW_MINUTE.load(Ordering::Relaxed) * 60_000)
    }

    #[test]
    fn each_request_of_a_connection_updates_the_last_use_of_its_token() {
        let directory = Directory::in_memory().unwrap();
        let secret = Secret::generate();
        let (id, hash) = (secret.id().clone(), secret.hash());
        let token = NewToken { id, hash, role: Role::Read, description: None, units: None, expires_at: None };
        directory.apply(Command::CreateToken(token)).unwrap();
        let authenticator = Authenticator { now, ..Authenticator::new(directory) };
        NOW_MINUTE.store(1_000, Ordering::Relaxed);
        let caller = authenticator.caller_with(secret.reveal()).unwrap();
        assert_eq!(authenticator.directory.last_used(secret.id()), Some(now()));
        NOW_MINUTE.store(1_060, Ordering::Relaxed);
        let _again = authenticator.refreshed(&caller);
        assert_eq!(authenticator.directory.last_used(secret.id()), Some(now()));
    }
}
