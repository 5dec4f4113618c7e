//! Workaround: spellings that async-graphql's parser refuses, written in another way.
//!
//! Invariant: the document means the same. Only positions in the same line may shift.

use std::borrow::Cow;

/// The text with surrogate pairs and `\\u{…}` in strings as the characters that they stand for, and `-0` as `0`.
pub(super) fn readable(text: &str) -> Cow<'_, str> {
    if !text.contains("\\u") && !text.contains("-0") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let taken = match letter {
            '#' => rest.find(['\n', '\r']).unwrap_or(rest.len()),
            // In a block string, a backslash stands for itself, except before three quotes.
            '"' if rest.starts_with("\"\"\"") => block_end(rest),
            '"' => {
                rest = in_string(rest, &mut out);
                continue;
            }
            '-' if is_minus_zero(rest) => {
                rest = &rest[1..];
                continue;
            }
            _ => letter.len_utf8(),
        };
        out.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    Cow::Owned(out)
}

/// The length of a block string.
fn block_end(text: &str) -> usize {
    let mut at = 3;
    while let Some(found) = text[at..].find("\"\"\"") {
        let end = at + found + 3;
        if !text[..at + found].ends_with('\\') {
            return end;
        }
        at = end;
    }
    text.len()
}

fn is_minus_zero(text: &str) -> bool {
    text.starts_with("-0")
        && !text[2..].starts_with(|next: char| next.is_ascii_alphanumeric() || matches!(next, '.' | '_'))
}

/// Appends a string that is not a block string, and returns what follows it.
fn in_string<'t>(text: &'t str, out: &mut String) -> &'t str {
    out.push('"');
    let mut rest = &text[1..];
    while let Some(letter) = rest.chars().next() {
        if let Some((character, length)) = character(rest) {
            out.push(character);
            rest = &rest[length..];
            continue;
        }
        // An escape is taken with its letter, so that an escaped quote does not end the string.
        let escaped = if letter == '\\' { rest[1..].chars().next() } else { None };
        let length = letter.len_utf8() + escaped.map_or(0, char::len_utf8);
        out.push_str(&rest[..length]);
        rest = &rest[length..];
        if matches!(letter, '"' | '\n' | '\r') {
            break;
        }
    }
    rest
}

/// The character of an escape that the parser refuses, and the length of the escape.
fn character(text: &str) -> Option<(char, usize)> {
    let hex = |digits: &str| {
        u32::from_str_radix(digits, 16).ok().filter(|_| digits.bytes().all(|it| it.is_ascii_hexdigit()))
    };
    if let Some(braced) = text.strip_prefix("\\u{") {
        let (digits, _) = braced.split_once('}')?;
        return plain(char::from_u32(hex(digits)?)?).map(|character| (character, digits.len() + 4));
    }
    let unit = |text: &str| hex(text.strip_prefix("\\u")?.get(..4)?);
    let high = unit(text).filter(|high| (0xD800..0xDC00).contains(high))?;
    let low = unit(text.get(6..)?).filter(|low| (0xDC00..0xE000).contains(low))?;
    char::from_u32(0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00)).map(|character| (character, 12))
}

/// The character, unless it means something else when it is written in a string.
fn plain(character: char) -> Option<char> {
    (!character.is_control() && !matches!(character, '"' | '\\')).then_some(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_become_characters_in_strings_alone() {
        for (text, expected) in [
            (r#"{ a(b: "\uD83D\uDE00") }"#, "{ a(b: \"\u{1F600}\") }"),
            (r#"{ a(b: "\u{1F600}x\u{e9}") }"#, "{ a(b: \"\u{1F600}x\u{e9}\") }"),
            (r#"{ a(b: "\\u{41} \" \u0041") }"#, r#"{ a(b: "\\u{41} \" \u0041") }"#),
            (
                r#"{ a(b: """\u{41} \""" \uD83D\uDE00""", c: "\u{41}") }"#,
                r#"{ a(b: """\u{41} \""" \uD83D\uDE00""", c: "A") }"#,
            ),
            (r#"{ a(b: "\uD83D") }"#, r#"{ a(b: "\uD83D") }"#),
            (r#"{ a(b: "\u{22}\u{110000}\u{}") }"#, r#"{ a(b: "\u{22}\u{110000}\u{}") }"#),
            (
                "{ a(b: -0, c: -0.5, d: [-0], e: -01) } # -0 \\u{41}",
                "{ a(b: 0, c: -0.5, d: [0], e: -01) } # -0 \\u{41}",
            ),
            ("{ a(b: \"\\u{41", "{ a(b: \"\\u{41"),
            ("\"\\", "\"\\"),
            ("{ æ(b: \"æ\\u{e6}\\瞄瞄\") } # -0 æ", "{ æ(b: \"ææ\\瞄瞄\") } # -0 æ"),
        ] {
            assert_eq!(readable(text), expected, "{text}");
        }
    }
}
