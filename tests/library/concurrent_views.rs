//! Concurrent readers and writers: snapshot isolation of views. No view mixes two revisions, revisions never go
//! backwards, and a view never changes.
//!
//! Afterwards each view is compared with a replay of the log at its revision. The default run is short.
//! `CLADE_VIEWS_WRITES=200000 cargo test --release --test library concurrent_views -- --nocapture` is the long one;
//! `CLADE_VIEWS_SEED` is the first seed.

use std::collections::BTreeMap;
use std::env;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use clade::graph::Graph;
use clade::model::command::{Command, Delete, MoveUnit, PersonFields, PersonRef, Placement, Update};
use clade::model::{CreateOrgUnit, CreatePerson, CreateProject, Email, IntoCommand, UnitRef};
use clade::{Directory, Kind, Revision, View};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const WRITERS: u64 = 4;
const READERS: u64 = 3;
/// Number of views that each reader keeps, evenly spread over the revisions.
const KEPT: u64 = 40;
const UNITS: u32 = 12;
const PEOPLE: u32 = 40;

fn setting(name: &str, usual: u64) -> u64 {
    env::var(name)
        .map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text:?}")))
}

fn unit(rng: &mut StdRng) -> UnitRef {
    UnitRef::Text(format!("u{}", rng.random_range(0..UNITS)))
}

fn person(rng: &mut StdRng) -> (String, PersonRef) {
    let email = format!("p{}@corp.example", rng.random_range(0..PEOPLE));
    let reference = PersonRef::Email(Email::parse(&email).unwrap());
    (email, reference)
}

/// A random change set. Some are refused.
fn changes(rng: &mut StdRng) -> Vec<Command> {
    let (email, target) = person(rng);
    match rng.random_range(0..8) {
        0 | 1 => vec![CreatePerson::new(&email).into_command().unwrap()],
        2 => vec![Command::DeletePerson(Delete { target, if_revision: None })],
        3 => vec![Command::MoveUnit(MoveUnit {
            unit: unit(rng),
            to: unit(rng),
            from: None,
            if_revision: None,
        })],
        4 => {
            let id = format!("x{}", rng.random_range(0..PEOPLE));
            let project = CreateProject::new(&id, "X").repository(&format!("https://h.example/{id}.git"));
            vec![project.into_command().unwrap()]
        }
        _ => {
            let placed = |placement| PersonFields { placement, ..PersonFields::default() };
            let moved =
                |fields| Command::UpdatePerson(Update { target: target.clone(), fields, if_revision: None });
            vec![
                moved(placed(Placement::Units(vec![unit(rng), unit(rng)]))),
                moved(placed(Placement::Units(vec![unit(rng)]))),
            ]
        }
    }
}

/// The content of a view, which must not change as long as the view is held.
fn content(view: &View) -> (Revision, Vec<u64>) {
    let units = view.all(Kind::OrgUnit).iter().map(clade::EntityId);
    let mut content: Vec<u64> = Kind::ALL.iter().map(|kind| view.all(*kind).len()).collect();
    for unit in units {
        let totals = view.totals(unit);
        content.extend([u64::from(unit.0), totals.people, totals.projects]);
    }
    (view.revision(), content)
}

/// Reads until `done`; keeps some views with their content when they were taken.
fn read(directory: &Directory, done: &AtomicBool, every: u64) -> Vec<(View, Vec<u64>)> {
    let mut kept: Vec<(View, Vec<u64>)> = Vec::new();
    let mut last = Revision::default();
    let revisions = directory.revisions();
    while !done.load(Ordering::Relaxed) {
        let announced = *revisions.borrow();
        let view = directory.view();
        assert!(view.revision() >= announced, "{announced} was announced, and {} is seen", view.revision());
        assert!(view.revision() >= last, "{} comes after {last}", view.revision());
        last = view.revision();
        let (revision, content_then) = content(&view);
        assert_eq!(content(&view), (revision, content_then.clone()), "a view changed");
        if kept.last().is_none_or(|(before, _)| revision.0 >= before.revision().0 + every) {
            kept.push((view, content_then));
        }
    }
    kept
}

fn write(directory: &Directory, rng: &mut StdRng, left: &AtomicU64) {
    while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
        let before = directory.view().revision();
        if let Ok(applied) = directory.apply(changes(rng)) {
            let (seen, now) = (applied.view.revision(), directory.view().revision());
            assert!(before <= seen && seen <= now, "a write sees itself, and whoever asks later sees it");
        }
    }
}

#[test]
fn every_view_is_what_the_log_replays_to() {
    let seed = setting("CLADE_VIEWS_SEED", 1);
    let writes = setting("CLADE_VIEWS_WRITES", 2_000);
    println!("CLADE_VIEWS_SEED={seed} CLADE_VIEWS_WRITES={writes}");
    let folder = tempfile::tempdir().unwrap();
    let directory = Directory::open(folder.path().join("views.redb")).unwrap();
    let units = (0..UNITS).map(|at| CreateOrgUnit::new(&format!("u{at}"), "team"));
    directory.apply(units).unwrap();

    let every = (writes / KEPT).max(1);
    let (done, left) = (AtomicBool::new(false), AtomicU64::new(writes));
    let kept = thread::scope(|scope| {
        let readers: Vec<_> = (0..READERS).map(|_| scope.spawn(|| read(&directory, &done, every))).collect();
        let writing: Vec<_> = (0..WRITERS)
            .map(|at| {
                let mut rng = StdRng::seed_from_u64(seed.wrapping_add(at));
                let (directory, left) = (&directory, &left);
                scope.spawn(move || write(directory, &mut rng, left))
            })
            .collect();
        let ended: Vec<_> = writing.into_iter().map(thread::ScopedJoinHandle::join).collect();
        done.store(true, Ordering::Relaxed);
        for writer in ended {
            writer.unwrap();
        }
        readers.into_iter().flat_map(|reader| reader.join().unwrap()).collect::<Vec<_>>()
    });

    let mut by_revision: BTreeMap<Revision, Vec<(View, Vec<u64>)>> = BTreeMap::new();
    for (view, content_then) in kept {
        by_revision.entry(view.revision()).or_default().push((view, content_then));
    }
    let (mut replayed, mut compared) = (Graph::default(), 0);
    for batch in directory.log(Revision(1)).unwrap() {
        let batch = batch.unwrap();
        replayed.apply_batch(&batch);
        for (view, content_then) in by_revision.remove(&batch.revision).unwrap_or_default() {
            let should_be = View::of(Arc::new(replayed.clone()));
            assert_eq!(should_be.differences(&view), Vec::<String>::new(), "revision {}", batch.revision);
            assert_eq!(content(&view).1, content_then, "a view changed while it was held");
            compared += 1;
        }
    }
    assert!(by_revision.is_empty(), "revisions that the log does not know: {:?}", by_revision.keys());
    let last = directory.view().revision();
    println!("{compared} views of {last} revisions are what the log says");
    assert!(compared >= READERS && last.0 > writes / 10);
}
