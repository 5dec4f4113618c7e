//! A moment, in whole milliseconds, UTC.

use std::fmt;

/// Milliseconds since 1970-01-01T00:00:00Z; shown as RFC 3339 with three decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since the epoch.
    #[must_use]
    pub fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// The system's clock. Only what stands at the edge asks it; all else takes the moment as an argument.
    #[must_use]
    pub fn now() -> Self {
        Self(jiff::Timestamp::now().as_millisecond())
    }

    /// As milliseconds since the epoch.
    #[must_use]
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// So many milliseconds later; no later than there is a number for.
    #[must_use]
    pub fn later_by(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Reads an RFC 3339 moment, or a date, which is its first moment in UTC.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        let raw = raw.trim();
        raw.parse::<jiff::Timestamp>()
            .ok()
            .or_else(|| {
                let date = raw.parse::<jiff::civil::Date>().ok()?;
                jiff::tz::Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()
            })
            .map(|moment| Self(moment.as_millisecond()))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(moment) => write!(f, "{moment:.3}"),
            Err(_) => write!(f, "{}ms", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_milliseconds_and_reads_itself() {
        let moment = Timestamp::from_millis(1_795_478_400_000);
        assert_eq!(moment.to_string(), "2026-11-24T00:00:00.000Z");
        assert_eq!(Timestamp::parse(&moment.to_string()), Some(moment));
        assert_eq!(Timestamp::parse("2026-11-24"), Some(moment));
        assert_eq!(Timestamp::parse("soon"), None);
    }
}
