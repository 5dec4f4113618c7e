//! Protection against cells that a spreadsheet runs as formulas (CSV injection).
//!
//! Invariant: reading restores the exact text.

use std::borrow::Cow;

/// Characters at the beginning of a cell that a spreadsheet may take for a formula, and the escape character.
// The escape character is in the list, since `'x` and the escaped form of `x` could not be told apart otherwise.
const RISKY: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\''];

/// The text of a cell, escaped if a spreadsheet could run it.
pub(super) fn guarded(text: &str) -> Cow<'_, str> {
    if text.starts_with(RISKY) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// The original text of an escaped cell.
pub(super) fn unguarded(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        // Only where the writer would have put the `'`. Files of other origin may have texts such as `'tis`.
        Some(text) if text.starts_with(RISKY) => text,
        _ => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_reverts_the_escaping() {
        for text in ["=1", "'", "''", "'=1", "plain", "it's", "@x", ""] {
            assert_eq!(unguarded(&guarded(text)), text);
        }
    }
}
