//! API tokens as stored, roles and scopes, and the actor and author of a change.
//!
//! Invariant: the secret of a token is never stored, only its BLAKE3 hash.

use std::fmt;
use std::sync::Arc;

use crate::error::Error;
use crate::model::entity::{EntityId, Revision};
use crate::model::key::Name;
use crate::model::time::Timestamp;

/// The public part of a token: eight base62 characters.
///
/// ```
/// use clade::model::TokenId;
///
/// assert_eq!(TokenId::parse("aB3dE5gH")?.as_str(), "aB3dE5gH");
/// assert_eq!(TokenId::parse("too-short").unwrap_err().code(), "invalid");
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenId(Box<str>);

impl TokenId {
    /// Its length in characters.
    pub const LENGTH: usize = 8;

    /// Parses an id.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless it consists of eight ASCII letters and digits.
    pub fn parse(raw: &str) -> Result<Self, Error> {
        if raw.len() == Self::LENGTH && raw.bytes().all(|b| b.is_ascii_alphanumeric()) {
            Ok(Self(raw.into()))
        } else {
            // Shortened: a whole token may have been pasted, and messages are logged.
            let shown: String =
                raw.strip_prefix("clade_").unwrap_or(raw).chars().take(Self::LENGTH).collect();
            Err(Error::invalid("id", &shown, "must be the eight letters and digits after clade_"))
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

/// The operations that a token permits; each role includes the one before it.
///
/// ```
/// use clade::model::Role;
///
/// assert!(Role::parse("Admin")? > Role::Write && Role::Write > Role::Read);
/// # Ok::<(), clade::Error>(())
/// ```
// Permission checks compare roles by the derived order, and records store the numbers: never reorder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Role {
    /// Read records.
    Read = 0,
    /// Also create, update and delete records.
    Write = 1,
    /// Also manage tokens.
    Admin = 2,
}

impl Role {
    /// Parses a role, without case.
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

    /// Its name.
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

/// The part of a directory that a caller can read and change.
///
/// ```
/// use clade::model::token::Scope;
///
/// let ada = clade::CreatePerson::new("ada@corp.example").under("Corp/Research");
/// let view = clade::Directory::in_memory()?.apply(ada)?.view;
/// let research = view.org_unit("Research")?.id();
/// let scoped = view.scoped_to(&Scope::Units([research].into()));
/// assert!(scoped.person("ada@corp.example").is_ok());
/// assert!(scoped.org_unit("Corp").is_err(), "the units above are outside the scope");
/// # Ok::<(), clade::Error>(())
/// ```
// An `Arc`: every request clones the scope of its token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The whole directory.
    #[default]
    Everything,
    /// These units and everything below them. Nothing at all once all of them are deleted.
    Units(Arc<[EntityId]>),
}

impl Scope {
    /// Whether it is limited to units.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        *self != Self::Everything
    }

    /// The units that it is limited to; empty for the whole directory. Check [`Scope::is_limited`] to tell the two
    /// apart.
    #[must_use]
    pub fn units(&self) -> &[EntityId] {
        match self {
            Self::Everything => &[],
            Self::Units(units) => units,
        }
    }
}

/// A token as stored. Its secret is known to its owner only.
///
/// ```
/// # use clade::{Command, Directory, access::Secret, model::{Role, Timestamp, command::NewToken}};
/// # let (directory, secret) = (Directory::in_memory()?, Secret::generate());
/// # let (id, hash, expires_at) = (secret.id().clone(), secret.hash(), Some(Timestamp::now().later_by(60_000)));
/// # let new = NewToken { id, hash, role: Role::Read, description: None, units: None, expires_at };
/// # directory.apply(Command::CreateToken(new))?;
/// let view = directory.view();
/// let token = view.token(secret.id()).expect("it was created");
/// assert!(token.is_valid_at(Timestamp::now()));
/// assert!(!token.is_valid_at(token.expires_at.expect("it expires in a minute")));
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its public part.
    pub id: TokenId,
    /// BLAKE3 of the whole secret.
    // A fast hash is enough: the secret has 256 random bits, so guessing it is hopeless, unlike a password.
    pub hash: [u8; 32],
    /// The operations that it permits.
    pub role: Role,
    /// Its purpose.
    pub description: Option<Name>,
    /// The part of the directory that it gives access to.
    pub scope: Scope,
    /// When it expires; `None` for never.
    pub expires_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was revoked; `None` if it is not.
    pub revoked_at: Option<Timestamp>,
    /// The revision of its last change.
    pub revision: Revision,
}

impl Token {
    /// Whether it is neither revoked nor expired.
    #[must_use]
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// The caller who made a change, as recorded in the log. Displayed as `local`, `token:<id>` or `jwt:<subject>`.
///
/// ```
/// use clade::model::Revision;
///
/// let directory = clade::Directory::in_memory()?;
/// directory.apply(clade::CreatePerson::new("ada@corp.example"))?;
/// let batch = directory.log(Revision(1))?.next().expect("one batch was committed")?;
/// assert_eq!(batch.sets[0].actor.to_string(), "local");
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Actor {
    /// The process that opened the store: the command line, or the program that embeds Clade.
    Local,
    /// A client with this token.
    Token(TokenId),
    /// A client with a JWT of an identity provider, by the `sub` claim.
    Jwt(JwtSubject),
}

/// The subject (`sub` claim) of a JWT.
///
/// ```
/// use clade::model::{Actor, JwtSubject};
///
/// let subject = JwtSubject::parse("ada@corp.example")?;
/// assert_eq!(Actor::Jwt(subject).to_string(), "jwt:ada@corp.example");
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct JwtSubject(Box<str>);

impl JwtSubject {
    /// The maximum length, in bytes.
    // The limit of OpenID Connect Core, section 2.
    pub const BYTES_MAX: usize = 255;

    /// Checks a subject.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is empty, longer than 255 bytes, or contains control characters.
    pub fn parse(raw: &str) -> Result<Self, Error> {
        // Not trimmed, unlike other texts: two subjects that differ in a space are two identities to their provider.
        if raw.is_empty() || raw.len() > Self::BYTES_MAX || raw.chars().any(char::is_control) {
            return Err(Error::invalid("sub", raw, "must have 1 to 255 bytes and no control characters"));
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

/// The principal of a change: who makes it, in which role, and within which scope.
///
/// ```
/// use clade::{CreatePerson, Directory, model::token::{Author, Scope}};
///
/// let directory = Directory::in_memory()?;
/// let view = directory.apply(CreatePerson::new("ada@corp.example").under("Corp"))?.view;
/// let corp = view.org_unit("Corp")?.id();
/// let author = Author { scope: Scope::Units([corp].into()), ..Author::local() };
/// let refusal = directory.apply_as(&author, CreatePerson::new("eve@corp.example")).unwrap_err();
/// assert_eq!(refusal.code(), "out-of-scope", "she would be in no unit of the scope");
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// The caller.
    pub actor: Actor,
    /// The caller's role. A token must still have at least this role when the write is planned.
    pub role: Role,
    /// The part of the directory that the change is limited to.
    pub scope: Scope,
    /// Whether names and paths of units that do not exist create them. If not, they are refused as unknown.
    pub makes_units: bool,
}

impl Author {
    /// The process that opened the store, which may change everything.
    #[must_use]
    pub fn local() -> Self {
        Self { actor: Actor::Local, role: Role::Admin, scope: Scope::Everything, makes_units: true }
    }
}
