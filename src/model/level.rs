//! The five levels of a hierarchy, and unit types, which are one of them or any other word.

use std::fmt;

use crate::error::Error;
use crate::model::key::Name;

/// One of the five levels; `Organization` is the highest.
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
    /// All five, highest first.
    pub const ALL: [Self; 5] =
        [Self::Organization, Self::Business, Self::Department, Self::Group, Self::Team];

    /// 1 for the organization to 5 for a team.
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8
    }

    /// 0 for the organization to 4 for a team.
    #[must_use]
    pub fn index(self) -> usize {
        self as usize - 1
    }

    /// The word for it, in lower case.
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

    /// The level directly beneath, if there is one.
    #[must_use]
    pub fn below(self) -> Option<Self> {
        Self::ALL.get(self.index() + 1).copied()
    }
}

/// What kind of unit a unit is. Compared without case: words are kept in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum UnitType {
    /// One of the five levels.
    Level(Level),
    /// Any other word, such as `tribe`.
    Other(Name),
}

impl UnitType {
    /// Reads a type or one of its aliases: `root`, `business_group`, `application`.
    ///
    /// # Errors
    /// [`Error::Invalid`] when `raw` is empty, too long or holds control characters.
    pub fn parse(raw: &str) -> Result<Self, Error> {
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

    /// Its level; none for a word of the organisation's own.
    #[must_use]
    pub fn level(&self) -> Option<Level> {
        match self {
            Self::Level(level) => Some(*level),
            Self::Other(_) => None,
        }
    }

    /// The word for it, in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Level(level) => level.as_str(),
            Self::Other(word) => word.as_str(),
        }
    }

    /// The type a unit gets beneath a parent of this type, when nobody says.
    #[must_use]
    pub fn default_below(parent: Option<&Self>) -> Self {
        match parent {
            None => Self::Level(Level::Organization),
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
