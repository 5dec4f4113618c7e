//! Disk faults, once or until repaired: writes stay atomic, and the directory recovers without a restart.

use std::ops::AddAssign;

use clade::error::StoreErrorKind;
use clade::model::CreateOrgUnit;
use clade::store::Store;
use clade::{Directory, Error};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::disk::{Call, Disk, Failing, Fault, Survives};
use super::history::{examine_store, is_there};
use super::{seeded, variable};

use crate::support::random_changes;

/// Default number of failing disks, each with several faults.
const DISKS: u64 = 8;
const FAULTS: usize = 6;
/// A fault occurs within this many calls of its kind, or never.
const CALLS_MAX: u64 = 25;
const CHANGES_MAX: usize = 20;

/// Counters of outcomes.
#[derive(Debug, Default)]
struct Told {
    faults: u64,
    /// Changes that were acknowledged although a call failed meanwhile.
    answered: u64,
    refused: u64,
    /// Changes with unknown outcome …
    unsure: u64,
    /// … and those of them that were committed.
    made: u64,
}

impl AddAssign for Told {
    fn add_assign(&mut self, more: Self) {
        self.faults += more.faults;
        self.answered += more.answered;
        self.refused += more.refused;
        self.unsure += more.unsure;
        self.made += more.made;
    }
}

pub(crate) fn open(disk: &Disk) -> Directory {
    let disk = disk.clone();
    Directory::with_store(Store::with_backends(move || Ok(disk.clone())).unwrap()).unwrap()
}

fn any_fault(random: &mut StdRng) -> Fault {
    let call = Call::ALL[random.random_range(0..4)];
    let how = match (call, random.random_range(0..3)) {
        (Call::Read, 0) => Failing::Short,
        (Call::Write | Call::SetLen | Call::Sync, 0) => Failing::NoSpace,
        _ => Failing::Input,
    };
    // Few calls are syncs, and most reads are answered from memory.
    let most = if call == Call::Write { CALLS_MAX } else { 4 };
    Fault { call, how, after: random.random_range(0..most), lasts: random.random() }
}

/// A disk that fails several times and is repaired each time.
fn round(seed: u64) -> Told {
    let mut random = StdRng::seed_from_u64(seed);
    let mut disk = Disk::new(seed);
    let mut told = Told::default();
    for fault in 0..FAULTS {
        let directory = open(&disk);
        let mut answered = Vec::new();
        disk.fails(any_fault(&mut random));
        for change in 0..CHANGES_MAX {
            let mark = format!("s{seed}-{fault}-{change}");
            if !change_something(&directory, &disk, &mut random, mark, &mut answered, &mut told) {
                break;
            }
        }
        told.faults += u64::from(disk.is_well());
        directory.apply(CreateOrgUnit::new("Well", "team").or_update()).unwrap();
        assert!(directory.is_ready());
        for (mark, outcome) in &answered {
            match outcome {
                Some(is_made) => assert_eq!(is_there(&directory.view(), mark), *is_made, "{mark}"),
                None => told.made += u64::from(is_there(&directory.view(), mark)),
            }
        }
        examine_store(&directory);
        let stands = directory.view();
        disk = disk.power_lost();
        drop(directory);
        assert_eq!(
            stands.differences(&open(&disk).view()),
            Vec::<String>::new(),
            "the disk has something else"
        );
    }
    told
}

/// Applies one change and records its outcome; returns whether to go on.
fn change_something(
    directory: &Directory,
    disk: &Disk,
    random: &mut StdRng,
    mark: String,
    answered: &mut Vec<(String, Option<bool>)>,
    told: &mut Told,
) -> bool {
    let asked = random_changes::next(random, mark);
    let before = directory.view();
    let outcome = directory.apply(asked.commands);
    let is_made = match &outcome {
        Ok(_) => {
            told.answered += 1;
            Some(true)
        }
        Err(Error::Store(failure)) if failure.kind() == StoreErrorKind::OutcomeUnknown => {
            told.unsure += 1;
            assert!(failure.to_string().contains("may have been made"), "{failure}");
            None
        }
        Err(Error::Store(_)) => {
            told.refused += 1;
            Some(false)
        }
        Err(_) => return true,
    };
    if is_made != Some(true) {
        assert!(!directory.is_ready());
        assert_eq!(
            before.differences(&directory.view()),
            Vec::<String>::new(),
            "it was refused, and is seen"
        );
    }
    answered.extend(asked.mark.map(|mark| (mark, is_made)));
    if is_made == Some(true) {
        return true;
    }
    // Some writers continue while the disk fails.
    random.random() || !disk.is_well()
}

