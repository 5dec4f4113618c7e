//! [`Lineage`] and [`ExpectedRevision`]: the condition that a record has not changed since it was read.
//!
//! Invariant: a condition that was read before a restore never holds after it, because a restored store counts the same
//! revisions again for other changes.

use std::fmt;

use crate::model::entity::Revision;

/// A random number that a store gets when it is created, and again when it is restored from a backup or a history.
/// Revisions are comparable only within one lineage.
///
/// ```
/// let directory = clade::Directory::in_memory()?;
/// let before = directory.view().lineage();
/// directory.begin_lineage()?;
/// assert_eq!(before, directory.view().lineage(), "applies from the next opening on");
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Lineage(pub u32);

impl fmt::Display for Lineage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// The revision that a record must still have for a command to be carried out.
///
/// ```
/// use clade::{CreatePerson, Directory, UpdatePerson};
/// use clade::model::version::ExpectedRevision;
///
/// let directory = Directory::in_memory()?;
/// let view = directory.apply(CreatePerson::new("ada@corp.example"))?.view;
/// // To be stored outside the process: holds the lineage too.
/// let seen = ExpectedRevision::of(view.revision(), view.lineage()).to_string();
/// let expected: ExpectedRevision = seen.parse()?;
/// let update = UpdatePerson::new("ada@corp.example").display_name("Ada").if_revision(expected);
/// assert!(directory.apply(update.clone()).is_ok());
/// assert_eq!(directory.apply(update).unwrap_err().code(), "precondition-failed");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpectedRevision {
    /// The revision of the record's last change.
    pub revision: Revision,
    /// The lineage of the store that it was read from; `None` if it was read since the directory was opened.
    pub lineage: Option<Lineage>,
}

impl ExpectedRevision {
    /// A revision that was read from a store of this lineage.
    #[must_use]
    pub fn of(revision: Revision, lineage: Lineage) -> Self {
        Self { revision, lineage: Some(lineage) }
    }
}

impl From<Revision> for ExpectedRevision {
    fn from(revision: Revision) -> Self {
        Self { revision, lineage: None }
    }
}

impl fmt::Display for ExpectedRevision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.lineage {
            Some(lineage) => write!(f, "{}.{lineage}", self.revision),
            None => write!(f, "{}", self.revision),
        }
    }
}

/// A text that is no version of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be the version of a record, such as 588.1a2b3c4d")]
pub struct NotAVersion;

impl std::str::FromStr for ExpectedRevision {
    type Err = NotAVersion;

    /// Parses a revision and a lineage, such as `588.1a2b3c4d`.
    // The lineage is required: a number alone, which callers may have from anywhere, would hold after a restore.
    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        let (revision, lineage) = text.split_once('.').ok_or(NotAVersion)?;
        let revision = revision.parse().map_err(|_| NotAVersion)?;
        let number = u32::from_str_radix(lineage, 16).map_err(|_| NotAVersion)?;
        let parsed = Self::of(Revision(revision), Lineage(number));
        // Only the canonical text, which answers have: `+5.1A` is a mistake.
        if parsed.to_string() == text { Ok(parsed) } else { Err(NotAVersion) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_text_of_answers_is_a_version() {
        let version = ExpectedRevision::of(Revision(588), Lineage(0x1a));
        assert_eq!("588.0000001a".parse(), Ok(version));
        for text in
            ["", "588", "588.", "588.1a", "+588.0000001a", "588.0000001A", "588.0000001a.", ".0000001a"]
        {
            assert_eq!(text.parse::<ExpectedRevision>(), Err(NotAVersion), "{text}");
        }
    }
}
