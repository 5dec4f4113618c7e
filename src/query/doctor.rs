//! Data-quality checks of a directory: duplicate names, unplaced records, unknown owners and the like.
//!
//! Invariant: a check visits each record once, or sorts, so that a million records take a second or two. It reads
//! through the [`View`] alone, so a record outside the caller's scope is treated as one that does not exist.

mod look_alikes;
mod mappings;
mod message;
mod page;
mod people;
mod placement;
mod projects;
mod units;

use crate::graph::View;
use crate::model::entity::{Entity, EntityId, Kind};
use crate::model::mapping::MappingId;

pub use page::FindingPage;

/// The kind of a finding. No finding means that the store is damaged: each one is for someone who knows the
/// organization to judge.
///
/// ```
/// use clade::query::{FindingCode, doctor};
///
/// let view = clade::Directory::in_memory()?.apply(clade::CreatePerson::new("ada@corp.example"))?.view;
/// let findings = doctor(&view, &[]);
/// let codes: Vec<_> = findings.all().iter().map(|finding| finding.code.as_str()).collect();
/// assert_eq!(codes, ["unplaced-person"]);
/// assert_eq!(FindingCode::named("unplaced-person"), Some(FindingCode::UnplacedPerson));
/// # Ok::<(), clade::Error>(())
/// ```
// The discriminants are the order of findings and the indexes of `NAMES`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum FindingCode {
    /// Units of one level that have the same name, case-insensitive. Units whose type is not a level are left out.
    SameNameInLevel = 0,
    /// A person who is placed in no unit.
    UnplacedPerson = 1,
    /// A project that is placed in no unit.
    UnplacedProject = 2,
    /// A unit of any type without child units, people and projects.
    EmptyTeam = 3,
    /// A unit whose parent is more than one level above it. Units whose type is not a level neither skip one nor are
    /// skipped.
    LevelSkip = 4,
    /// A project whose owner's email belongs to no person in the directory.
    UnknownOwner = 5,
    /// Projects with a repository at the same url, in any spelling.
    RepositoryClaimedTwice = 6,
    /// People who are probably the same person.
    ///
    /// Two people are connected if their emails are the same without what follows a `+` before the `@`; or if their
    /// emails are the same without that and without the separators `.`, `_` and `-` before the `@`, and they have the
    /// same external id or the same first and last name. All people who are connected, directly or through others,
    /// are one finding.
    PersonSpelledTwice = 7,
    /// A current mapping that refers to a deleted record. No change through the directory leaves one behind.
    MappingToEnded = 8,
    /// Units below one parent, or people, whose names or emails differ only in characters that look alike, as a Latin `a`
    /// and a Cyrillic one.
    LookAlike = 9,
}

impl FindingCode {
    /// All codes, in the order of the findings.
    pub const ALL: [Self; 10] = [
        Self::SameNameInLevel,
        Self::UnplacedPerson,
        Self::UnplacedProject,
        Self::EmptyTeam,
        Self::LevelSkip,
        Self::UnknownOwner,
        Self::RepositoryClaimedTwice,
        Self::PersonSpelledTwice,
        Self::MappingToEnded,
        Self::LookAlike,
    ];

    /// Their stable names, in the same order.
    pub const NAMES: [&'static str; 10] = [
        "same-name-in-level",
        "unplaced-person",
        "unplaced-project",
        "empty-team",
        "level-skip",
        "unknown-owner",
        "repository-claimed-twice",
        "person-spelled-twice",
        "mapping-to-ended",
        "look-alike",
    ];

    /// The stable name of the code.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// The code with this name; `None` if there is none.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == word)
    }

    /// Approximate number of records that this check reads.
    #[must_use]
    pub fn cost(self, view: &View) -> u64 {
        let all = |kind| view.all(kind).len();
        match self {
            Self::SameNameInLevel | Self::EmptyTeam | Self::LevelSkip => all(Kind::OrgUnit),
            Self::UnplacedPerson | Self::PersonSpelledTwice => all(Kind::Person),
            Self::UnplacedProject | Self::UnknownOwner => all(Kind::Project),
            Self::RepositoryClaimedTwice => all(Kind::Repository),
            // This check reads mappings. As a rule each record is the child of one, so their number is about that of
            // the records.
            Self::LookAlike => all(Kind::OrgUnit) + all(Kind::Person),
            Self::MappingToEnded => Kind::ALL.into_iter().map(all).sum(),
        }
    }

    fn find(self, view: &View) -> Vec<Finding> {
        match self {
            Self::SameNameInLevel => units::same_name_in_level(view),
            Self::UnplacedPerson => placement::unplaced(view, Kind::Person, self),
            Self::UnplacedProject => placement::unplaced(view, Kind::Project, self),
            Self::EmptyTeam => units::empty(view),
            Self::LevelSkip => units::level_skips(view),
            Self::UnknownOwner => projects::unknown_owners(view),
            Self::RepositoryClaimedTwice => projects::claimed_twice(view),
            Self::PersonSpelledTwice => people::spelled_twice(view),
            Self::MappingToEnded => mappings::to_ended(view),
            Self::LookAlike => look_alikes::look_alikes(view),
        }
    }
}

