//! Reads Rust files as text: the list of files, and the paths that their code names.
//!
//! Invariant: a path in a comment or in a string does not count.

use std::fs;
use std::path::{Path, PathBuf};

/// All Rust files of a folder, recursively.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|why| panic!("{}: {why}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            // The target folder of a nested package.
            if !path.ends_with("target") {
                found.extend(files(&path));
            }
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
    found
}

/// All Rust files of a folder, with their text.
pub(crate) fn texts(folder: &str) -> Vec<(PathBuf, String)> {
    let with_text = |path: PathBuf| (path.clone(), fs::read_to_string(path).unwrap());
    files(Path::new(folder)).into_iter().map(with_text).collect()
}

/// The module of a file below `src`: `src/graph/view.rs` is `graph/view`.
pub(crate) fn module(path: &Path) -> String {
    let inside = path.strip_prefix("src").unwrap().with_extension("");
    let names: Vec<_> = inside.iter().map(|name| name.to_str().unwrap()).collect();
    names.join("/").trim_end_matches("/mod").to_owned()
}

/// Whether `module` is `folder`, or lies in it.
pub(crate) fn is_in(module: &str, folder: &str) -> bool {
    module.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The code before the tests of a file.
pub(crate) fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or(text)
}

/// The text with comments, strings and characters replaced by blanks.
pub(crate) fn blanked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        // `br"` and `r#"` follow no letter; the quotes of a string in `x.r"` would, but there is no such code.
        let in_word = out.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let length = blank_length(rest, in_word);
        if length == 0 {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            out.extend(rest[..length].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            rest = &rest[length..];
        }
    }
    out
}

/// Length in bytes of the comment, string or character at the start of `text`.
fn blank_length(text: &str, in_word: bool) -> usize {
    let to = |end: Option<usize>| end.unwrap_or(text.len());
    if text.starts_with("//") {
        return to(text.find('\n'));
    }
    if text.starts_with("/*") {
        return to(text.find("*/").map(|at| at + 2));
    }
    if text.starts_with('"') {
        return string_length(text);
    }
    if in_word {
        return 0;
    }
    let unprefixed = text.strip_prefix('b').unwrap_or(text);
    let prefix = text.len() - unprefixed.len();
    if let Some(raw) = unprefixed.strip_prefix('r') {
        let inside = raw.trim_start_matches('#');
        if inside.starts_with('"') {
            let end = format!("\"{}", "#".repeat(raw.len() - inside.len()));
            let begin = text.len() - inside.len() + 1;
            return to(text[begin..].find(&end).map(|at| begin + at + end.len()));
        }
    }
    character_length(unprefixed).map_or(0, |length| prefix + length)
}

fn string_length(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Length of a character such as `'x'` or `'\u{1f}'`; `None` for a lifetime.
fn character_length(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('\'')?;
    let length = if inside.starts_with('\\') {
        2 + inside.get(2..)?.find('\'')?
    } else {
        inside.chars().next().filter(|c| !matches!(c, '\'' | '\n'))?.len_utf8()
    };
    inside.get(length..)?.starts_with('\'').then_some(length + 2)
}

/// Every path in `text` that begins with `crate`, `super` or `self`, with groups written out. Visibilities such as
/// `pub(in crate::server)` are none.
pub(crate) fn paths(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for begin in ["crate", "super", "self"] {
        for (at, _) in text.match_indices(begin) {
            let (before, after) = (&text[..at], &text[at + begin.len()..]);
            let is_inside = before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | ':'));
            if !is_inside && !before.ends_with("pub(in ") && after.starts_with("::") {
                write_out(begin.to_owned(), after, &mut found);
            }
        }
    }
    found
}

/// Adds `path` with the segments that follow it in the text.
fn write_out(mut path: String, mut rest: &str, found: &mut Vec<String>) {
    while let Some(after) = rest.strip_prefix("::") {
        if let Some(group) = after.strip_prefix('{') {
            for item in items(group) {
                write_out(path.clone(), &format!("::{}", item.trim()), found);
            }
            return;
        }
        let end = after.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(after.len());
        if end == 0 {
            break;
        }
        path = format!("{path}::{}", &after[..end]);
        rest = &after[end..];
    }
    found.push(path);
}

/// The items of a group after its opening brace.
fn items(group: &str) -> Vec<&str> {
    let (mut depth, mut begin, mut items) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            ',' | '}' if depth == 0 => {
                items.push(&group[begin..at]);
                begin = at + 1;
                if c == '}' {
                    break;
                }
            }
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    items.retain(|item| !item.trim().is_empty());
    items
}

/// Resolves a path relative to `own`: `super::b::C` in `a/x` is `a/b/C`.
pub(crate) fn absolute(path: &str, own: &str) -> String {
    let mut base: Vec<&str> = own.split('/').collect();
    let mut parts = path.split("::").peekable();
    if parts.next_if_eq(&"crate").is_some() {
        base.clear();
    } else if parts.next_if_eq(&"self").is_none() {
        while parts.next_if_eq(&"super").is_some() {
            base.pop();
        }
    }
    base.extend(parts);
    base.join("/")
}

#[test]
fn paths_are_read_from_code_alone() {
    let text = r##"
        use crate::graph::{View, order::{self, Order}}; // and crate::comment::X
        pub(in crate::server) fn of<'a>(c: char) -> bool { c == '"' || c == '\'' || crate::model::key(c) }
        const S: &str = "crate::string::X"; const R: &str = r#"super::raw::"X" "#;
        use super::super::store as kept; use self::inner::*; /* self::gone::X */
    "##;
    let mut found = paths(&blanked(text));
    found.sort();
    let wanted = [
        "crate::graph::View",
        "crate::graph::order::Order",
        "crate::graph::order::self",
        "crate::model::key",
        "self::inner",
        "super::super::store",
    ];
    assert_eq!(found, wanted);
    assert_eq!(absolute("super::super::store", "a/b/c"), "a/store");
    assert_eq!(absolute("self::inner", "a/b"), "a/b/inner");
    assert_eq!(absolute("crate::graph::View", "a/b"), "graph/View");
}
