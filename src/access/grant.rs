//! What the holder of a token may do.

use std::sync::Arc;

use subtle::ConstantTimeEq as _;

use crate::access::jwt::Claims;
use crate::access::secret::Secret;
use crate::model::time::Timestamp;
use crate::model::token::{Actor, Author, Role, Scope, Token};

/// What one request may do, and in whose name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    author: Author,
    /// What an identity provider says, where that is who vouches.
    claims: Option<Arc<Claims>>,
}

/// Why a token gives no grant. Callers outside learn only that it gives none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantRefusal {
    /// The secret is not the token's.
    WrongSecret,
    /// The token has expired.
    Expired,
    /// The token was revoked.
    Revoked,
}

impl Grant {
    /// Everything, in the name of the process that holds the store.
    #[must_use]
    pub fn local() -> Self {
        Self { author: Author::local(), claims: None }
    }

    /// What `token` gives to the holder of `secret` now. Compares in constant time, and says of a revoked or
    /// expired token only to whoever holds its secret that it is one.
    ///
    /// # Errors
    /// Why it gives nothing.
    pub fn of(token: &Token, secret: &Secret, now: Timestamp) -> Result<Self, GrantRefusal> {
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

    /// What `token` gives now to someone who has shown that they hold its secret.
    #[must_use]
    pub fn as_of(token: &Token) -> Self {
        let (role, scope) = (token.role, token.scope.clone());
        Self { author: Author { actor: Actor::Token(token.id.clone()), role, scope }, claims: None }
    }

    /// What an identity provider's `claims` give, whose units are those of `scope` now.
    #[must_use]
    pub fn of_claims(claims: Arc<Claims>, scope: Scope) -> Self {
        let author = Author { actor: Actor::Jwt(claims.subject.clone()), role: claims.role, scope };
        Self { author, claims: Some(claims) }
    }

    /// What an identity provider says, where that is who vouches.
    #[must_use]
    pub fn claims(&self) -> Option<&Arc<Claims>> {
        self.claims.as_ref()
    }

    /// In whose name, and how far that reaches.
    #[must_use]
    pub fn author(&self) -> &Author {
        &self.author
    }

    /// In whose name.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.author.actor
    }

    /// What is seen and may be changed.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.author.scope
    }

    /// The role.
    #[must_use]
    pub fn role(&self) -> Role {
        self.author.role
    }

    /// Whether the role is `role` or more.
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
    fn the_right_secret_gets_role_units_and_name() {
        let secret = Secret::generate();
        let grant = Grant::of(&token(&secret), &secret, now()).unwrap();
        assert_eq!(grant.actor(), &Actor::Token(secret.id().clone()));
        assert_eq!(grant.scope().units(), [EntityId(7)]);
        assert!(grant.allows(Role::Read) && grant.allows(Role::Write) && !grant.allows(Role::Admin));
        assert!(Grant::local().allows(Role::Admin) && !Grant::local().scope().is_limited());
    }

    #[test]
    fn another_secret_a_revoked_and_an_expired_token_get_nothing() {
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
