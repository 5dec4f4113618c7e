//! Error types of the library: [`Error`] for refused requests, [`StoreError`] for storage failures, each with a stable
//! code.
//!
//! Invariant: nothing here knows HTTP. `server/response/problem.rs` maps codes to HTTP statuses and GraphQL errors.

pub(crate) mod panic;

use std::fmt;
use std::sync::Arc;

use crate::model::id::{Kind, Revision};
use crate::model::level::UnitType;

// A refused value may be a whole body of many megabytes, and messages end up in logs and responses.
/// Maximum length of a refused value in a message, in characters.
const SHOWN_MAX: usize = 80;

/// Why a request was refused. Every message says what was wrong, with the value, and what would be right.
///
/// ```
/// use clade::{CreatePerson, Directory, Error};
///
/// let ada = CreatePerson::new("ada@corp.example").in_units(["Retail"]);
/// let refusal = Directory::in_memory()?.apply(ada).unwrap_err();
/// assert_eq!((refusal.code(), refusal.field()), ("unknown-unit", Some("units")));
/// assert!(matches!(refusal, Error::Unknown { reference, .. } if reference == "Retail"));
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A value that is not valid for its field.
    #[error("{field} {value:?} {reason}")]
    Invalid {
        /// The field, by its JSON name.
        field: &'static str,
        /// The refused value, shortened.
        value: String,
        /// What is wrong with it, and what would be right.
        reason: String,
    },
    /// A required field is missing.
    #[error("{field} is required")]
    Missing {
        /// The field, by its JSON name.
        field: &'static str,
    },
    /// A field that records of this kind do not have, where such fields are refused and not kept as attributes.
    #[error(
        "{name:?} is not a field of {kind}{}; leave it out, or put it into attributes to keep it",
        similar.map(|name| format!(" (did you mean {name:?}?)")).unwrap_or_default()
    )]
    UnknownField {
        /// The kind of the record, as in files.
        kind: &'static str,
        /// The name of the field.
        name: String,
        /// The field that was probably meant.
        similar: Option<&'static str>,
    },
    /// Two rows of one record give a field different values.
    #[error(
        "{field} of {key:?} is {:?} in line {first_line}, and {:?} here; make them equal, or leave one empty",
        values.0, values.1
    )]
    RowsDisagree {
        /// The field.
        field: String,
        /// The key of the record.
        key: String,
        /// The number of the first line.
        first_line: u64,
        /// The values in both lines.
        values: (String, String),
    },
    /// Input that cannot be parsed: invalid UTF-8, JSON or CSV.
    #[error("{detail}")]
    Malformed {
        /// What is wrong with it, and where.
        detail: String,
        /// The line of the error, from 1; `None` if it is unknown.
        line: Option<usize>,
        /// The column of the error, from 1; `None` if it is unknown.
        column: Option<usize>,
    },
    /// A JSON value that must be an object and is not.
    #[error("{what} must be a JSON object, not {found}")]
    NotAnObject {
        /// What must be an object: `the body`, `a line` …
        what: &'static str,
        /// The JSON type that was found.
        found: &'static str,
    },
    /// The record of the request does not exist, or is outside the caller's scope.
    #[error("there is no {kind} {reference:?}{}", meant(person_in.as_deref(), similar))]
    NotFound {
        /// The kind of record: `person`, `unit`, `mapping`, `token` …
        kind: &'static str,
        /// The reference that was sent.
        reference: String,
        /// If a unit was expected and a person has this email: the keys of the units that the person is in.
        person_in: Option<Vec<String>>,
        /// The most similar records of the kind, if they were looked for.
        similar: Vec<SimilarRecord>,
    },
    /// A field refers to a record that does not exist, or is outside the caller's scope.
    #[error("{field} names the {kind} {reference:?}, which does not exist; create it first")]
    Unknown {
        /// The kind of record that the field refers to.
        kind: Kind,
        /// The field.
        field: &'static str,
        /// The reference that was sent.
        reference: String,
    },
    /// A reference matches several units.
    #[error("{reference:?} names {} units; use one of their keys: {}", candidates.len(), list(candidates))]
    Ambiguous {
        /// The reference that was sent.
        reference: String,
        /// The keys of all units that match.
        candidates: Vec<String>,
    },
    /// Several projects have a repository with this URL, or a service with this identifier.
    #[error("{reference:?} belongs to {} projects: {}; ask for it in one of them", projects.len(), list(projects))]
    SeveralProjects {
        /// The URL or identifier that was sent.
        reference: String,
        /// The ids of the projects.
        projects: Vec<String>,
    },
    /// A unit is to be moved from its parent, and has several.
    #[error("{unit:?} has {} parents; set `from` to the one to remove: {}", parents.len(), list(parents))]
    SeveralParents {
        /// Its key.
        unit: String,
        /// The keys of its parents.
        parents: Vec<String>,
    },
    /// A record with this key exists.
    #[error("the {kind} {key:?} exists already")]
    Duplicate {
        /// The kind of record.
        kind: &'static str,
        /// Its key.
        key: String,
        /// The id of the existing mapping; `None` for other kinds.
        id: Option<String>,
    },
    /// The change would make a unit its own ancestor. `path` begins and ends with the same unit.
    #[error("this would create a cycle: {}; delete one of these mappings first", path.join(" > "))]
    WouldCycle {
        /// The keys of the units of the cycle, from parent to child.
        path: Vec<String>,
    },
    /// A unit that is to be deleted has records beneath it.
    #[error(
        "the unit {unit:?} has {units} child units, {people} people and {projects} projects, such as {}; say what becomes of them: lift places them under its parents, end deletes the child units", some.join(", ")
    )]
    NotEmpty {
        /// The key of the unit.
        unit: String,
        /// The number of its child units.
        units: usize,
        /// The number of people placed in it.
        people: usize,
        /// The number of projects placed in it.
        projects: usize,
        /// The keys of some of them.
        some: Vec<String>,
    },
    /// The hierarchy would get too deep.
    #[error(
        "the hierarchy would have more than {limit} levels; there is none left below the unit {parent:?}"
    )]
    TooDeep {
        /// The key of the parent.
        parent: String,
        /// The maximum number of levels.
        limit: usize,
    },
    /// A unit is to become its own parent.
    #[error("the unit {key:?} cannot be its own parent")]
    SelfParent {
        /// Its key.
        key: String,
    },
    /// Both ends exist, but are not of the kinds that the mapping's type connects.
    #[error("a {mapping_type} mapping connects {expected}; {field} {reference:?} is a {found}")]
    WrongEnd {
        /// The type of the mapping.
        mapping_type: &'static str,
        /// The kinds of records that it connects.
        expected: &'static str,
        /// The field of the wrong end.
        field: &'static str,
        /// The reference that was sent.
        reference: String,
        /// The kind of the record that was found.
        found: Kind,
    },
    /// A unit with this key is of another type.
    #[error("the unit {key:?} is a {found}, not a {asked}; use another key, or leave the type out")]
    WrongType {
        /// Its key.
        key: String,
        /// Its type.
        found: UnitType,
        /// The type that was sent.
        asked: UnitType,
    },
    /// The request sets an effective date, which is not supported.
    #[error(
        "{field} {value:?} is not supported: a record is valid from its creation to its deletion; leave {field} out"
    )]
    DatesNotSupported {
        /// `validFrom` or `validTo`.
        field: &'static str,
        /// The date that was sent.
        value: String,
    },
    /// The change would affect records outside the units that the caller may change.
    #[error("{what}; {instead}")]
    OutOfScope {
        /// What the change would do.
        what: String,
        /// What to do instead.
        instead: &'static str,
    },
    /// The caller's token was revoked or expired between the request and its turn at the writer.
    #[error("the token is no longer valid")]
    Unauthorized,
    /// The record has changed since the caller read it.
    #[error("the record is at revision {current}, not {expected}; read it again and repeat the change")]
    PreconditionFailed {
        /// The revision that the caller expects.
        expected: Revision,
        /// The revision that the record has.
        current: Revision,
    },
    /// The caller read the record before the store was restored from a backup or a history.
    #[error(
        "revision {expected} was read before the store was restored; read the record again and repeat the change"
    )]
    OtherLineage {
        /// The revision that the caller expects.
        expected: Revision,
    },
    /// Commands of one atomic change set were refused, so none was carried out.
    #[error("nothing was changed: {} of {total} commands were refused; the first: {}", refused.len(), first(refused))]
    Refused {
        /// The position of each refused command, from 0, and why it was refused.
        refused: Vec<(usize, Error)>,
        /// How many commands there were.
        total: usize,
    },
    /// The request exceeds a limit on size.
    #[error("{what} may be at most {limit}")]
    TooLarge {
        /// What is too large, with its unit.
        what: &'static str,
        /// The maximum.
        limit: usize,
    },
    /// The estimated cost of a query is too high. It was not evaluated.
    #[error(
        "this query would compare about {texts} texts, and the maximum is {limit}; use fewer conditions on texts, \
         or narrow it by units or keys"
    )]
    TooCostly {
        /// The estimated cost: how many texts would be compared.
        texts: u64,
        /// The maximum cost.
        limit: u64,
    },
    /// The queue of the writer is full.
    #[error("too many changes are waiting to be written; try again later")]
    Busy,
    /// The directory was closed before the change was carried out.
    #[error("the directory is closed")]
    Closed,
    /// An internal error: a panic was caught. Its cause is in the log.
    #[error("an internal error, which is logged; your request is not at fault, and nothing was changed")]
    Internal,
    /// The store could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A record that a reference may have meant.
