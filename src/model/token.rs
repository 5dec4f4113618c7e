//! An API token as it is stored: everything but its secret. And in whose name something is asked for.

use std::fmt;
use std::sync::Arc;

use crate::error::Error;
use crate::model::entity::{EntityId, Revision};
use crate::model::key::Name;
use crate::model::time::Timestamp;

/// The public part of a token: eight characters of base62.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenId(Box<str>);

impl TokenId {
    /// How many characters it has.
    pub const LENGTH: usize = 8;

    /// Reads an id.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless it is eight letters and digits.
    pub fn parse(raw: &str) -> Result<Self, Error> {
        if raw.len() == Self::LENGTH && raw.bytes().all(|b| b.is_ascii_alphanumeric()) {
            Ok(Self(raw.into()))
        } else {
            Err(Error::invalid("id", raw, "must be the eight characters after clade_"))
        }
    }

    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a token may do; each role may do what the one before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Role {
    /// Ask.
    Read = 0,
    /// Change records.
    Write = 1,
    /// Make and revoke tokens.
    Admin = 2,
}

impl Role {
    /// Reads a role, without case.
    ///
    /// # Errors
    /// [`Error::Invalid`] for any other word.
    pub fn parse(raw: &str) -> Result<Self, Error> {
        match raw.trim().to_lowercase().as_str() {
            "read" => Ok(Self::Read),
            "write" => Ok(Self::Write),
            "admin" => Ok(Self::Admin),
            _ => Err(Error::invalid("role", raw, "must be one of read, write, admin")),
        }
    }

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What of a directory is seen and may be changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum Scope {
    /// All of it.
    #[default]
    Everything,
    /// These units and what is beneath them, and nothing else; nothing at all where none of them holds any more.
    Units(Arc<[EntityId]>),
}

impl Scope {
    /// Whether it leaves anything out.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        *self != Self::Everything
    }

    /// The units that limit it; none where nothing does.
    #[must_use]
    pub fn units(&self) -> &[EntityId] {
        match self {
            Self::Everything => &[],
            Self::Units(units) => units,
        }
    }
}

/// A token as it is stored. The secret is known only to whoever holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its public part.
    pub id: TokenId,
    /// BLAKE3 of the whole secret.
    pub hash: [u8; 32],
    /// What it may do.
    pub role: Role,
    /// What it is for.
    pub description: Option<Name>,
    /// What it sees and may change.
    pub scope: Scope,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
    /// The revision in which it last changed.
    pub revision: Revision,
}

impl Token {
    /// Whether it is neither revoked nor expired.
    #[must_use]
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// Who asked for a change, as the log keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Actor {
    /// The process that holds the store: the command line, or the program that embeds it.
    Local,
    /// The holder of a token.
    Token(TokenId),
    /// Whom an identity provider vouches for.
    Jwt(JwtSubject),
}

/// What an identity provider calls someone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct JwtSubject(Box<str>);

impl JwtSubject {
    /// The longest, in bytes.
    pub const BYTES_MAX: usize = 255;

    /// Reads a subject.
    ///
    /// # Errors
    /// [`Error::Invalid`] where it is empty, too long, or holds control characters.
    pub fn parse(raw: &str) -> Result<Self, Error> {
        if raw.is_empty() || raw.len() > Self::BYTES_MAX || raw.chars().any(char::is_control) {
            return Err(Error::invalid("sub", raw, "must have 1 to 255 bytes, and no control characters"));
        }
        Ok(Self(raw.into()))
    }

    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("local"),
            Self::Token(id) => write!(f, "token:{id}"),
            Self::Jwt(subject) => write!(f, "jwt:{}", subject.as_str()),
        }
    }
}

/// In whose name a change is asked for, and how far it may reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// Who asks.
    pub actor: Actor,
    /// In which role. A token that has less of one when the change's turn comes changes nothing.
    pub role: Role,
    /// What they see and may change.
    pub scope: Scope,
}

impl Author {
    /// The process that holds the store, which may change everything.
    #[must_use]
    pub fn local() -> Self {
        Self { actor: Actor::Local, role: Role::Admin, scope: Scope::Everything }
    }
}
