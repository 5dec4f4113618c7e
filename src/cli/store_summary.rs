//! What `clade serve` says about its store: where it is, whether it was made just now, and how much is in it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::numbers::counted;
use crate::directory::Directory;
use crate::model::entity::Kind;

/// The path of a store before it is opened.
pub(super) struct StorePath {
    /// `None` for a store in memory.
    path: Option<PathBuf>,
    is_new: bool,
}

impl StorePath {
    pub(super) fn of(path: Option<&Path>) -> Self {
        // An empty file becomes a store as well.
        let is_new = path.is_some_and(|path| fs::metadata(path).map_or(true, |found| found.len() == 0));
        Self { path: path.map(Path::to_owned), is_new }
    }

    /// One line about the opened store.
    pub(super) fn summary(&self, directory: &Directory) -> String {
        let view = directory.view();
        let count = |kind, one, several| counted(view.all(kind).len(), one, several);
        let counts = [
            count(Kind::OrgUnit, "unit", "units"),
            count(Kind::Person, "person", "people"),
            count(Kind::Project, "project", "projects"),
        ]
        .join(", ");
        let is_empty = Kind::ALL.into_iter().all(|kind| view.all(kind).is_empty());
        let Some(path) = &self.path else {
            return format!("Store: in memory ({counts}); it ends with this process");
        };
        // Absolute: a relative path means another store in another folder, which would be made there.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.clone());
        let path = path.display();
        match (self.is_new, is_empty) {
            (true, true) => {
                format!("Made an empty store: {path}\n  to fill it: clade import FILE --server URL")
            }
            (true, false) => format!("Made a store: {path} ({counts})"),
            (false, true) => format!("Store: {path} (empty)"),
            (false, false) => format!("Store: {path} ({counts})"),
        }
    }
}
