//! Grants: the role, scope and author that a valid token gives a request.
//!
//! Invariant: a [`Grant`] exists only for the local process or a token that was found valid.

use std::sync::Arc;

use subtle::ConstantTimeEq as _;

use crate::access::jwt::Claims;
use crate::access::secret::Secret;
use crate::model::time::Timestamp;
use crate::model::token::{Actor, Author, Role, Scope, Token};

/// The rights of a request, and the author of its changes.
///
/// ```
/// # use clade::{Command, Directory, access::Secret, model::command::NewToken};
/// use clade::access::Grant;
/// use clade::model::{Role, Timestamp};
///
/// # let secret = Secret::generate();
/// # let (id, hash) = (secret.id().clone(), secret.hash());
/// # let token = NewToken { id, hash, role: Role::Write, description: None, units: None, expires_at: None };
/// # let view = Directory::in_memory()?.apply(Command::CreateToken(token))?.view;
/// let token = view.token(secret.id()).expect("it was created with the role write");
/// let grant = Grant::of(token, &secret, Timestamp::now()).expect("the secret is right");
/// assert!(grant.allows(Role::Read) && grant.allows(Role::Write) && !grant.allows(Role::Admin));
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    author: Author,
    /// The claims of its JWT; `None` for tokens of the directory and the local process.
    claims: Option<Arc<Claims>>,
}

/// Why a token gives no grant.
///
/// ```
/// # use clade::{Command, Directory, access::Secret, model::{Role, Timestamp, command::NewToken}};
/// use clade::access::{Grant, GrantRefusal};
///
/// # let secret = Secret::generate();
/// # let (id, hash) = (secret.id().clone(), secret.hash());
/// # let token = NewToken { id, hash, role: Role::Write, description: None, units: None, expires_at: None };
/// # let view = Directory::in_memory()?.apply(Command::CreateToken(token))?.view;
/// let token = view.token(secret.id()).expect("it was created");
/// let guess = Secret::generate();
/// assert_eq!(Grant::of(token, &guess, Timestamp::now()), Err(GrantRefusal::WrongSecret));
/// # Ok::<(), clade::Error>(())
/// ```
// For logs and tests alone. A client that could tell the reasons apart could find out which token ids exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantRefusal {
    /// The secret is not that of the token.
    WrongSecret,
    /// The token has expired.
    Expired,
    /// The token was revoked.
    Revoked,
}

impl Grant {
    /// All rights, with the process that owns the store as the author.
    #[must_use]
    pub fn local() -> Self {
        Self { author: Author::local(), claims: None }
    }

    /// The grant of `token` now, for a client that sent `secret`.
    ///
    /// # Errors
    /// The secret is wrong, or the token is revoked or expired.
    pub fn of(token: &Token, secret: &Secret, now: Timestamp) -> Result<Self, GrantRefusal> {
        // In constant time: the time of an ordinary comparison would show how many bytes of a guess are right. First,
        // so that only a client with the secret learns that its token is revoked or expired.
        if !bool::from(token.hash.ct_eq(&secret.hash())) {
            return Err(GrantRefusal::WrongSecret);
        }
        if token.revoked_at.is_some() {
            return Err(GrantRefusal::Revoked);
        }
        if token.expires_at.is_some_and(|expires_at| expires_at <= now) {
            return Err(GrantRefusal::Expired);
        }
        Ok(Self::as_of(token))
    }

    /// The grant of `token` as it is now, for a client whose secret was verified before.
    #[must_use]
    pub fn as_of(token: &Token) -> Self {
        let (role, scope) = (token.role, token.scope.clone());
        let author = Author { actor: Actor::Token(token.id.clone()), role, scope, makes_units: true };
        Self { author, claims: None }
    }

    /// The grant of a JWT with these claims. `scope` has the units that they name, looked up now.
    #[must_use]
    pub fn of_claims(claims: Arc<Claims>, scope: Scope) -> Self {
        let actor = Actor::Jwt(claims.subject.clone());
        let author = Author { actor, role: claims.role, scope, makes_units: true };
        Self { author, claims: Some(claims) }
    }

    /// The claims of its JWT; `None` for tokens of the directory and the local process.
    #[must_use]
    pub fn claims(&self) -> Option<&Arc<Claims>> {
        self.claims.as_ref()
    }

    /// The author of changes: actor, role and scope.
    #[must_use]
    pub fn author(&self) -> &Author {
        &self.author
    }

    /// The actor, as the audit log names it.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.author.actor
    }

    /// The records that it may see and change.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.author.scope
    }

    /// The role.
    #[must_use]
    pub fn role(&self) -> Role {
        self.author.role
    }

    /// Whether it has `role` or a higher one.
    #[must_use]
    pub fn allows(&self, role: Role) -> bool {
        self.role() >= role
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::entity::{EntityId, Revision};

    fn now() -> Timestamp {
        Timestamp::from_millis(1_000)
    }

    fn token(secret: &Secret) -> Token {
        Token {
            id: secret.id().clone(),
            hash: secret.hash(),
            role: Role::Write,
            description: None,
            scope: Scope::Units([EntityId(7)].into()),
            expires_at: None,
            created_at: now(),
            revoked_at: None,
            revision: Revision(1),
        }
    }

    #[test]
    fn the_right_secret_gives_role_scope_and_actor() {
        let secret = Secret::generate();
        let grant = Grant::of(&token(&secret), &secret, now()).unwrap();
        assert_eq!(grant.actor(), &Actor::Token(secret.id().clone()));
        assert_eq!(grant.scope().units(), [EntityId(7)]);
        assert!(grant.allows(Role::Read) && grant.allows(Role::Write) && !grant.allows(Role::Admin));
        assert!(Grant::local().allows(Role::Admin) && !Grant::local().scope().is_limited());
    }

    #[test]
    fn wrong_secrets_and_revoked_or_expired_tokens_give_no_grant() {
        let secret = Secret::generate();
        let good = token(&secret);
        assert_eq!(Grant::of(&good, &Secret::generate(), now()), Err(GrantRefusal::WrongSecret));
        let revoked = Token { revoked_at: Some(now()), ..good.clone() };
        assert_eq!(Grant::of(&revoked, &secret, now()), Err(GrantRefusal::Revoked));
        assert_eq!(Grant::of(&revoked, &Secret::generate(), now()), Err(GrantRefusal::WrongSecret));
        let expired = Token { expires_at: Some(now()), ..good.clone() };
        assert_eq!(Grant::of(&expired, &secret, now()), Err(GrantRefusal::Expired));
        let later = Token { expires_at: Some(Timestamp::from_millis(now().as_millis() + 1)), ..good };
        assert!(Grant::of(&later, &secret, now()).is_ok());
    }
}