///
/// ```
/// use clade::error::SimilarRecord;
///
/// let gears = SimilarRecord { key: "g-12".to_owned(), name: "Gears".to_owned() };
/// assert_eq!(gears.to_string(), r#""Gears" (key "g-12")"#);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimilarRecord {
    /// Its key, email or project id.
    pub key: String,
    /// Its name; its key if it has none.
    pub name: String,
}

impl fmt::Display for SimilarRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, name } = self;
        if key == name { write!(f, "{key:?}") } else { write!(f, "{name:?} (key {key:?})") }
    }
}

/// The end of the message of [`Error::NotFound`].
fn meant(person_in: Option<&[String]>, similar: &[SimilarRecord]) -> String {
    match (person_in, similar) {
        (Some([]), _) => ": that is a person, in no unit".to_owned(),
        (Some(units), _) => format!(": that is a person, in: {}", list(units)),
        (None, []) => String::new(),
        (None, similar) => {
            let names: Vec<String> = similar.iter().map(SimilarRecord::to_string).collect();
            format!("; did you mean {}?", names.join(", or "))
        }
    }
}

impl Error {
    /// An [`Error::NotFound`] without similar records.
    #[must_use]
    pub fn not_found(kind: &'static str, reference: impl Into<String>) -> Self {
        Self::NotFound { kind, reference: reference.into(), person_in: None, similar: Vec::new() }
    }

