//! Type names are unique, and the share of comments that give reasons has a minimum.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::source::{module, texts, without_tests};

/// GraphQL types may have the name of the model's type that they represent.
const GRAPHQL_FORMS: &str = "server/graphql/types/";

/// Other names that several types share. Remove those that are gone.
const ALLOWED: [&str; 2] = ["Problem", "Result"];

/// Minimum lines of `//` comments per 100 lines of code.
const COMMENTS_MIN_PERCENT: f64 = 3.0;

fn type_name(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let line = line.strip_prefix("pub").map_or(line, |rest| {
        let visibility = if rest.starts_with('(') { rest.find(") ").map_or(0, |end| end + 1) } else { 0 };
        rest[visibility..].trim_start()
    });
    let (keyword, rest) = line.split_once(' ')?;
    let is_type = matches!(keyword, "struct" | "enum" | "trait");
    is_type.then(|| rest.split(|letter: char| !(letter.is_alphanumeric() || letter == '_')).next().unwrap())
}

#[test]
fn a_type_name_means_one_thing() {
    let mut modules: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let is_test = |path: &Path| path.ends_with("tests.rs");
    for (path, text) in texts("src").into_iter().filter(|(path, _)| !is_test(path)) {
        for line in without_tests(&text).lines() {
            let alias =
                line.strip_prefix("type ").or_else(|| line.split_once(" type ").map(|(_, rest)| rest));
            // An associated type of a trait is indented, and names no type of its own.
            let alias = alias.filter(|_| !line.starts_with(' ') && !line.starts_with("//"));
            let name = type_name(line).or_else(|| alias?.split([' ', '<', '=']).next());
            if let Some(name) = name.filter(|name| !name.is_empty()) {
                modules.entry(name.to_owned()).or_default().insert(module(&path));
            }
        }
    }
    let several = modules.into_iter().filter(|(_, modules)| {
        modules.iter().filter(|module| !module.starts_with(GRAPHQL_FORMS)).count() > 1
    });
    let several: Vec<_> =
        several.map(|(name, modules)| (name, modules.into_iter().collect::<Vec<_>>())).collect();
    let unexpected: Vec<_> = several.iter().filter(|(name, _)| !ALLOWED.contains(&name.as_str())).collect();
    assert!(unexpected.is_empty(), "give these types names of their own: {unexpected:#?}");
    let gone: Vec<_> =
        ALLOWED.iter().filter(|name| !several.iter().any(|(found, _)| found == *name)).collect();
    assert!(gone.is_empty(), "no longer needed in the list: {gone:?}");
}

#[test]
fn clever_lines_have_comments_that_give_the_reason() {
    let (mut code, mut comments) = (0_u32, 0_u32);
    for (_, text) in texts("src") {
        for line in without_tests(&text).lines().map(str::trim_start).filter(|line| !line.is_empty()) {
            if line.starts_with("//") {
                comments += u32::from(!line.starts_with("///") && !line.starts_with("//!"));
            } else {
                code += 1;
            }
        }
    }
    let percent = 100.0 * f64::from(comments) / f64::from(code);
    println!("{comments} lines of comments beside {code} of code: {percent:.1} %");
    assert!(percent >= COMMENTS_MIN_PERCENT, "{percent:.1} %");
}
