//! Benchmark of Clade, SQLite and PostgreSQL: the same organization, the same queries; results are compared before
//! times are taken.
//!
//! `cargo run --release --manifest-path benches/peers/Cargo.toml -- --entities 100000`; see benches/peers/README.md.

mod answer;
mod check;
mod clade;
mod organisation;
mod peer;
mod postgres;
mod questions;
mod rows;
mod schema;
mod sql;
mod sqlite;
mod table;
mod timing;
mod turn;
mod writes;

use std::fs;
use std::path::Path;
use std::time::Instant;

use ::clade::cli::demo_data::DemoData;
use clap::Parser;

use crate::answer::grouped;
use crate::clade::Clade;
use crate::organisation::Organisation;
use crate::peer::Peer;
use crate::postgres::Postgres;
use crate::questions::{Question, Targets};
use crate::sqlite::Sqlite;
use crate::table::{Row, Took};

pub(crate) type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

/// Runs the same queries over the same organization in Clade, SQLite and PostgreSQL, and prints a table of times
#[derive(Parser)]
struct Args {
    /// Number of units, people and projects together
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1_000..=10_000_000))]
    entities: u64,
    /// Seed of the generated organization
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Run only the queries whose title contains this
    #[arg(long, default_value = "", hide_default_value = true)]
    only: String,
    /// Folder of the temporary files of SQLite and Clade [default: the system's temporary folder]
    #[arg(long, value_name = "FOLDER")]
    folder: Option<std::path::PathBuf>,
    /// A PostgreSQL database; the schema `clade_peers` is created in it and dropped afterwards. If absent, PostgreSQL
    /// is left out
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let folder = match &args.folder {
        Some(folder) => tempfile::tempdir_in(folder)?,
        None => tempfile::tempdir()?,
    };
    let mut lines = Vec::new();
    DemoData { entities: args.entities, seed: args.seed }.write(&mut lines)?;
    let organisation = Organisation::read(&lines)?;
    let targets = Targets::of(&organisation)?;

    let mut peers = load(&args, &lines, &organisation, folder.path())?;
    drop(lines);
    let names: Vec<_> = peers.iter().map(|peer| peer.name()).collect();
    println!("{}", table::head(&names));
    let is_selected = |question: &Question| question.title.contains(&args.only);
    for question in targets.reads(&organisation).iter().filter(|question| is_selected(question)) {
        let answer = check::check_read(&mut peers, question)?;
        let title = match answer.size() {
            Some(size) => format!("{} ({size})", question.title),
            None => question.title.clone(),
        };
        println!("{}", measure(&mut peers, question, title)?.line());
    }
    for (question, probes) in targets.writes().iter().filter(|(question, _)| is_selected(question)) {
        check::check_write(&mut peers, question, probes)?;
        println!("{}", measure(&mut peers, question, question.title.clone())?.line());
    }
    println!("\n{}", measured_on(&args, &organisation, &mut peers)?);
    Ok(())
}

/// Loads the organization into every peer; Clade first.
fn load(args: &Args, lines: &[u8], organisation: &Organisation, folder: &Path) -> Result<Vec<Box<dyn Peer>>> {
    let mut peers: Vec<Box<dyn Peer>> = Vec::new();
    let begun = Instant::now();
    let loaded =
        |name: &str, begun: Instant| eprintln!("{name} loaded in {:.1} s", begun.elapsed().as_secs_f64());
    peers.push(Box::new(Clade::load(lines, organisation, folder)?));
    loaded("Clade", begun);
    let begun = Instant::now();
    peers.push(Box::new(Sqlite::load(organisation, folder)?));
    loaded("SQLite", begun);
    match &args.database_url {
        Some(url) => {
            let begun = Instant::now();
            peers.push(Box::new(Postgres::load(organisation, url)?));
            loaded("PostgreSQL", begun);
        }
        None => eprintln!("DATABASE_URL is not set: PostgreSQL is left out"),
    }
    Ok(peers)
}

fn measure(peers: &mut [Box<dyn Peer>], question: &Question, title: String) -> Result<Row> {
    let mut row = Row { title, took: Vec::new() };
    for peer in peers {
        let mut took = Took { peer: peer.name(), forms: Vec::new() };
        for form in peer.forms(question) {
            let nanos = timing::per_call(&mut peer.ask(question, form)?, &question.asks)?;
            took.forms.push((peer.form_name(form), nanos));
            if question.asks.is_write() {
                peer.undo()?;
            }
        }
        row.took.push(took);
    }
    Ok(row)
}

fn measured_on(args: &Args, organisation: &Organisation, peers: &mut [Box<dyn Peer>]) -> Result<String> {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        cpu.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split_once(": "));
    let cores = std::thread::available_parallelism()?;
    let described = peers.iter_mut().map(|peer| peer.described()).collect::<Result<Vec<_>>>()?;
    Ok(format!(
        "{} entities (`--entities {} --seed {}`: {} units, {} people, {} projects, {} mappings), one thread, \
         medians; {}, {cores} cores, {}. {}.",
        grouped(organisation.entities() as u64),
        args.entities,
        args.seed,
        grouped(organisation.units.len() as u64),
        grouped(organisation.people.len() as u64),
        grouped(organisation.projects.len() as u64),
        grouped(organisation.mappings() as u64),
        model.map_or("an unknown processor", |(_, model)| model),
        std::env::consts::OS,
        described.join("; "),
    ))
}
