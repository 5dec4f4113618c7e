//! What the holder of a token may do.

use crate::access::secret::Secret;
use crate::model::entity::EntityId;
use crate::model::time::Timestamp;
use crate::model::token::{Actor, Role, Token};

/// What one request may do, and in whose name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    actor: Actor,
    role: Role,
    units: Vec<EntityId>,
}

/// Why a token gives no grant. Callers outside learn only that it gives none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
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
        Self { actor: Actor::Local, role: Role::Admin, units: Vec::new() }
    }

    /// What `token` gives to the holder of `secret` now. Compares in constant time.
    ///
    /// # Errors
    /// Why it gives nothing.
    pub fn of(_token: &Token, _secret: &Secret, _now: Timestamp) -> Result<Self, Refusal> {
        todo!()
    }

    /// In whose name.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Whether the role is `role` or more.
    #[must_use]
    pub fn allows(&self, role: Role) -> bool {
        self.role >= role
    }

    /// The units whose subtrees are seen; everything when empty.
    #[must_use]
    pub fn units(&self) -> &[EntityId] {
        &self.units
    }
}
