//! Everything that can be refused, with a stable code for each. Knows nothing of HTTP.

pub(crate) mod panic;

use std::fmt;
use std::sync::Arc;

use crate::model::id::{Kind, Revision};
use crate::model::level::UnitType;

/// Shows at most this many characters of a refused value.
const SHOWN_MAX: usize = 80;

/// Why something was refused. Every message says what was wrong, with the value, and what would be right.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A value that cannot be what its field asks for.
    #[error("{field} {value:?} {reason}")]
    Invalid {
        /// The field, as the wire calls it.
        field: &'static str,
        /// What was given, cut short.
        value: String,
        /// What would be right.
        reason: String,
    },
    /// A field that must be given was not.
    #[error("{field} is required")]
    Missing {
        /// The field, as the wire calls it.
        field: &'static str,
    },
    /// A text that is not of its form: no UTF-8, JSON or CSV.
    #[error("{detail}")]
    Malformed {
        /// What is wrong with it, and where.
        detail: String,
        /// The line, from 1, where a text of several lines stops being right.
        line: Option<usize>,
        /// The column, from 1.
        column: Option<usize>,
    },
    /// A JSON text that is no object.
    #[error("{what} must be a JSON object, not {found}")]
    NotAnObject {
        /// What had to be one.
        what: &'static str,
        /// The JSON type that it is.
        found: &'static str,
    },
    /// There is no such record.
    #[error("there is no {kind} {reference:?}")]
    NotFound {
        /// What was looked for: `person`, `unit`, `mapping`, `token` …
        kind: &'static str,
        /// How it was named.
        reference: String,
    },
    /// A record names another that does not exist.
    #[error("{field} names the {kind} {reference:?}, which does not exist; create it first")]
    Unknown {
        /// What was named.
        kind: Kind,
        /// In which field.
        field: &'static str,
        /// How it was named.
        reference: String,
    },
    /// A reference fits several units.
    #[error("{reference:?} names {} units; use one of their keys: {}", candidates.len(), list(candidates))]
    Ambiguous {
        /// How it was named.
        reference: String,
        /// The keys of all that fit.
        candidates: Vec<String>,
    },
    /// A unit was to lose its parent, and has several.
    #[error("{unit:?} has {} parents; say in `from` which it loses: {}", parents.len(), list(parents))]
    SeveralParents {
        /// Its key.
        unit: String,
        /// The keys of its parents.
        parents: Vec<String>,
    },
    /// The record exists.
    #[error("the {kind} {key:?} exists already")]
    Duplicate {
        /// What exists.
        kind: &'static str,
        /// Its key.
        key: String,
        /// The id of the mapping that exists, for a mapping.
        id: Option<String>,
    },
    /// `path` begins and ends with the same unit.
    #[error("this would close a cycle: {}; end one of these mappings first", path.join(" > "))]
    WouldCycle {
        /// The keys along the way.
        path: Vec<String>,
    },
    /// A unit was to be its own parent.
    #[error("the unit {key:?} cannot be its own parent")]
    SelfParent {
        /// Its key.
        key: String,
    },
    /// Both ends were found, but they are not what the mapping's type connects.
    #[error("a {mapping_type} mapping connects {expected}; {field} {reference:?} is a {found}")]
    WrongEnd {
        /// The type of the mapping.
        mapping_type: &'static str,
        /// What it connects.
        expected: &'static str,
        /// Which field is wrong.
        field: &'static str,
        /// How the end was named.
        reference: String,
        /// What it is.
        found: Kind,
    },
    /// A unit with this key is of another type.
    #[error("the unit {key:?} is a {found}, not a {asked}; give another key, or leave the type out")]
    WrongType {
        /// Its key.
        key: String,
        /// Its type.
        found: UnitType,
        /// The type that was given.
        asked: UnitType,
    },
    /// A date was given for a record to hold from or until.
    #[error(
        "{field} {value:?} is not taken: a record holds from the moment it is made until it is ended; leave {field} out"
    )]
    DatesNotSupported {
        /// `validFrom` or `validTo`.
        field: &'static str,
        /// What was given.
        value: String,
    },
    /// The change would reach beyond the units that whoever asks for it may change.
    #[error("{what}; {instead}")]
    OutOfScope {
        /// What it would do.
        what: String,
        /// What would be right.
        instead: &'static str,
    },
    /// Whoever asks for the change was known when they asked, and no longer is.
    #[error("the token no longer holds")]
    Unauthorized,
    /// The record has changed since the caller saw it.
    #[error("the record is of revision {current}, not {expected}; read it again and repeat the change")]
    PreconditionFailed {
        /// What the caller saw.
        expected: Revision,
        /// What it is.
        current: Revision,
    },
    /// Several commands that were to succeed together; these did not.
    #[error("nothing was changed: {} of {total} commands were refused; the first: {}", refused.len(), first(refused))]
    Refused {
        /// The position of each, from 0, and why.
        refused: Vec<(usize, Error)>,
        /// How many there were.
        total: usize,
    },
    /// More was asked for than a limit allows.
    #[error("{what} may be at most {limit}")]
    TooLarge {
        /// What was too large.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// A question that would take too long.
    #[error(
        "this would look at about {texts} texts, and at most {limit} are looked at; ask for fewer conditions \
         on texts, or narrow them by units or keys"
    )]
    TooCostly {
        /// What it would cost.
        texts: u64,
        /// The limit.
        limit: u64,
    },
    /// The writer has more to do than it may queue.
    #[error("too many changes are waiting to be written; try again in a moment")]
    Busy,
    /// The directory was closed while the caller waited.
    #[error("the directory is closed")]
    Closed,
    /// A fault of Clade's own, which is in the log.
    #[error("something went wrong here; it is logged, and not your request's fault; nothing was changed")]
    Internal,
    /// The store could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Error {
    /// A value that cannot be what its field asks for.
    #[must_use]
    pub fn invalid(field: &'static str, value: &str, reason: impl Into<String>) -> Self {
        let shown = match value.char_indices().nth(SHOWN_MAX) {
            Some((end, _)) => format!("{}…", &value[..end]),
            None => value.to_owned(),
        };
        Self::Invalid { field, value: shown, reason: reason.into() }
    }

    /// A text that could not be read at all.
    #[must_use]
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::Malformed { detail: detail.into(), line: None, column: None }
    }

    /// The same refusal, blamed on another field.
    #[must_use]
    pub fn about(self, field: &'static str) -> Self {
        match self {
            Self::Invalid { value, reason, .. } => Self::Invalid { field, value, reason },
            other => other,
        }
    }

    /// A stable word for programs, the same at every door.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Invalid { .. } | Self::NotAnObject { .. } => "invalid",
            Self::Malformed { .. } => "malformed",
            Self::Missing { .. } => "missing-field",
            Self::NotFound { .. } => "not-found",
            Self::Unknown { kind: Kind::Person, .. } => "unknown-person",
            Self::Unknown { kind: Kind::Project, .. } => "unknown-project",
            Self::Unknown { .. } => "unknown-unit",
            Self::Ambiguous { .. } | Self::SeveralParents { .. } => "ambiguous",
            Self::Duplicate { .. } => "duplicate",
            Self::WouldCycle { .. } => "cycle",
            Self::SelfParent { .. } => "self-parent",
            Self::WrongEnd { .. } => "wrong-end",
            Self::WrongType { .. } => "wrong-type",
            Self::DatesNotSupported { .. } => "dates-not-supported",
            Self::OutOfScope { .. } => "out-of-scope",
            Self::Unauthorized => "unauthorized",
            Self::PreconditionFailed { .. } => "precondition-failed",
            Self::Refused { .. } => "refused",
            Self::TooLarge { .. } => "too-large",
            Self::TooCostly { .. } => "too-costly",
            Self::Busy => "busy",
            Self::Closed => "closed",
            Self::Internal => "internal",
            Self::Store(failure) => failure.code(),
        }
    }

    /// The field to blame, where there is one.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::Invalid { field, .. }
            | Self::Missing { field }
            | Self::Unknown { field, .. }
            | Self::WrongEnd { field, .. }
            | Self::DatesNotSupported { field, .. } => Some(field),
            Self::SeveralParents { .. } => Some("from"),
            _ => None,
        }
    }
}

