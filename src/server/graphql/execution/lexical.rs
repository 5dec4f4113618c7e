//! How large a document is before it is parsed: its lexical tokens, and how deep its brackets nest.
//!
//! The parser, and everything that walks what it gives, goes as deep as the brackets do; some thousand of them would
//! take more stack than a thread has. What is parsed takes memory by the token, far more than its text does.

/// What a document comes to as a text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Names, numbers, strings and punctuators. What stands outside of GraphQL's alphabet counts as well.
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
                    open = open.saturating_sub(1);
                    behind
                }
                '.' => behind.trim_start_matches('.'),
                _ if is_word(first) => behind.trim_start_matches(is_word),
                _ => behind,
            };
        }
        extent
    }
}

/// Of a name or a number.
fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '+')
}

/// What follows the first of these characters.
fn after<'d>(text: &'d str, ends: &[char]) -> &'d str {
    text.find(ends).map_or("", |at| &text[at + 1..])
}

/// What follows a string, whose quote is already read. A string ends with its line, closed or not.
fn after_string(mut text: &str) -> &str {
    while let Some(at) = text.find(['"', '\\', '\n', '\r']) {
        if text.as_bytes()[at] != b'\\' {
            return &text[at + 1..];
        }
        let mut behind = text[at + 1..].chars();
        behind.next();
        text = behind.as_str();
    }
    ""
}

/// What follows a block string, whose quotes are already read.
fn after_block(mut text: &str) -> &str {
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
