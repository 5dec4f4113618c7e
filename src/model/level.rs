//! The five levels of the hierarchy, and unit types: a level, or any other word.

use std::fmt;

use crate::error::Error;
use crate::model::key::Name;

/// One of the five levels; `Organization` is the highest.
///
/// ```
/// use clade::{CreatePerson, Directory, model::Level};
///
/// let view = Directory::in_memory()?.apply(CreatePerson::new("ada@corp.example").under("Corp/Research"))?.view;
/// let business = view.person("ada@corp.example")?.level(Level::Business).expect("the second unit of a path");
/// assert_eq!(business.name.as_str(), "Research");
/// # Ok::<(), clade::Error>(())
/// ```
// From 1, as the numbers are shown; `index` is for arrays. The derived order relies on highest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// The whole company.
    Organization = 1,
    /// A business or business group.
    Business = 2,
    /// A department or application.
    Department = 3,
    /// A group of teams.
    Group = 4,
    /// A team, the lowest level.
    Team = 5,
}

impl Level {
    /// All levels, highest first.
    pub const ALL: [Self; 5] =
        [Self::Organization, Self::Business, Self::Department, Self::Group, Self::Team];

    /// 1 for an organization to 5 for a team.
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8
    }

    /// Position in an array by level: 0 for an organization to 4 for a team.
    #[must_use]
    pub fn index(self) -> usize {
        self as usize - 1
    }

    /// Its name, in lower case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Business => "business",
            Self::Department => "department",
            Self::Group => "group",
            Self::Team => "team",
        }
    }

    /// The next lower level; `None` for a team.
    #[must_use]
    pub fn below(self) -> Option<Self> {
        Self::ALL.get(self.index() + 1).copied()
    }
}

/// The type of a unit: a level, or any other word. Compared without case, because words are stored in lower case.
///
/// ```
/// use clade::model::{Level, UnitType};
///
/// assert_eq!(UnitType::parse("Business_Group")?.level(), Some(Level::Business));
/// assert_eq!((UnitType::parse("Squad")?.as_str(), UnitType::parse("Squad")?.level()), ("squad", None));
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum UnitType {
    /// One of the five levels.
    Level(Level),
    /// Any other word, such as `tribe`.
    Other(Name),
}

impl UnitType {
    /// Parses a type, or an alias: `root` (organization), `business_group` (business), `application` (department).
    ///
    /// # Errors
    /// [`Error::Invalid`] when `raw` is empty, longer than 512 characters or contains control characters.
    pub fn parse(raw: &str) -> Result<Self, Error> {
        // `Name` trims and checks, but its error is about the field `name`.
        let word = Name::parse(&raw.to_lowercase()).map_err(|refusal| refusal.about("type"))?;
        Ok(match word.as_str() {
            "organization" | "root" => Self::Level(Level::Organization),
            "business" | "business_group" => Self::Level(Level::Business),
            "department" | "application" => Self::Level(Level::Department),
            "group" => Self::Level(Level::Group),
            "team" => Self::Level(Level::Team),
            _ => Self::Other(word),
        })
    }

    /// Its level; `None` for any other word. Units of such a type never fill a level field.
    #[must_use]
    pub fn level(&self) -> Option<Level> {
        match self {
            Self::Level(level) => Some(*level),
            Self::Other(_) => None,
        }
    }

    /// Its name, in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Level(level) => level.as_str(),
            Self::Other(word) => word.as_str(),
        }
    }

    /// The default type of a unit below a parent of this type: one level lower. Without a parent, organization.
    #[must_use]
    pub fn default_below(parent: Option<&Self>) -> Self {
        match parent {
            None => Self::Level(Level::Organization),
            // Below a team, or a parent without a level, a unit becomes a team: the only level that is never too high.
            Some(parent) => Self::Level(parent.level().and_then(Level::below).unwrap_or(Level::Team)),
        }
    }
}

impl From<Level> for UnitType {
    fn from(level: Level) -> Self {
        Self::Level(level)
    }
}

impl fmt::Display for UnitType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_and_their_aliases_match_without_case() {
        for (raw, level) in [
            ("Root", Level::Organization),
            ("ORGANIZATION", Level::Organization),
            ("business_group", Level::Business),
            ("Application", Level::Department),
            ("group", Level::Group),
            (" Team ", Level::Team),
        ] {
            assert_eq!(UnitType::parse(raw).unwrap().level(), Some(level), "{raw}");
        }
        let tribe = UnitType::parse("Tribe").unwrap();
        assert_eq!((tribe.as_str(), tribe.level()), ("tribe", None));
        assert!(UnitType::parse(" ").is_err());
    }

    #[test]
    fn the_default_type_is_one_level_down() {
        let department = UnitType::default_below(Some(&Level::Business.into()));
        assert_eq!(department, Level::Department.into());
        assert_eq!(UnitType::default_below(Some(&Level::Team.into())), Level::Team.into());
        assert_eq!(UnitType::default_below(None), Level::Organization.into());
    }
}