#[test]
fn a_disk_that_fails_leaves_nothing_half_done_and_needs_no_restart() {
    let disks = variable("CLADE_CUTS").unwrap_or(DISKS);
    let first = variable("CLADE_SEED").unwrap_or(1);
    let mut told = Told::default();
    for seed in first..first + disks {
        told += seeded("a_disk_that_fails_leaves_nothing_half_done", seed, || round(seed));
    }
    println!("{told:?}");
}

/// Here the disk takes no more but the end of a page, which is unused, so that the change is made.
#[test]
fn a_full_disk_that_took_enough_is_asked_too() {
    round(5007);
}

/// The next sync fails, and every call of the disk until it is repaired.
fn last_sync_fails(survives: Survives) -> (Directory, Disk) {
    let disk = Disk::new(1);
    let directory = open(&disk);
    directory.apply(CreateOrgUnit::new("Corp", "organization")).unwrap();
    disk.survives(survives);
    disk.fails(Fault { call: Call::Sync, how: Failing::Input, after: 0, lasts: true });
    let refusal = directory.apply(CreateOrgUnit::new("A", "team")).unwrap_err();
    assert_eq!(refusal.code(), "outcome-unknown");
    assert!(
        refusal.to_string().contains("may have been made, or not; read before trying again"),
        "{refusal}"
    );
    assert!(directory.view().org_unit("A").is_err(), "what is not known to be on disk is not shown");
    assert!(!directory.is_ready());
    (directory, disk)
}

#[test]
fn a_change_whose_last_sync_fails_is_looked_up_once_the_disk_can_be_asked() {
    for survives in [Survives::All, Survives::Nothing, Survives::ByChance] {
        let (directory, disk) = last_sync_fails(survives);
        assert!(disk.is_well());
        directory.apply(CreateOrgUnit::new("B", "team")).unwrap();
        // The data that reads return is written again and then synced.
        assert!(directory.view().org_unit("A").is_ok(), "{survives:?}");
        examine_store(&directory);
        let disk = disk.power_lost();
        drop(directory);
        let view = open(&disk).view();
        assert!(view.org_unit("A").is_ok() && view.org_unit("B").is_ok(), "{survives:?}");
    }
}

#[test]
fn a_change_whose_last_sync_fails_is_taken_over_without_a_write() {
    let (directory, disk) = last_sync_fails(Survives::Nothing);
    let mut revisions = directory.revisions();
    let before = *revisions.borrow_and_update();
    assert!(disk.is_well());
    while !directory.is_ready() {
        std::thread::yield_now();
    }
    assert_eq!(*revisions.borrow_and_update(), before.next(), "subscribers hear of it");
    assert!(directory.view().org_unit("A").is_ok());
}

#[test]
fn a_change_whose_last_sync_fails_is_gone_where_the_power_goes_too() {
    let (directory, disk) = last_sync_fails(Survives::Nothing);
    let disk = disk.power_lost();
    drop(directory);
    let directory = open(&disk);
    assert!(directory.view().org_unit("A").is_err());
    assert!(directory.view().org_unit("Corp").is_ok());
    examine_store(&directory);
}

#[test]
fn one_sync_that_fails_and_is_made_good_is_no_failure() {
    let disk = Disk::new(1);
    let directory = open(&disk);
    directory.apply(CreateOrgUnit::new("Corp", "organization")).unwrap();
    disk.survives(Survives::Nothing);
    disk.fails(Fault { call: Call::Sync, how: Failing::Input, after: 0, lasts: false });
    directory.apply(CreateOrgUnit::new("A", "team")).unwrap();
    assert!(disk.is_well(), "the sync has failed");
    let disk = disk.power_lost();
    drop(directory);
    assert!(open(&disk).view().org_unit("A").is_ok(), "it was answered, so it is there");
}

#[test]
fn a_panic_below_the_store_is_one_refusal() {
    for (call, after) in [(Call::Write, 0), (Call::Write, 2), (Call::Sync, 0)] {
        let disk = Disk::new(1);
        let directory = open(&disk);
        directory.apply(CreateOrgUnit::new("Corp", "organization")).unwrap();
        disk.fails(Fault { call, how: Failing::Panic, after, lasts: false });
        let outcome = directory.apply(CreateOrgUnit::new("A", "team"));
        assert!(disk.is_well(), "it has panicked");
        let is_made = outcome.is_ok();
        if let Err(refusal) = outcome {
            assert_eq!(refusal.code(), "internal");
        }
        directory.apply(CreateOrgUnit::new("B", "team")).unwrap();
        assert_eq!(directory.view().org_unit("A").is_ok(), is_made);
        assert!(directory.is_ready());
        examine_store(&directory);
        let disk = disk.power_lost();
        drop(directory);
        assert_eq!(open(&disk).view().org_unit("A").is_ok(), is_made);
    }
}
