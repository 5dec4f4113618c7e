//! Timestamps in whole milliseconds, UTC.

use std::fmt;

#[cfg(feature = "server")]
use jiff::fmt::temporal::DateTimePrinter;

/// Milliseconds since 1970-01-01T00:00:00Z; displayed in RFC 3339 with three decimals.
///
/// ```
/// use clade::model::Timestamp;
///
/// let day = Timestamp::parse("2026-11-24").expect("a date is its first millisecond in UTC");
/// assert_eq!(day.later_by(90_000).to_string(), "2026-11-24T00:01:30.000Z");
/// ```
// Milliseconds, not nanoseconds: what is displayed must parse back to an equal value, and JavaScript clients keep no
// more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since the Unix epoch.
    #[must_use]
    pub fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// The current time of the system clock.
    #[must_use]
    pub fn now() -> Self {
        // Called at the entry points only. Planning and replay take the time as an argument, or they could not be
        // repeated.
        Self(jiff::Timestamp::now().as_millisecond())
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// The time `millis` milliseconds later, capped at the maximum.
    #[must_use]
    pub fn later_by(self, millis: i64) -> Self {
        // Lifetimes come from callers: an enormous one must not overflow into the past.
        Self(self.0.saturating_add(millis))
    }

    /// Parses an RFC 3339 timestamp, or a date, which means its first millisecond in UTC. `None` for anything else.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        let raw = raw.trim();
        raw.parse::<jiff::Timestamp>()
            .ok()
            .or_else(|| {
                let date = raw.parse::<jiff::civil::Date>().ok()?;
                jiff::tz::Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()
            })
            .map(|time| Self(time.as_millisecond()))
    }
}

impl Timestamp {
    /// Appends the text that it is displayed as.
    // Without the machinery of `fmt`, which takes most of the time of writing a list of records.
    #[cfg(feature = "server")]
    pub(crate) fn append_to(self, out: &mut Vec<u8>) {
        const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));
        let printed = jiff::Timestamp::from_millisecond(self.0)
            .and_then(|time| PRINTER.print_timestamp(&time, &mut *out));
        if printed.is_err() {
            out.extend_from_slice(self.to_string().as_bytes());
        }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(time) => write!(f, "{time:.3}"),
            // Outside the years -9999 to 9999, which `jiff` cannot represent. `Display` must not fail or panic for it.
            Err(_) => write!(f, "{}ms", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_has_milliseconds_and_parses_back() {
        let time = Timestamp::from_millis(1_795_478_400_000);
        assert_eq!(time.to_string(), "2026-11-24T00:00:00.000Z");
        assert_eq!(Timestamp::parse(&time.to_string()), Some(time));
        assert_eq!(Timestamp::parse("2026-11-24"), Some(time));
        assert_eq!(Timestamp::parse("soon"), None);
    }
}
