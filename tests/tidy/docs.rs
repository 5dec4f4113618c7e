//! Checks of the documents: links resolve, examples equal the tested files, every error code is documented.

use std::fs;
use std::path::{Path, PathBuf};

use crate::source::texts;

fn documents() -> Vec<(PathBuf, String)> {
    let of =
        |folder: &str| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let is_document = |path: &PathBuf| path.extension().is_some_and(|end| end == "md");
    let paths = of(".").into_iter().chain(of("docs")).filter(is_document);
    paths.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// The contents of all fenced code blocks in `language`.
fn blocks<'t>(text: &'t str, language: &str) -> Vec<&'t str> {
    let fence = format!("```{language}\n");
    text.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

/// The anchor of a heading, by GitHub's rules.
fn anchor(heading: &str) -> String {
    let kept = |letter: &char| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_');
    heading
        .trim_start_matches('#')
        .trim()
        .to_lowercase()
        .chars()
        .filter(kept)
        .collect::<String>()
        .replace(' ', "-")
}

#[test]
fn every_link_leads_to_a_file_and_heading() {
    let mut broken = Vec::new();
    for (path, text) in documents() {
        for link in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            if link.contains("://") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            let has_heading = || {
                let target = fs::read_to_string(&target).unwrap();
                target.lines().any(|line| line.starts_with('#') && anchor(line) == heading)
            };
            if !target.exists() || !(heading.is_empty() || has_heading()) {
                broken.push(format!("{}: {link}", path.display()));
            }
        }
    }
    assert_eq!(broken, Vec::<String>::new());
}

#[test]
fn the_library_example_of_the_readme_is_the_one_that_runs() {
    let readme = fs::read_to_string("README.md").unwrap();
    let example = fs::read_to_string("examples/readme.rs").unwrap();
    // The example runs in memory, and inside a function.
    let lines = |text: &str| {
        let differs =
            |line: &str| line.is_empty() || line.contains("fn main") || line.contains("let directory =");
        text.lines().map(str::trim).filter(|line| !differs(line)).collect::<Vec<_>>().join("\n")
    };
    let shown = lines(blocks(&readme, "rust")[0]);
    assert!(lines(&example).contains(&shown), "examples/readme.rs does not have:\n{shown}");
}

#[test]
fn the_record_format_shows_the_example_files() {
    let page = fs::read_to_string("docs/record-format.md").unwrap();
    for (language, file) in [("json", "examples/organization.ndjson"), ("csv", "examples/people.csv")] {
        assert_eq!(blocks(&page, language)[0], fs::read_to_string(file).unwrap(), "{file}");
    }
}

#[test]
fn error_codes_are_documented_and_every_documented_one_exists() {
    let page = fs::read_to_string("docs/error-codes.md").unwrap();
    let is_code = |word: &str| {
        word.len() > 3 && word.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-')
    };
    let mut missing = Vec::new();
    for (path, text) in texts("src") {
        // Error codes are in `code()` of an error, and in the second argument of `Problem::new`.
        let of_errors = if path == Path::new("src/error.rs") {
            text.lines()
                .filter_map(|line| line.split_once("=> \""))
                .filter_map(|(_, rest)| rest.split('"').next())
                .collect()
        } else {
            Vec::new()
        };
        let of_problems = text.split("Problem::new(").skip(1).filter_map(|rest| rest.split('"').nth(1));
        for code in of_errors.into_iter().chain(of_problems).filter(|word| is_code(word)) {
            if !page.contains(&format!("`{code}`")) {
                missing.push(format!("{}: {code}", path.display()));
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());

    let sources = texts("src").into_iter().map(|(_, text)| text).collect::<String>();
    let first_cells = page.lines().filter_map(|line| line.strip_prefix("| `")?.split(" |").next());
    let documented = first_cells.flat_map(|cell| cell.split('`').step_by(2));
    let gone: Vec<_> = documented.filter(|code| !sources.contains(&format!("\"{code}\""))).collect();
    assert_eq!(gone, Vec::<&str>::new());
}
