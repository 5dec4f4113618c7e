//! A lexical scan of a document before parsing: number of tokens, and nesting depth of brackets.
//!
//! The parser and everything that walks its result recurse as deep as the brackets nest, and some thousand levels
//! overflow a thread's stack. Parsed documents take memory per token, far more than their text.
//!
//! Invariant: for a document that parses, the scan counts no fewer brackets and tokens than the parser. It uses no
//! recursion.

/// The lexical size of a document.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Names, numbers, strings and punctuators. Characters that GraphQL does not know count as well.
    pub(crate) tokens: usize,
    /// The deepest nesting of `{`, `(` and `[` outside strings and comments.
    pub(crate) nesting: usize,
}

impl Extent {
    pub(crate) fn of(document: &str) -> Self {
        let (mut extent, mut open) = (Self::default(), 0_usize);
        let mut rest = document;
        while let Some(first) = rest.chars().next() {
            let behind = &rest[first.len_utf8()..];
            // White space, commas and comments are GraphQL's ignored tokens; so is a byte order mark anywhere.
            let is_token = !matches!(first, ' ' | '\t' | '\n' | '\r' | ',' | '#' | '\u{feff}');
            extent.tokens += usize::from(is_token);
            rest = match first {
                '#' => after(behind, &['\n', '\r']),
                '"' if behind.starts_with("\"\"") => after_block(&behind[2..]),
                '"' => after_string(behind),
                '{' | '(' | '[' => {
                    open += 1;
                    extent.nesting = extent.nesting.max(open);
                    behind
                }
                '}' | ')' | ']' => {
                    // Unbalanced closing brackets must not make later ones look less deep than they are.
                    open = open.saturating_sub(1);
                    behind
                }
                // A spread is one token of three dots.
                '.' => behind.trim_start_matches('.'),
                _ if is_word(first) => behind.trim_start_matches(is_word),
                _ => behind,
            };
        }
        extent
    }
}

/// Whether a character belongs to a name or number.
fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '+')
}

/// The text after the first of these characters.
fn after<'d>(text: &'d str, ends: &[char]) -> &'d str {
    text.find(ends).map_or("", |at| &text[at + 1..])
}

/// The text after a string whose opening quote was read.
fn after_string(mut text: &str) -> &str {
    // A line end closes the string: an unclosed one must not hide the brackets of the following lines.
    while let Some(at) = text.find(['"', '\\', '\n', '\r']) {
        if text.as_bytes()[at] != b'\\' {
            return &text[at + 1..];
        }
        // By character and not by byte: the escaped one may have several bytes, and slicing into it would panic.
        let mut behind = text[at + 1..].chars();
        behind.next();
        text = behind.as_str();
    }
    ""
}

/// The text after a block string whose opening quotes were read.
fn after_block(mut text: &str) -> &str {
    // In a block string only `\"""` is an escape; any other backslash is text.
    while let Some(at) = text.find("\"\"\"") {
        let escaped = text[..at].ends_with('\\');
        text = &text[at + 3..];
        if !escaped {
            return text;
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::Extent;

    #[test]
    fn brackets_and_tokens_count_outside_strings_and_comments() {
        for (document, nesting, tokens) in [
            ("", 0, 0),
            ("{ a }", 1, 3),
            ("{a,b ,\t\u{feff}c}", 1, 5),
            ("{ a(b: [{ c: 1 }]) { d } }", 4, 17),
            ("{ a(b: \"{{{{\") }", 2, 8),
            ("{ a(b: \"\\\"{{{{\") }", 2, 8),
            ("{ a(b: \"\"\"{{{{ \\\"\"\" {{{{ \" \"\"\") }", 2, 8),
            ("{ a # {{{{\n { b } }", 2, 6),
            ("{ a(b: \"\") { c } }", 2, 11),
            ("{ a(b: \"unclosed\n) { c { d } } }", 3, 14),
            ("}}}{", 1, 4),
            ("{ a(b: \"é\\é{\") }", 2, 8),
            ("{ ...F a: b(c: -1.5e+3 d: $e) @f }", 2, 20),
            ("é ☃", 0, 2),
        ] {
            assert_eq!(Extent::of(document), Extent { tokens, nesting }, "{document}");
        }
    }
}