    /// An [`Error::Invalid`]. Shortens `value` for the message.
    #[must_use]
    pub fn invalid(field: &'static str, value: &str, reason: impl Into<String>) -> Self {
        // By characters: a cut at a number of bytes may fall into the middle of one, and slicing there panics.
        let shortened = match value.char_indices().nth(SHOWN_MAX) {
            Some((end, _)) => format!("{}…", &value[..end]),
            None => value.to_owned(),
        };
        Self::Invalid { field, value: shortened, reason: reason.into() }
    }

    /// An [`Error::Malformed`] without a position.
    #[must_use]
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::Malformed { detail: detail.into(), line: None, column: None }
    }

    /// The same error, reported for another field. Only [`Error::Invalid`] is changed.
    #[must_use]
    pub fn about(self, field: &'static str) -> Self {
        match self {
            Self::Invalid { value, reason, .. } => Self::Invalid { field, value, reason },
            other => other,
        }
    }

    /// The stable error code, the same over REST, GraphQL and the command line.
    #[must_use]
    pub fn code(&self) -> &'static str {
        // Codes are part of the API: clients branch on them. A new variant may share a code, but none may change.
        match self {
            Self::Invalid { .. } | Self::NotAnObject { .. } => "invalid",
            Self::Malformed { .. } => "malformed",
            Self::Missing { .. } => "missing-field",
            Self::UnknownField { .. } => "unknown-field",
            Self::RowsDisagree { .. } => "rows-disagree",
            Self::NotFound { .. } => "not-found",
            Self::Unknown { kind: Kind::Person, .. } => "unknown-person",
            Self::Unknown { kind: Kind::Project, .. } => "unknown-project",
            Self::Unknown { .. } => "unknown-unit",
            Self::Ambiguous { .. } | Self::SeveralParents { .. } | Self::SeveralProjects { .. } => {
                "ambiguous"
            }
            Self::Duplicate { .. } => "duplicate",
            Self::WouldCycle { .. } => "cycle",
            Self::NotEmpty { .. } => "not-empty",
            Self::TooDeep { .. } => "too-deep",
            Self::SelfParent { .. } => "self-parent",
            Self::WrongEnd { .. } => "wrong-end",
            Self::WrongType { .. } => "wrong-type",
            Self::DatesNotSupported { .. } => "dates-not-supported",
            Self::OutOfScope { .. } => "out-of-scope",
            Self::Unauthorized => "unauthorized",
            Self::PreconditionFailed { .. } | Self::OtherLineage { .. } => "precondition-failed",
            Self::Refused { .. } => "refused",
            Self::TooLarge { .. } => "too-large",
            Self::TooCostly { .. } => "too-costly",
            Self::Busy => "busy",
            Self::Closed => "closed",
            Self::Internal => "internal",
            Self::Store(failure) => failure.code(),
        }
    }

    /// The field that the error is about; `None` if it is about the whole request.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::Invalid { field, .. }
            | Self::Missing { field }
            | Self::Unknown { field, .. }
            | Self::WrongEnd { field, .. }
            | Self::DatesNotSupported { field, .. } => Some(field),
            // Not a field that was wrong, but the one that is missing.
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

