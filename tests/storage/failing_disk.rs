//! A disk that rejects writes or fails to sync: clear errors, no data loss, atomic changes, and recovery without a
//! restart.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use clade::directory::Readiness;
use clade::error::StoreErrorKind;
use clade::model::CreateOrgUnit;
use clade::model::command::LinkUnits;
use clade::store::Store;
use clade::{Directory, Error, View};
use redb::StorageBackend;
use redb::backends::InMemoryBackend;

/// Shared bytes of a disk that fails from some write on.
#[derive(Debug, Clone)]
struct Disk {
    bytes: Arc<InMemoryBackend>,
    /// Writes that succeed before the failure.
    left: Arc<AtomicI64>,
    refusal: ErrorKind,
    /// Whether a sync counts as a write.
    counts_syncs: bool,
}

impl Disk {
    fn new(refusal: ErrorKind) -> Self {
        Self { bytes: Arc::default(), left: Arc::new(AtomicI64::new(i64::MAX)), refusal, counts_syncs: false }
    }

    fn refuses_after(&self, writes: i64) {
        self.left.store(writes, Ordering::Relaxed);
    }

    fn is_well(&self) {
        self.refuses_after(i64::MAX);
    }

    fn take_one(&self) -> io::Result<()> {
        let left = self.left.fetch_sub(1, Ordering::Relaxed);
        if left > 0 { Ok(()) } else { Err(self.refusal.into()) }
    }

    fn open(&self) -> Directory {
        let disk = self.clone();
        Directory::with_store(Store::with_backends(move || Ok(disk.clone())).unwrap()).unwrap()
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        self.bytes.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.bytes.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.take_one()?;
        self.bytes.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.counts_syncs {
            self.take_one()?;
        }
        self.bytes.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.take_one()?;
        self.bytes.write(offset, data)
    }
}

fn children(view: &View) -> usize {
    view.org_unit("Corp").map_or(0, |corp| corp.totals().units.try_into().unwrap())
}

#[test]
fn a_full_disk_loses_nothing_and_writes_resume_once_space_is_free() {
    let disk = Disk::new(ErrorKind::StorageFull);
    let directory = disk.open();
    directory.apply(CreateOrgUnit::new("Corp", "organization")).unwrap();
    let mut made = 0;
    // For each write as the first that the disk refuses.
    for writes in 0.. {
        let before = directory.view();
        disk.refuses_after(writes);
        let outcome = directory.apply(LinkUnits::new("Corp", format!("unit {made}").as_str()));
        let has_refused = disk.left.load(Ordering::Relaxed) < 0;
        // Checked while the disk fails: the directory retries in the background.
        let (is_ready, differences) = (directory.is_ready(), before.differences(&directory.view()));
        disk.is_well();
        if !has_refused {
            assert!(outcome.is_ok(), "{outcome:?}");
            assert!(writes > 3, "a commit is several writes");
            break;
        }
        if let Err(Error::Store(failure)) = &outcome {
            assert!(
                matches!(failure.kind(), StoreErrorKind::NoSpace | StoreErrorKind::OutcomeUnknown),
                "{failure}"
            );
            assert!(failure.to_string().contains("the disk is full"), "{failure}");
            assert!(!is_ready);
            assert_eq!(differences, Vec::<String>::new(), "no trace in memory");
            directory.apply(LinkUnits::new("Corp", format!("unit {made}").as_str())).unwrap();
        } else {
            assert!(outcome.is_ok(), "{outcome:?}");
        }
        made += 1;
        assert!(directory.is_ready());
        assert_eq!(children(&directory.view()), made, "after {writes} writes");
        assert_eq!(directory.check().unwrap().findings, Vec::<String>::new());
        let copy = Disk { bytes: Arc::new(copied(&disk.bytes)), ..Disk::new(ErrorKind::StorageFull) };
        assert_eq!(children(&copy.open().view()), made, "on the disk it is the same");
    }
}

fn copied(from: &InMemoryBackend) -> InMemoryBackend {
    let mut bytes = vec![0; from.len().unwrap().try_into().unwrap()];
    from.read(0, &mut bytes).unwrap();
    let copy = InMemoryBackend::new();
    copy.set_len(from.len().unwrap()).unwrap();
    copy.write(0, &bytes).unwrap();
    copy
}

#[test]
fn a_sync_that_fails_leaves_a_change_wholly_or_not_at_all() {
    let mut stood_after_all = 0;
    for writes in 0.. {
        let disk = Disk { counts_syncs: true, ..Disk::new(ErrorKind::Other) };
        let directory = disk.open();
        directory.apply(CreateOrgUnit::new("Corp", "organization")).unwrap();
        disk.refuses_after(writes);
        let outcome = directory.apply(LinkUnits::new("Corp", "first"));
        let has_refused = disk.left.load(Ordering::Relaxed) < 0;
        disk.is_well();
        if !has_refused {
            break;
        }
        let seen = children(&directory.view());
        assert_eq!(seen, usize::from(outcome.is_ok()), "a view shows what was answered");
        directory.apply(LinkUnits::new("Corp", "second")).unwrap();
        let now = children(&directory.view());
        if outcome.is_err_and(|refusal| refusal.code() == "outcome-unknown") {
            stood_after_all += now - 1;
        } else {
            assert_eq!(now, seen + 1, "after {writes} writes");
        }
        assert_eq!(directory.check().unwrap().findings, Vec::<String>::new());
        drop(directory);
        assert_eq!(children(&disk.open().view()), now, "after {writes} writes");
    }
    assert!(stood_after_all > 0, "the last sync is one of them");
}