/// A record that a finding is about.
///
/// ```
/// use clade::query::FindingCode;
/// use clade::query::doctor::{About, doctor};
///
/// let view = clade::Directory::in_memory()?.apply(clade::CreatePerson::new("ada@corp.example"))?.view;
/// let findings = doctor(&view, &[FindingCode::UnplacedPerson]);
/// assert_eq!(findings.all()[0].about, [About::Entity(view.person("ada@corp.example")?.id())]);
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// A unit, person, project or repository.
    Entity(EntityId),
    /// A mapping.
    Mapping(MappingId),
}

impl About {
    /// The id, if it is an entity.
    #[must_use]
    pub fn entity(self) -> Option<EntityId> {
        if let Self::Entity(id) = self { Some(id) } else { None }
    }
}

/// One finding of a data-quality check. [`Finding::message`] describes it in a sentence.
///
/// ```
/// use clade::query::{FindingCode, doctor};
///
/// let cart = clade::CreateProject::new("cart", "Cart").owner("ada@corp.example");
/// let view = clade::Directory::in_memory()?.apply(cart)?.view;
/// let findings = doctor(&view, &[FindingCode::UnknownOwner]);
/// let message = findings.all()[0].message(&view);
/// assert!(message.ends_with(r#""ada@corp.example", who is not a person in this directory"#));
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The kind of the finding.
    pub code: FindingCode,
    /// The records concerned, in the order of their creation; for a skipped level the lower unit first, for a mapping
    /// the mapping first.
    pub about: Vec<About>,
    /// The sort key of the finding among those of its code; unique, and the content of its cursor.
    at: About,
}

impl Finding {
    fn of(code: FindingCode, ids: Vec<EntityId>) -> Self {
        let at = About::Entity(*ids.first().expect("a finding is about some record"));
        Self { code, about: ids.into_iter().map(About::Entity).collect(), at }
    }
}

/// The findings of a run, sorted by code and then by the creation of their first record.
///
/// ```
/// use clade::query::{FindingCode, doctor};
///
/// let view = clade::Directory::in_memory()?.apply(clade::CreatePerson::new("ada@corp.example"))?.view;
/// let findings = doctor(&view, &[FindingCode::UnplacedPerson, FindingCode::EmptyTeam]);
/// let counts: Vec<_> = findings.counts().collect();
/// assert_eq!(counts, [(FindingCode::UnplacedPerson, 1), (FindingCode::EmptyTeam, 0)]);
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Findings {
    requested: Vec<FindingCode>,
    all: Vec<Finding>,
}

impl Findings {
    /// All findings.
    #[must_use]
    pub fn all(&self) -> &[Finding] {
        &self.all
    }

    /// The number of findings of each requested code, including those with none.
    pub fn counts(&self) -> impl Iterator<Item = (FindingCode, usize)> {
        self.requested.iter().map(|code| (*code, self.of(*code).len()))
    }

    /// The findings of one code.
    #[must_use]
    pub fn of(&self, code: FindingCode) -> &[Finding] {
        // `all` is sorted by code, because `doctor` runs the checks in that order.
        let begin = self.all.partition_point(|finding| finding.code < code);
        let end = self.all.partition_point(|finding| finding.code <= code);
        &self.all[begin..end]
    }
}

/// Runs the data-quality checks with these codes, or all checks if `codes` is empty.
///
/// ```
/// use clade::query::{FindingCode, doctor};
/// use clade::{CreatePerson, Directory};
///
/// # fn main() -> Result<(), clade::Error> {
/// let directory = Directory::in_memory()?;
/// directory.apply(CreatePerson::new("ada@corp.example").under("Corp/Research"))?;
/// directory.apply(CreatePerson::new("ada+lists@corp.example"))?;
///
/// let view = directory.view();
/// let findings = doctor(&view, &[FindingCode::PersonSpelledTwice, FindingCode::UnplacedPerson]);
/// let messages: Vec<_> = findings.all().iter().map(|finding| finding.message(&view)).collect();
/// assert_eq!(messages, [
///     r#"the person "ada+lists@corp.example" is not placed in any unit"#,
///     r#"2 people are probably the same person: "ada@corp.example", "ada+lists@corp.example""#,
/// ]);
/// # Ok(()) }
/// ```
#[must_use]
pub fn doctor(view: &View, codes: &[FindingCode]) -> Findings {
    let requested: Vec<_> = requested(codes).collect();
    let mut all = Vec::new();
    for code in &requested {
        let mut found = code.find(view);
        // Some checks group by hash map, whose order differs from run to run; cursors need one that does not.
        found.sort_unstable_by_key(|finding| finding.at);
        all.extend(found);
    }
    Findings { requested, all }
}

/// Approximate number of records that [`doctor`] reads.
#[must_use]
pub fn cost(view: &View, codes: &[FindingCode]) -> u64 {
    requested(codes).map(|code| code.cost(view)).sum()
}

fn requested(codes: &[FindingCode]) -> impl Iterator<Item = FindingCode> {
    // In the order of `ALL`, whatever the order of `codes`, and each once.
    FindingCode::ALL.into_iter().filter(|code| codes.is_empty() || codes.contains(code))
}

/// The records of a kind, in the order of creation.
fn records(view: &View, kind: Kind) -> impl Iterator<Item = &Entity> {
    view.all(kind).iter().filter_map(|id| view.entity(EntityId(id)).map(|entity| &**entity))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_words_are_unique() {
        for (at, code) in FindingCode::ALL.into_iter().enumerate() {
            assert_eq!(code as usize, at);
            assert_eq!(FindingCode::named(code.as_str()), Some(code));
        }
        assert_eq!(FindingCode::named("nothing"), None);
    }
}