/// The kind of a storage failure.
///
/// ```
/// use clade::Directory;
/// use clade::error::{Error, StoreErrorKind};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("notes.txt");
/// std::fs::write(&path, "a letter")?;
/// let Err(Error::Store(failure)) = Directory::open(&path) else { unreachable!("it is a text file") };
/// assert_eq!((failure.kind(), failure.code()), (StoreErrorKind::NotAStore, "not-a-store"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The file is locked, by another process or by an operation of this one.
    InUse,
    /// The file is not a Clade store.
    NotAStore,
    /// A file exists where a new one is to be created.
    Exists,
    /// The file was written by a newer version of Clade.
    NewerFormat,
    /// The content of the file is corrupt.
    Damaged,
    /// The disk is full.
    NoSpace,
    /// The file could not be read or written.
    Io,
    /// A change may have been made or not: the disk failed during the commit, and the result cannot be read back yet.
    OutcomeUnknown,
    /// An internal error.
    Internal,
}

/// A store that could not be read or written. `Debug` and `source` report the cause, which is not part of the API.
///
/// ```
/// use clade::{Directory, Error};
///
/// let Err(Error::Store(failure)) = Directory::open_existing("no.redb") else { unreachable!("there is none") };
/// assert_eq!(failure.code(), "store-failed");
/// assert!(failure.to_string().contains("there is no store at no.redb"));
/// ```
#[derive(Clone)]
pub struct StoreError {
    kind: StoreErrorKind,
    message: String,
    // Shared, since errors are cloned for each of the requests that were in one commit, and causes are not `Clone`.
    cause: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl StoreError {
    /// An error of this kind. The message says what is wrong and what to do.
    #[must_use]
    pub fn new(kind: StoreErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), cause: None }
    }

    /// The same error with its cause.
    #[must_use]
    pub fn caused_by(mut self, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.cause = Some(Arc::new(cause));
        self
    }

    /// The kind of the failure.
    #[must_use]
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// The stable error code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.kind {
            StoreErrorKind::InUse => "store-in-use",
            StoreErrorKind::NotAStore => "not-a-store",
            StoreErrorKind::Exists => "file-exists",
            StoreErrorKind::NewerFormat => "newer-format",
            StoreErrorKind::Damaged => "store-damaged",
            StoreErrorKind::NoSpace => "no-space",
            StoreErrorKind::Io => "store-failed",
            StoreErrorKind::OutcomeUnknown => "outcome-unknown",
            StoreErrorKind::Internal => "internal",
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
        write!(f, "{:?}: {}", self.kind, self.message)?;
        // `Debug` is for the log, so it adds the cause. The message alone is for users.
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
