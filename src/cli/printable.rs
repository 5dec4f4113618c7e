//! Text for a terminal: what came from a store or a server must not control it.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The text with every character that a terminal could act on written as `\\u{…}`: controls, bidirectional controls and
/// line separators. Line feeds and tabs stay.
pub(super) fn printable(text: &str) -> Cow<'_, str> {
    written(text, |letter, out| _ = write!(out, "\\u{{{:x}}}", u32::from(letter)))
}

/// A JSON text with these characters as JSON's own escapes, so that it means the same.
pub(super) fn printable_json(text: &str) -> Cow<'_, str> {
    // All of them are below U+10000, and JSON has escaped the controls of ASCII already.
    written(text, |letter, out| _ = write!(out, "\\u{:04x}", u32::from(letter)))
}

fn written(text: &str, escape: impl Fn(char, &mut String)) -> Cow<'_, str> {
    if !text.chars().any(is_acted_on) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_acted_on(letter) {
            escape(letter, &mut out);
        } else {
            out.push(letter);
        }
    }
    Cow::Owned(out)
}

fn is_acted_on(letter: char) -> bool {
    letter.is_control() && !matches!(letter, '\n' | '\t')
        || matches!(letter, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_acts_on_is_escaped() {
        let hostile = "a\u{1b}]0;pwn\u{7}b\u{9b}c\u{202e}d\u{2028}e\rf";
        assert_eq!(printable(hostile), r"a\u{1b}]0;pwn\u{7}b\u{9b}c\u{202e}d\u{2028}e\u{d}f");
        assert!(matches!(printable("plain\n\ttext é"), Cow::Borrowed(_)));
        let json = serde_json::to_string(hostile).unwrap();
        let shown = printable_json(&json);
        assert!(!shown.chars().any(is_acted_on), "{shown}");
        assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), hostile);
    }
}
