//! The formats in which records are written.

/// A format of lists and exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `{"count": N, "data": […]}`.
    Json,
    /// A header and a line for each record.
    Csv,
    /// A JSON object a line.
    Ndjson,
}

impl Format {
    /// All of them, the preferred first.
    pub const ALL: [Self; 3] = [Self::Json, Self::Csv, Self::Ndjson];

    /// The words for them, in the same order.
    pub const NAMES: [&'static str; 3] = ["json", "csv", "ndjson"];

    /// Reads the word for one.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().zip(Self::NAMES).find(|(_, name)| *name == word).map(|(format, _)| format)
    }

    /// Its media type, as sent.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Ndjson => "application/x-ndjson",
        }
    }
}
