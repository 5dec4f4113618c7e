//! How deep the brackets of a document nest, told before it is parsed.
//!
//! The parser, and everything that walks what it gives, goes as deep as the brackets do; some thousand of them would
//! take more stack than a thread has.

/// The deepest nesting of `{`, `(` and `[` outside strings and comments.
pub(crate) fn nesting(document: &str) -> usize {
    let (mut open, mut deepest) = (0_usize, 0_usize);
    let mut rest = document;
    while let Some(at) = rest.find(['{', '(', '[', '}', ')', ']', '"', '#']) {
        let (found, behind) = (rest.as_bytes()[at], &rest[at + 1..]);
        rest = match found {
            b'#' => after(behind, &['\n', '\r']),
            b'"' if behind.starts_with("\"\"") => after_block(&behind[2..]),
            b'"' => after_string(behind),
            b'{' | b'(' | b'[' => {
                open += 1;
                deepest = deepest.max(open);
                behind
            }
            _ => {
                open = open.saturating_sub(1);
                behind
            }
        };
    }
    deepest
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
    use super::nesting;

    #[test]
    fn brackets_count_outside_strings_and_comments() {
        for (document, depth) in [
            ("", 0),
            ("{ a }", 1),
            ("{ a(b: [{ c: 1 }]) { d } }", 4),
            ("{ a(b: \"{{{{\") }", 2),
            ("{ a(b: \"\\\"{{{{\") }", 2),
            ("{ a(b: \"\"\"{{{{ \\\"\"\" {{{{ \" \"\"\") }", 2),
            ("{ a # {{{{\n { b } }", 2),
            ("{ a(b: \"\") { c } }", 2),
            ("{ a(b: \"unclosed\n) { c { d } } }", 3),
            ("}}}{", 1),
            ("{ a(b: \"é\\é{\") }", 2),
        ] {
            assert_eq!(nesting(document), depth, "{document}");
        }
    }
}