#[test]
fn every_writer_of_a_failed_batch_gets_the_error() {
    let disk = Disk::new(ErrorKind::StorageFull);
    let directory = disk.open();
    disk.refuses_after(0);
    let units = ["A", "B"].map(|name| CreateOrgUnit::new(name, "team"));
    let refusal = directory.apply(units.clone()).unwrap_err();
    assert_eq!(refusal.code(), "outcome-unknown", "it takes nothing, and so cannot be asked");
    assert_eq!(directory.apply(units.clone()).unwrap_err().code(), "no-space");
    let tried = directory.dry_run(units.clone()).unwrap();
    assert_eq!(tried.view.roots().len(), 2, "a dry run needs no disk");
    assert!(directory.view().roots().is_empty());
    disk.is_well();
    directory.apply(units).unwrap();
    assert_eq!(directory.view().roots().len(), 2);
}

#[test]
fn a_disk_that_fails_a_large_change_keeps_nothing_of_it() {
    let disk = Disk::new(ErrorKind::StorageFull);
    let directory = disk.open();
    directory.apply(CreateOrgUnit::new("Corp", "organization")).unwrap();
    let many = || (0..3_000).map(|at| CreateOrgUnit::new(&format!("unit {at}"), "team").under("Corp"));
    for writes in [0, 1, 10, 40] {
        disk.refuses_after(writes);
        let refusal = directory.apply(many()).unwrap_err();
        assert!(
            ["no-space", "outcome-unknown"].contains(&refusal.code()),
            "after {writes} writes: {refusal}"
        );
        assert!(!directory.is_ready());
        assert_eq!(children(&directory.view()), 0, "no trace in memory");
        disk.is_well();
    }
    directory.apply(many()).unwrap();
    assert!(directory.is_ready());
    assert_eq!(directory.check().unwrap().findings, Vec::<String>::new());
    drop(directory);
    assert_eq!(children(&disk.open().view()), 3_000);
}

#[test]
fn a_repaired_disk_is_noticed_without_a_write() {
    let disk = Disk::new(ErrorKind::StorageFull);
    let directory = disk.open();
    disk.refuses_after(0);
    directory.apply(CreateOrgUnit::new("A", "team")).unwrap_err();
    assert!(!directory.is_ready());
    assert_eq!(directory.readiness(), Readiness { writer: true, disk: false });
    assert_eq!(directory.statistics().commits_failed, 1);
    disk.is_well();
    while !directory.is_ready() {
        std::thread::yield_now();
    }
    directory.apply(CreateOrgUnit::new("A", "team")).unwrap();
}

#[test]
fn a_store_that_only_its_owner_can_open_again_says_so() {
    let disk = Disk::new(ErrorKind::Other);
    let directory = Directory::with_store(Store::with_backend(disk.clone()).unwrap()).unwrap();
    disk.refuses_after(0);
    let first = directory.apply(CreateOrgUnit::new("A", "team")).unwrap_err();
    assert_eq!(first.code(), "outcome-unknown", "nobody can look");
    disk.is_well();
    let second = directory.apply(CreateOrgUnit::new("A", "team")).unwrap_err();
    assert!(second.to_string().contains("close the store and open it again"), "{second}");
    drop(directory);
    disk.open().apply(CreateOrgUnit::new("A", "team")).unwrap();
}

#[test]
fn a_replaced_store_file_is_detected() {
    let disk = Disk::new(ErrorKind::Other);
    let other = Disk::new(ErrorKind::Other);
    other.open().apply(CreateOrgUnit::new("Other", "team")).unwrap();
    let given = [disk.clone(), other];
    let opened = std::sync::atomic::AtomicUsize::new(0);
    let store =
        Store::with_backends(move || Ok(given[opened.fetch_add(1, Ordering::Relaxed).min(1)].clone()));
    let directory = Directory::with_store(store.unwrap()).unwrap();
    directory.apply(CreateOrgUnit::new("A", "team")).unwrap();
    disk.refuses_after(0);
    directory.apply(CreateOrgUnit::new("B", "team")).unwrap_err();
    disk.is_well();
    let refusal = directory.apply(CreateOrgUnit::new("B", "team")).unwrap_err();
    assert_eq!(refusal.code(), "store-damaged");
    assert!(refusal.to_string().contains("does not continue from revision 1"), "{refusal}");
    assert!(directory.view().org_unit("A").is_ok() && directory.view().org_unit("Other").is_err());
}

#[test]
fn a_full_disk_leaves_no_new_store_behind() {
    let disk = Disk::new(ErrorKind::StorageFull);
    for writes in 0.. {
        disk.refuses_after(writes);
        let empty = Disk { bytes: Arc::default(), ..disk.clone() };
        match Store::with_backend(empty) {
            Ok(_) => break,
            Err(failure) => assert_eq!(failure.kind(), StoreErrorKind::NoSpace, "{writes}: {failure}"),
        }
    }
}
