//! Soak test: concurrent reads and writes while records are created and deleted, to detect memory leaks.
//!
//! The default run is short. `cargo test --release --test scale soak -- --ignored --nocapture` runs for three minutes
//! (`CLADE_SOAK_SECONDS`) over 100,000 entities (`CLADE_SOAK_ENTITIES`), prints resident memory, and fails if it grows
//! by more than the limit.
//!
//! Allowed growth: internal numbers are never reused, so a deleted record leaves an empty slot in both graphs. The
//! store's page cache fills up to its limit, which the first third of the time is for.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use clade::cli::demo_data::DemoData;
use clade::exchange::commands_of_lines;
use clade::model::command::{
    Command, Delete, MoveUnit, PersonFields, PersonRef, Placement, ProjectFields, ProjectRef, Update,
};
use clade::model::{Email, Level, Name, ProjectId, UnitRef};
use clade::query::{
    FacetBy, FacetPage, Field, Filter, Order, OrderBy, PageRequest, Relation, TextTest, facets, page, search,
    select,
};
use clade::{CreateMapping, CreatePerson, CreateProject, Directory, EntityId, IntoCommand, Kind, View};

/// Number of people and projects that a batch creates, and that it deletes.
const BATCH: u64 = 16;
/// Number of live records of the batches at a time.
const KEPT: u64 = 512;
const READERS: u64 = 2;
const SAMPLES: u32 = 60;
/// Bytes of an empty slot: a node and the end of its texts, in two graphs whose vectors have up to twice the needed
/// capacity.
const BYTES_A_NUMBER: u64 = 128;
/// Allowed growth beside the slots, as a part of the memory after the first third: fluctuation of the allocator.
const UNREST_PER_CENT: u64 = 10;

/// The directory under test.
struct Soak {
    directory: Directory,
    stop: AtomicBool,
    batches: AtomicU64,
    questions: AtomicU64,
}

/// Resident memory in bytes after this many batches.
struct Sample {
    resident: u64,
    batches: u64,
}

impl Soak {
    fn new(entities: u64, directory: Directory) -> Self {
        let mut lines = Vec::new();
        DemoData { entities, seed: 1 }.write(&mut lines).unwrap();
        directory.apply(commands_of_lines(&lines).unwrap()).unwrap();
        let made = (0..KEPT).flat_map(made).collect::<Vec<_>>();
        directory.apply(made).unwrap();
        directory.view().warm_up();
        let (batches, questions) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { directory, stop: AtomicBool::new(false), batches, questions }
    }

    /// Reads and writes for `time`; returns the values of `sample` at regular intervals.
    fn run<S>(&self, time: Duration, sample: impl Fn(&Self) -> S) -> Vec<S> {
        thread::scope(|scope| {
            let write = scope.spawn(|| self.write());
            let readers: Vec<_> = (0..READERS).map(|reader| scope.spawn(move || self.read(reader))).collect();
            let began = Instant::now();
            let samples = (1..=SAMPLES)
                .map(|nth| {
                    thread::sleep((time * nth / SAMPLES).saturating_sub(began.elapsed()));
                    sample(self)
                })
                .collect();
            self.stop.store(true, Ordering::Relaxed);
            write.join().unwrap();
            for reader in readers {
                reader.join().unwrap();
            }
            samples
        })
    }

    fn is_running(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }

