//! Durable writes per second and their latency: one writer, 64 writers at once (group commit), and a bare append with
//! `fdatasync` as the baseline.
//!
//! `cargo bench --bench durable` measures on the disk of the build folder; `CLADE_BENCH_DIR` names another folder. A
//! tmpfs gives meaningless figures. The three take turns, so that load of others on a shared disk affects all alike.

#![expect(clippy::unwrap_used, reason = "a bench that cannot continue fails")]

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{env, thread};

use clade::Directory;
use clade::model::CreatePerson;
use mimalloc::MiMalloc;

/// The program uses the same allocator.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Length of one turn of each of the three.
const TURN: Duration = Duration::from_secs(3);
const TURNS: usize = 5;
/// Number of people in the store before the first write.
const PEOPLE: u32 = 10_000;
/// Size of one append in bytes: about the size of one change in the log.
const APPENDED: usize = 512;
const CROWD: usize = 64;

/// The latency of each write of one turn.
struct Measured(Vec<Duration>);

impl Measured {
    fn a_second(&self) -> f64 {
        f64::from(u32::try_from(self.0.len()).unwrap()) / TURN.as_secs_f64()
    }

    /// The latency percentile `percent`.
    fn within(&mut self, percent: usize) -> Duration {
        self.0.sort_unstable();
        self.0[(self.0.len() * percent / 100).min(self.0.len() - 1)]
    }
}

/// Does `write` again and again for one turn.
fn turn(mut write: impl FnMut()) -> Vec<Duration> {
    let began = Instant::now();
    let mut took = Vec::new();
    while began.elapsed() < TURN {
        let one = Instant::now();
        write();
        took.push(one.elapsed());
    }
    took
}

fn append(file: &mut File) -> Measured {
    let bytes = [7; APPENDED];
    Measured(turn(|| {
        file.write_all(&bytes).unwrap();
        file.sync_data().unwrap();
    }))
}

fn apply(directory: &Directory, writers: usize, next: &AtomicU64) -> Measured {
    let work = || {
        turn(|| {
            let person = format!("new{}@corp.example", next.fetch_add(1, Ordering::Relaxed));
            directory.apply(CreatePerson::new(&person).under("Corp/Research")).unwrap();
        })
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..writers).map(|_| scope.spawn(work)).collect();
        Measured(threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect())
    })
}

fn print(name: &str, turns: &mut [Measured]) -> f64 {
    turns.sort_by(|a, b| a.a_second().total_cmp(&b.a_second()));
    let median = &mut turns[TURNS / 2];
    let (rate, half, most) = (median.a_second(), median.within(50), median.within(99));
    println!("{name:24} {rate:8.0}/s   p50 {half:9.2?}   p99 {most:9.2?}");
    rate
}

fn folder() -> PathBuf {
    env::var_os("CLADE_BENCH_DIR")
        .map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).to_owned(), PathBuf::from)
}

fn main() {
    let folder = tempfile::tempdir_in(folder()).unwrap();
    println!("on {}", fs::canonicalize(folder.path()).unwrap().display());
    let directory = Directory::open(folder.path().join("corp.redb")).unwrap();
    let people =
        (0..PEOPLE).map(|at| CreatePerson::new(&format!("p{at}@corp.example")).under("Corp/Research"));
    directory.apply(people).unwrap();
    let mut file = File::create(folder.path().join("appended")).unwrap();
    let next = AtomicU64::new(0);
    let (mut appends, mut ones, mut crowds) = (Vec::new(), Vec::new(), Vec::new());
    let mut commits = 0.0;
    for _ in 0..TURNS {
        appends.push(append(&mut file));
        ones.push(apply(&directory, 1, &next));
        let before = directory.statistics().committed.count();
        crowds.push(apply(&directory, CROWD, &next));
        commits += f64::from(u32::try_from(directory.statistics().committed.count() - before).unwrap());
    }
    let crowded = crowds.iter().map(Measured::a_second).sum::<f64>() * TURN.as_secs_f64();
    let bare = print("append and fdatasync", &mut appends);
    let one = print("one writer", &mut ones);
    let crowd = print("64 writers", &mut crowds);
    println!(
        "one writer takes {:.1} × the time of a bare append; 64 writers write {:.1} × as many as one",
        bare / one,
        crowd / one
    );
    println!("{:.0} writes of 64 writers share a commit", crowded / commits);
}
