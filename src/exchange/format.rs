//! The formats of lists and exports: JSON, CSV and NDJSON, with their names and media types.

/// A format of lists and exports.
///
/// ```
/// use clade::exchange::{Format, export};
///
/// let ada = clade::CreatePerson::new("ada@corp.example").under("Corp");
/// let view = clade::Directory::in_memory()?.apply(ada)?.view;
/// let format = Format::named("ndjson").expect("it is the name of a format");
/// assert_eq!(format.media_type(), "application/x-ndjson");
/// let mut out = Vec::new();
/// export(&view, format, &mut out)?;
/// assert_eq!(String::from_utf8(out)?.lines().count(), 3, "a unit, a person and their mapping");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For a list `{"count": N, "data": […]}`, for an export an array.
    Json,
    /// A header line, then one line per record.
    Csv,
    /// One JSON object per line.
    Ndjson,
}

impl Format {
    /// All formats. The first is preferred when a client accepts several equally.
    pub const ALL: [Self; 3] = [Self::Json, Self::Csv, Self::Ndjson];

    /// Their names in the `format` parameter, in the same order.
    pub const NAMES: [&'static str; 3] = ["json", "csv", "ndjson"];

    /// The format with this name; `None` if there is none.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().zip(Self::NAMES).find(|(_, name)| *name == word).map(|(format, _)| format)
    }

    /// Its media type, as sent in `Content-Type`.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Ndjson => "application/x-ndjson",
        }
    }
}