    fn write(&self) {
        while self.is_running() {
            let first = KEPT + self.batches.load(Ordering::Relaxed) * BATCH;
            let commands = (first..first + BATCH).flat_map(|number| {
                let others = [renamed(number - KEPT / 2), moved(number)];
                made(number).into_iter().chain(others.into_iter().flatten()).chain(ended(number - KEPT))
            });
            self.directory.apply(commands.collect::<Vec<_>>()).unwrap();
            self.batches.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn read(&self, reader: u64) {
        let mut question = reader;
        while self.is_running() {
            ask(&self.directory.view(), question);
            question += READERS;
            self.questions.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The number of records of each kind.
    fn live(&self) -> [u64; Kind::ALL.len()] {
        let view = self.directory.view();
        Kind::ALL.map(|kind| view.all(kind).len())
    }
}

fn email(number: u64) -> String {
    format!("soak{number}@corp.example")
}

/// Commands that create a person, and a project with a repository of which the person is a member.
fn made(number: u64) -> Vec<Command> {
    let (id, url) = (format!("soak-{number}"), format!("https://gitlab.com/soak/{number}.git"));
    let unit = format!("t{}", number % 7);
    vec![
        CreatePerson::new(&email(number)).display_name(&format!("Soak {number}")).into_command().unwrap(),
        CreateProject::new(&id, &format!("Soak amber {number}")).repository(&url).into_command().unwrap(),
        CreateMapping::person_in(&email(number), &unit).into_command().unwrap(),
        CreateMapping::project_in(&id, &unit).into_command().unwrap(),
        CreateMapping::member(&id, &email(number)).into_command().unwrap(),
    ]
}

/// Commands that rename a project and move a person.
fn renamed(number: u64) -> Vec<Command> {
    let project = ProjectFields { name: Some(Name::parse("Soaked").unwrap()), ..ProjectFields::default() };
    let team = UnitRef::Text(format!("t{}", (number + 3) % 7));
    let person = PersonFields { placement: Placement::Units(vec![team]), ..PersonFields::default() };
    let project_id = ProjectRef::ProjectId(ProjectId::parse(&format!("soak-{number}")).unwrap());
    let email = PersonRef::Email(Email::parse(&email(number)).unwrap());
    vec![
        Command::UpdateProject(Update { target: project_id, fields: project, if_revision: None }),
        Command::UpdatePerson(Update { target: email, fields: person, if_revision: None }),
    ]
}

/// Sometimes moves a department to the other business, or back.
fn moved(number: u64) -> Vec<Command> {
    if !number.is_multiple_of(4 * BATCH) {
        return Vec::new();
    }
    let to = if number.is_multiple_of(8 * BATCH) { "b0" } else { "b1" };
    vec![Command::MoveUnit(MoveUnit { unit: "d1".into(), to: to.into(), from: None, if_revision: None })]
}

/// Commands that delete the records of [`made`].
fn ended(number: u64) -> Vec<Command> {
    let project_id = ProjectRef::ProjectId(ProjectId::parse(&format!("soak-{number}")).unwrap());
    let email = PersonRef::Email(Email::parse(&email(number)).unwrap());
    vec![
        Command::DeleteProject(Delete { target: project_id, if_revision: None }),
        Command::DeletePerson(Delete { target: email, if_revision: None }),
    ]
}

/// Runs a random dashboard query.
fn ask(view: &View, question: u64) {
    let unit = |key: &str| view.org_unit(key).unwrap().id();
    let (business, team) = (unit("b0"), unit(&format!("t{}", question % 7)));
    let gitlab = Filter::Text(Field::Platform, TextTest::Eq("gitlab.com".to_owned()));
    let compound = Filter::And(vec![
        Filter::Within(vec![business]),
        Filter::Related(Relation::Repository, Box::new(gitlab)),
        Filter::Text(Field::Name, TextTest::Contains("amber".to_owned())),
    ]);
    let paged = |view: &View, filter: &Filter, by| {
        let matches = select(view, Kind::Project, filter);
        let request = PageRequest { first: Some(50), ..PageRequest::default() };
        page(view, &matches, Order { by, descending: true }, &request).unwrap().ids
    };
    match question % 8 {
        0 => drop(black_box(paged(view, &compound, OrderBy::Created))),
        1 => drop(black_box(paged(view, &Filter::Within(vec![team]), OrderBy::Field(Field::Name)))),
        2 => {
            let by = [FacetBy::Level(Level::Team), FacetBy::Level(Level::Department), FacetBy::Platform];
            drop(black_box(facets(
                view,
                Kind::Project,
                &compound,
                &by,
                true,
                &FacetPage { first: 1_000, after: None },
            )));
        }
        3 => drop(black_box(search(view, "soak amb", &[], None, 10))),
        4 => drop(black_box(search(view, "soka ambre", &[], Some(business), 10))),
        5 => drop(black_box(paged(&view.within(&[team]), &compound, OrderBy::Updated))),
        6 => drop(black_box(view.below(business, Kind::Project).iter().map(EntityId).collect::<Vec<_>>())),
        _ => drop(black_box((view.totals(business), view.ancestors(team), view.children(business)))),
    }
}

#[test]
fn the_number_of_records_stays_the_same() {
    let soak = Soak::new(2_000, Directory::in_memory().unwrap());
    let before = soak.live();
    soak.run(Duration::from_millis(600), |_| ());
    assert!(soak.batches.load(Ordering::Relaxed) > 0 && soak.questions.load(Ordering::Relaxed) > 0);
    assert_eq!(soak.live(), before);
    assert!(soak.directory.check().unwrap().findings.is_empty());
}

#[test]
#[ignore = "takes minutes, and wants the machine to itself"]
fn memory_does_not_grow() {
    let setting = |name: &str, default| env::var(name).map_or(default, |text| text.parse().unwrap());
    let time = Duration::from_secs(setting("CLADE_SOAK_SECONDS", 180));
    let folder = tempfile::tempdir().unwrap();
    let directory = Directory::open(folder.path().join("soak.redb")).unwrap();
    let soak = Soak::new(setting("CLADE_SOAK_ENTITIES", 100_000), directory);
    let before = soak.live();
    println!("   resident   batches   questions");
    let samples = soak.run(time, |soak| {
        let (resident, batches) = (resident(), soak.batches.load(Ordering::Relaxed));
        let questions = soak.questions.load(Ordering::Relaxed);
        println!("{:>8} MB {batches:>9} {questions:>11}", resident >> 20);
        Sample { resident, batches }
    });
    assert_eq!(soak.live(), before);
    assert!(soak.directory.check().unwrap().findings.is_empty());

    let settled = &samples[samples.len() / 3..];
    // What is typical of a while, not of a moment.
    let (early, late) = (&settled[..settled.len() / 4], &settled[settled.len() * 3 / 4..]);
    let numbers = 3 * BATCH * (late[late.len() - 1].batches - early[0].batches);
    let (was, is) = (median(early), median(late));
    let may = was + was * UNREST_PER_CENT / 100 + numbers * BYTES_A_NUMBER;
    println!("{was} bytes, then {is}, after {numbers} numbers were given; up to {may} are allowed");
    assert!(is <= may, "memory grew from {was} to {is} bytes; up to {may} are allowed");
}

fn median(samples: &[Sample]) -> u64 {
    let mut resident: Vec<u64> = samples.iter().map(|sample| sample.resident).collect();
    resident.sort_unstable();
    resident[resident.len() / 2]
}

/// Resident memory of this process in bytes.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("memory is measured on Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}