fn list(candidates: &[String]) -> String {
    candidates.iter().map(|key| format!("{key:?}")).collect::<Vec<_>>().join(", ")
}

fn first(refused: &[(usize, Error)]) -> String {
    refused.first().map(|(at, why)| format!("command {at}: {why}")).unwrap_or_default()
}

/// What kind of trouble a store is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreTrouble {
    /// Another process holds the file.
    Held,
    /// The file is no store of Clade's.
    NotAStore,
    /// There is a file where one was to be made.
    Exists,
    /// The file was written by a newer Clade.
    NewerFormat,
    /// What the file says cannot be.
    Damaged,
    /// The disk is full.
    NoSpace,
    /// The file could not be read or written.
    Io,
    /// A change may have been made or not: the disk failed as it was to become durable, and cannot be asked since.
    Unsure,
    /// A fault of Clade's own.
    Internal,
}

/// A store that could not be read or written. The cause is told, but is no part of the API.
#[derive(Clone)]
pub struct StoreError {
    trouble: StoreTrouble,
    message: String,
    cause: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl StoreError {
    /// With a message that says what to do.
    #[must_use]
    pub fn new(trouble: StoreTrouble, message: impl Into<String>) -> Self {
        Self { trouble, message: message.into(), cause: None }
    }

    /// The same, with what caused it.
    #[must_use]
    pub fn caused_by(mut self, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.cause = Some(Arc::new(cause));
        self
    }

    /// What kind of trouble.
    #[must_use]
    pub fn trouble(&self) -> StoreTrouble {
        self.trouble
    }

    /// A stable word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.trouble {
            StoreTrouble::Held => "store-held",
            StoreTrouble::NotAStore => "not-a-store",
            StoreTrouble::Exists => "file-exists",
            StoreTrouble::NewerFormat => "newer-format",
            StoreTrouble::Damaged => "store-damaged",
            StoreTrouble::NoSpace => "no-space",
            StoreTrouble::Io => "store-failed",
            StoreTrouble::Unsure => "outcome-unknown",
            StoreTrouble::Internal => "internal",
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.trouble, self.message)?;
        if let Some(cause) = &self.cause {
            write!(f, " ({cause})")?;
        }
        Ok(())
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}
