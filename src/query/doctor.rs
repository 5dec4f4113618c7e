//! What is worth a look about the data of a directory: names that come twice, records without a place, owners whom
//! nobody knows.
//!
//! What must stay true: every rule looks at each record once, or sorts, so that a million records take a second or two;
//! and it reads through the [`View`] alone, so that what is out of sight is just as what is not there.

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

/// What kind of thing was found. No finding is damage: each is for someone who knows the organisation to judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum FindingCode {
    /// Units of one level that have the same name, without case. Types that are no level have names of their own.
    SameNameInLevel = 0,
    /// A person who is placed in no unit.
    UnplacedPerson = 1,
    /// A project that is placed in no unit.
    UnplacedProject = 2,
    /// A unit of any type with nothing beneath it: no unit, no person, no project.
    EmptyTeam = 3,
    /// A unit directly beneath one that is more than one level above it. Units of types that are no level neither
    /// skip one nor are skipped.
    LevelSkip = 4,
    /// A project whose owner has an email that no person has.
    UnknownOwner = 5,
    /// Projects that have a repository at the same url, in whatever spelling.
    RepositoryClaimedTwice = 6,
    /// People who are likely one and the same.
    ///
    /// Either their emails are the same without what follows a `+` before the `@`; or they are the same without that
    /// and without the separators `.`, `_` and `-` before the `@`, and the people have the same external id, or the
    /// same first and last name. What chains of such pairs connect is one finding.
    PersonSpelledTwice = 7,
    /// A mapping that holds, of a record that has ended. No change through the directory leaves one behind.
    MappingToEnded = 8,
}

impl FindingCode {
    /// All of them, in the order in which findings come.
    pub const ALL: [Self; 9] = [
        Self::SameNameInLevel,
        Self::UnplacedPerson,
        Self::UnplacedProject,
        Self::EmptyTeam,
        Self::LevelSkip,
        Self::UnknownOwner,
        Self::RepositoryClaimedTwice,
        Self::PersonSpelledTwice,
        Self::MappingToEnded,
    ];

    /// The words for them, in the same order.
    pub const WORDS: [&'static str; 9] = [
        "same-name-in-level",
        "unplaced-person",
        "unplaced-project",
        "empty-team",
        "level-skip",
        "unknown-owner",
        "repository-claimed-twice",
        "person-spelled-twice",
        "mapping-to-ended",
    ];

    /// The stable word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::WORDS[self as usize]
    }

    /// The one with this word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == word)
    }

    /// How many records are looked at to find all of it.
    #[must_use]
    pub fn cost(self, view: &View) -> u64 {
        let all = |kind| view.all(kind).len();
        match self {
            Self::SameNameInLevel | Self::EmptyTeam | Self::LevelSkip => all(Kind::OrgUnit),
            Self::UnplacedPerson | Self::PersonSpelledTwice => all(Kind::Person),
            Self::UnplacedProject | Self::UnknownOwner => all(Kind::Project),
            Self::RepositoryClaimedTwice => all(Kind::Repository),
            // A record is at some end of one mapping, as a rule.
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
        }
    }
}

/// A record that a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// A unit, person, project or repository.
    Entity(EntityId),
    /// A mapping.
    Mapping(MappingId),
}

impl About {
    /// Its number, if it is an entity.
    #[must_use]
    pub fn entity(self) -> Option<EntityId> {
        if let Self::Entity(id) = self { Some(id) } else { None }
    }
}

/// One thing that is worth a look. [`Finding::message`] says it in a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind of thing.
    pub code: FindingCode,
    /// The records that it is about, in the order in which they were made; of a level that is skipped, the lower unit
    /// first; of a mapping, that first.
    pub about: Vec<About>,
    /// What tells it from the others of its code, and says where it stands among them.
    at: About,
}

impl Finding {
    fn of(code: FindingCode, ids: Vec<EntityId>) -> Self {
        let at = About::Entity(*ids.first().expect("a finding is about some record"));
        Self { code, about: ids.into_iter().map(About::Entity).collect(), at }
    }
}

/// What was found, by code, each in the order in which the first of its records were made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Findings {
    asked: Vec<FindingCode>,
    all: Vec<Finding>,
}

impl Findings {
    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Finding] {
        &self.all
    }

    /// How many there are of each code that was looked for, also where that is none.
    pub fn counts(&self) -> impl Iterator<Item = (FindingCode, usize)> {
        self.asked.iter().map(|code| (*code, self.of(*code).len()))
    }

    /// Those of one code.
    #[must_use]
    pub fn of(&self, code: FindingCode) -> &[Finding] {
        let begin = self.all.partition_point(|finding| finding.code < code);
        let end = self.all.partition_point(|finding| finding.code <= code);
        &self.all[begin..end]
    }
}

/// Looks for what is worth a look: for these codes, or for all where none is given.
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
/// let told: Vec<_> = findings.all().iter().map(|finding| finding.message(&view)).collect();
/// assert_eq!(told, [
///     r#""ada+lists@corp.example" is in no unit"#,
///     r#"2 people are likely one: "ada@corp.example", "ada+lists@corp.example""#,
/// ]);
/// # Ok(()) }
/// ```
#[must_use]
pub fn doctor(view: &View, codes: &[FindingCode]) -> Findings {
    let asked: Vec<_> = asked(codes).collect();
    let mut all = Vec::new();
    for code in &asked {
        let mut found = code.find(view);
        found.sort_unstable_by_key(|finding| finding.at);
        all.extend(found);
    }
    Findings { asked, all }
}

/// About how many records [`doctor`] looks at.
#[must_use]
pub fn cost(view: &View, codes: &[FindingCode]) -> u64 {
    asked(codes).map(|code| code.cost(view)).sum()
}

fn asked(codes: &[FindingCode]) -> impl Iterator<Item = FindingCode> {
    FindingCode::ALL.into_iter().filter(|code| codes.is_empty() || codes.contains(code))
}

/// The records of a kind, in the order in which they were made.
fn records(view: &View, kind: Kind) -> impl Iterator<Item = &Entity> {
    view.all(kind).iter().filter_map(|id| view.entity(EntityId(id)).map(|entity| &**entity))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_word_of_its_own() {
        for (at, code) in FindingCode::ALL.into_iter().enumerate() {
            assert_eq!(code as usize, at);
            assert_eq!(FindingCode::named(code.as_str()), Some(code));
        }
        assert_eq!(FindingCode::named("nothing"), None);
    }
}
