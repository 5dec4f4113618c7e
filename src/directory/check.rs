//! The consistency check of a directory: the store file, the store against the graph, and the graph against its rules.

use std::path::Path;
use std::sync::{Arc, PoisonError};

use crate::directory::Directory;
use crate::error::{Error, StoreError, StoreErrorKind};
use crate::graph::{Graph, View};
use crate::model::entity::Revision;
use crate::store::{self, Damage, Store};

/// The result of a check.
///
/// ```
/// let directory = clade::Directory::in_memory()?;
/// directory.apply(clade::CreatePerson::new("ada@corp.example").under("Corp"))?;
/// directory.apply(clade::DeletePerson::new("ada@corp.example"))?;
/// let report = directory.check()?;
/// assert_eq!((report.entities, report.mappings), (2, 1), "deleted records stay in the store");
/// assert!(report.findings.is_empty());
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct CheckReport {
    /// The revision that was checked.
    pub revision: Revision,
    /// The number of changes in the log.
    pub changes: u64,
    /// The number of entities in the store, including deleted ones.
    pub entities: u64,
    /// The number of mappings in the store, including deleted ones.
    pub mappings: u64,
    /// The number of tokens in the store, including revoked ones.
    pub tokens: u64,
    /// What is wrong, one sentence each; empty if nothing is.
    pub findings: Vec<String>,
}

impl Directory {
    /// Checks the store at `path`, which must exist. Also returns the directory, unless the store is too damaged to
    /// load one.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("corp.redb");
    /// drop(clade::Directory::open(&path)?);
    /// let (checked, directory) = clade::Directory::examine(&path)?;
    /// assert!(checked.findings.is_empty() && directory.is_some());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`Directory::open_existing`], except that damage is a finding if the log can still be read.
    pub fn examine(path: impl AsRef<Path>) -> Result<(CheckReport, Option<Self>), Error> {
        let path = path.as_ref();
        let mut store = match Store::open_existing(path) {
            Ok(store) => store,
            Err(failure) if failure.kind() == StoreErrorKind::Damaged => {
                return Ok((CheckReport::of(Store::check_log(path, failure)?), None));
            }
            Err(other) => return Err(other.into()),
        };
        // The file first, so that its damage is reported even if no directory can be loaded from it.
        let mut file = store.check()?;
        if file.is_damaged {
            return Ok((CheckReport::of(file), None));
        }
        match Self::with_store(store) {
            Ok(directory) => {
                let checked = {
                    let store = directory.shared.store.lock().unwrap_or_else(PoisonError::into_inner);
                    with_graph(file, &store, &directory.view())?
                };
                Ok((checked, Some(directory)))
            }
            Err(Error::Store(failure)) if failure.kind() == StoreErrorKind::Damaged => {
                // With other findings, this failure most likely repeats one of them.
                if file.findings.is_empty() {
                    file.findings.push(Damage { what: failure.to_string() });
                }
                Ok((CheckReport::of(file), None))
            }
            Err(other) => Err(other),
        }
    }
}

/// Adds a hint at `clade check` to the error of a damaged store.
pub(super) fn with_check_hint(failure: StoreError) -> StoreError {
    if failure.kind() != StoreErrorKind::Damaged {
        return failure;
    }
    let what = format!("{failure} (`clade check` reports what can be recovered)");
    StoreError::new(StoreErrorKind::Damaged, what).caused_by(failure)
}

/// Checks the file, then its records against `view`, then `view` against the rules.
pub(super) fn check(store: &mut Store, view: &View) -> Result<CheckReport, Error> {
    let file = store.check()?;
    if file.is_damaged { Ok(CheckReport::of(file)) } else { with_graph(file, store, view) }
}

fn with_graph(file: store::FileCheck, store: &Store, view: &View) -> Result<CheckReport, Error> {
    let mut checked = CheckReport::of(file);
    // A second graph, loaded like at startup: differences show what a restart would change.
    let loaded = store.load()?;
    let stored =
        Graph::load(loaded.revision, loaded.next_entity, &loaded.entities, &loaded.mappings, loaded.tokens);
    checked.findings.extend(view.differences(&View::of(Arc::new(stored))));
    checked.findings.extend(view.broken_rules());
    Ok(checked)
}

impl CheckReport {
    fn of(file: store::FileCheck) -> Self {
        Self {
            revision: file.revision,
            changes: file.changes,
            entities: file.entities,
            mappings: file.mappings,
            tokens: file.tokens,
            findings: file.findings.into_iter().map(|finding| finding.what).collect(),
        }
    }
}
