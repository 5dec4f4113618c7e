//! Store against graph against rules.

use std::path::Path;
use std::sync::{Arc, PoisonError};

use crate::directory::Directory;
use crate::error::{Error, StoreError, StoreTrouble};
use crate::graph::{Graph, View};
use crate::model::entity::Revision;
use crate::store::{self, Damage, Store};

/// What was examined, and what is wrong with it.
#[derive(Debug, Clone)]
pub struct CheckReport {
    /// The revision that was examined.
    pub revision: Revision,
    /// How many facts the log holds.
    pub changes: u64,
    /// How many entities the store holds, ended ones too.
    pub entities: u64,
    /// How many mappings the store holds, ended ones too.
    pub mappings: u64,
    /// How many tokens the store holds, revoked ones too.
    pub tokens: u64,
    /// What is wrong, each a sentence; nothing when all is well.
    pub findings: Vec<String>,
}

impl Directory {
    /// Examines the store at `path`, which must exist: the file first, so that what is wrong with it is told also where
    /// it holds no directory that can be loaded. Gives the directory too, where it does.
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
    /// As [`Directory::open_existing`], but for damage that leaves the log within reach: that is a finding.
    pub fn examine(path: impl AsRef<Path>) -> Result<(CheckReport, Option<Self>), Error> {
        let path = path.as_ref();
        let mut store = match Store::open_existing(path) {
            Ok(store) => store,
            Err(failure) if failure.trouble() == StoreTrouble::Damaged => {
                return Ok((CheckReport::of(Store::check_log(path, failure)?), None));
            }
            Err(other) => return Err(other.into()),
        };
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
            Err(Error::Store(failure)) if failure.trouble() == StoreTrouble::Damaged => {
                if file.findings.is_empty() {
                    file.findings.push(Damage { what: failure.to_string() });
                }
                Ok((CheckReport::of(file), None))
            }
            Err(other) => Err(other),
        }
    }
}

/// A store that could not be opened, to whoever may examine it.
pub(super) fn to_examine(failure: StoreError) -> StoreError {
    if failure.trouble() != StoreTrouble::Damaged {
        return failure;
    }
    let what = format!("{failure} (`clade check` says what is left)");
    StoreError::new(StoreTrouble::Damaged, what).caused_by(failure)
}

/// Examines the file, then what it holds against `view`, then `view` against the rules.
pub(super) fn check(store: &mut Store, view: &View) -> Result<CheckReport, Error> {
    let file = store.check()?;
    if file.is_damaged { Ok(CheckReport::of(file)) } else { with_graph(file, store, view) }
}

fn with_graph(file: store::FileCheck, store: &Store, view: &View) -> Result<CheckReport, Error> {
    let mut checked = CheckReport::of(file);
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
