//! Checks of the source code (module boundaries, import cycles, names, comments) and of the documents against it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod circles;
mod docs;
mod map;
mod names;
mod source;
mod walls;

use std::fs;
use std::path::{Path, PathBuf};

use crate::source::files;

#[test]
fn every_file_begins_with_a_module_comment() {
    let folders = ["src", "tests", "benches", "examples"];
    let silent: Vec<_> = folders
        .iter()
        .flat_map(|folder| files(Path::new(folder)))
        .filter(|path| !fs::read_to_string(path).unwrap().starts_with("//!"))
        .collect();
    assert_eq!(silent, Vec::<PathBuf>::new());
}
