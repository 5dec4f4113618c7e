//! `clade import`: all records of all files in one change set, or none.

use std::io::{BufRead, BufReader, Write};
use std::num::NonZero;
use std::ops::Range;
use std::path::PathBuf;
use std::thread::ScopedJoinHandle;
use std::time::Instant;

use clap::{Args, ValueEnum};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Map, Value, json};
use ureq::SendBody;

use crate::cli::client::Client;
use crate::cli::records::{FileFormat, Source, bytes_bar};
use crate::cli::settings::Settings;
use crate::cli::{Failure, Result, say, say_json};
use crate::directory::Directory;
use crate::error::{Error, StoreTrouble};
use crate::model::command::{Command, Effect, IfExists};
use crate::model::entity::Revision;
use crate::server::response::problem::Problem;
use crate::server::rest::{command_of_line, command_of_record, in_order, merging_helps, records_of_csv};

/// Lines that are read side by side.
const LINES_AT_ONCE: usize = 1 << 13;
/// What `export --history` begins with.
const HISTORY: &[u8] = b"{\"archive\":";
/// Refused lines that are told one by one.
const TOLD_MAX: usize = 20;

#[derive(Debug, Args)]
pub(super) struct Import {
    /// NDJSON or CSV, also packed (.gz); - for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Make a new store of what `export --history` wrote: one file, with every id and all history
    #[arg(long, conflicts_with_all = ["mode", "dry_run", "format", "kind"])]
    history: bool,
    /// What to do with records that exist
    #[arg(long, value_enum, default_value_t = Mode::Insert)]
    mode: Mode,
    /// Say what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// The format, where the file's name does not tell
    #[arg(long, value_enum)]
    format: Option<FileFormat>,
    /// What the records of a CSV file without a `kind` column are: orgUnit, person, project or mapping
    #[arg(long)]
    kind: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Refuse them
    Insert,
    /// Merge what is given into them
    Upsert,
}

/// Where a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    file: usize,
    line: u64,
}

struct Refusal {
    place: Place,
    problem: Problem,
}

#[derive(Default)]
struct Counted {
    total: usize,
    created: usize,
    updated: usize,
    unchanged: usize,
}

impl Import {
    pub(super) fn run(self, settings: &Settings) -> Result {
        if self.history {
            return self.restore(settings);
        }
        let began = Instant::now();
        let progress = bytes_bar(&self.files);
        let mut sources = Vec::new();
        for file in &self.files {
            let mut source = Source::open(file, self.format, &progress)?;
            if source.begins_with(HISTORY)? {
                return Err(Failure::Usage(format!(
                    "{} is a history: import --history takes it",
                    source.name
                )));
            }
            sources.push(source);
        }
        let names: Vec<String> = sources.iter().map(|source| source.name.clone()).collect();
        let counted = if let Some(server) = &settings.server {
            self.send(&Client::new(server)?, sources, &names)?
        } else {
            // Read first: a file that cannot be read makes no store.
            let commands = self.commands(sources, &names)?;
            progress.set_message("writing");
            self.write(settings, commands, &names)?
        };
        progress.finish_and_clear();
        self.report(settings, &counted, began)
    }

    /// Makes the store that an archive is of.
    fn restore(&self, settings: &Settings) -> Result {
        if settings.is_server_flagged {
            let how = "import --history makes a store; stop the server and name a new store with --data";
            return Err(Failure::Usage(how.to_owned()));
        }
        let [file] = &*self.files else {
            return Err(Failure::Usage("import --history takes one file".to_owned()));
        };
        let progress = bytes_bar(&self.files);
        let source = Source::open(file, self.format, &progress)?;
        let data = settings.data();
        let made = Directory::restore_archive(&data, BufReader::with_capacity(1 << 16, source.reader));
        let revision = made.map_err(|refusal| match refusal {
            // What is wrong with the text, and not with the store that is made.
            Error::Store(failure)
                if matches!(failure.trouble(), StoreTrouble::Damaged | StoreTrouble::NewerFormat) =>
            {
                Failure::Refused {
                    message: format!("{}: {failure}", source.name),
                    facts: json!({ "code": Error::from(failure).code() }),
                }
            }
            other => other.into(),
        })?;
        progress.finish_and_clear();
        if settings.json {
            return say_json(&json!({ "revision": revision.0 }));
        }
        say(format!("made {} from {}, up to revision {revision}", data.display(), source.name))
    }

    fn if_exists(&self) -> IfExists {
        if self.mode == Mode::Upsert { IfExists::Merge } else { IfExists::Refuse }
    }

    /// Writes to the store. One that was made for these records goes again where they are refused.
    fn write(
        &self,
        settings: &Settings,
        commands: Vec<(Place, Command)>,
        names: &[String],
    ) -> Result<Counted> {
        let data = settings.data();
        let was_there = data.exists();
        let directory = self.directory(settings)?;
        let written = self.apply(&directory, commands, names);
        let is_empty = directory.view().revision() == Revision::default();
        if written.is_err() && is_empty && !was_there && data.exists() {
            // While it is held: nobody else can have opened it.
            std::fs::remove_file(data)?;
        }
        written
    }

    /// The store to write to; to try things on where there is none yet, one in memory.
    fn directory(&self, settings: &Settings) -> Result<Directory> {
        let data = settings.data();
        if self.dry_run && !data.exists() {
            return Ok(Directory::in_memory()?);
        }
        Ok(Directory::open(data)?)
    }

    /// Every record as a command, in the order in which they are carried out.
    fn commands(&self, sources: Vec<Source>, names: &[String]) -> Result<Vec<(Place, Command)>> {
        let mut commands = Vec::new();
        let mut refusals = Vec::new();
        for (file, source) in sources.into_iter().enumerate() {
            let take = |line: u64, read: Result<Command, Problem>| {
                let place = Place { file, line };
                match read {
                    Ok(command) => commands.push((place, command)),
                    Err(problem) => refusals.push(Refusal { place, problem }),
                }
                Ok(())
            };
            match source.format {
                FileFormat::Ndjson => {
                    each_line(source, take, |line| command_of_line(line, self.if_exists()))?;
                }
                FileFormat::Csv => each_row(source, self.kind.as_deref(), take, |record| {
                    Ok(command_of_record(record, self.if_exists())?)
                })?,
            }
        }
        let total = refusals.len() + commands.len();
        if refusals.is_empty() {
            return in_order(commands).map_err(|cycle| {
                let refusals: Vec<_> =
                    cycle.into_iter().map(|(place, why)| Refusal { place, problem: why.into() }).collect();
                refused(total, &refusals, names)
            });
        }
        Err(refused(total, &refusals, names))
    }

    fn apply(
        &self,
        directory: &Directory,
        commands: Vec<(Place, Command)>,
        names: &[String],
    ) -> Result<Counted> {
        let places: Vec<Place> = commands.iter().map(|(place, _)| *place).collect();
        let total = commands.len();
        if total == 0 {
            return Ok(Counted::default());
        }
        let commands = commands.into_iter().map(|(_, command)| command);
        let before = directory.view();
        let done = if self.dry_run { directory.dry_run(commands) } else { directory.apply_all(commands) };
        let applied = done.map_err(|refusal| match refusal {
            Error::Refused { refused: all, total } => {
                let helps = self.mode == Mode::Insert && merging_helps(&before, &all);
                let refusals: Vec<Refusal> = all
                    .into_iter()
                    .map(|(at, why)| Refusal { place: places[at], problem: why.into() })
                    .collect();
                let failure = refused(total, &refusals, names);
                if helps { advised(failure) } else { failure }
            }
            other => other.into(),
        })?;
        let mut counted = Counted { total, ..Counted::default() };
        for outcome in &applied.outcomes {
            match outcome.effect {
                Effect::Created => counted.created += 1,
                Effect::Updated | Effect::Deleted => counted.updated += 1,
                Effect::Unchanged => counted.unchanged += 1,
            }
        }
        Ok(counted)
    }

    /// Sends every record to the server in one bulk request, packed.
    fn send(&self, client: &Client, sources: Vec<Source>, names: &[String]) -> Result<Counted> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        let mut places = Vec::new();
        for (file, source) in sources.into_iter().enumerate() {
            let mut write = |line: u64, text: Vec<u8>| {
                places.push(Place { file, line });
                packed.write_all(&text)?;
                packed.write_all(b"\n")
            };
            match source.format {
                FileFormat::Ndjson => {
                    each_line(source, |line, text| Ok(write(line, text)?), <[u8]>::to_vec)?;
                }
                FileFormat::Csv => each_row(
                    source,
                    self.kind.as_deref(),
                    |line, record: Result<Map<String, Value>, Problem>| {
                        Ok(write(line, Value::Object(record?).to_string().into_bytes())?)
                    },
                    Ok,
                )?,
            }
        }
        let body = packed.finish()?;
        let mode = if self.mode == Mode::Upsert { "upsert" } else { "insert" };
        let path = format!("/api/v2/data/bulk?mode={mode}&dryRun={}", self.dry_run);
        let answer =
            client.post_packed(&path, "application/x-ndjson", SendBody::from_reader(&mut body.as_slice()));
        let answer = answer.map_err(|failure| told_by_server(failure, &places, names))?;
        let count = |name: &str| answer[name].as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
        Ok(Counted {
            total: count("total"),
            created: count("created"),
            updated: count("updated"),
            unchanged: count("unchanged"),
        })
    }

    fn report(&self, settings: &Settings, counted: &Counted, began: Instant) -> Result {
        let took = began.elapsed();
        let Counted { total, created, updated, unchanged } = counted;
        if settings.json {
            return say_json(&json!({
                "dryRun": self.dry_run, "total": total, "created": created, "updated": updated,
                "unchanged": unchanged, "elapsedMs": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            }));
        }
        let verb = if self.dry_run { "would import" } else { "imported" };
        #[expect(clippy::cast_precision_loss, reason = "a rate that people read")]
        let rate = *total as f64 / took.as_secs_f64().max(0.001);
        say(format!(
            "{verb} {total} records (created {created}, updated {updated}, unchanged {unchanged}) in {:.2} s ({rate:.0} records/s)",
            took.as_secs_f64(),
        ))
    }
}

/// Lines of a file that are not blank, one behind the other.
#[derive(Default)]
struct Lines {
    text: Vec<u8>,
    /// The number of each line, from 1, and where it stands.
    places: Vec<(u64, Range<usize>)>,
}

/// Reads every line that is not blank, and hands over what `read` makes of it: many at once, since most of what an
/// import costs is reading lines.
fn each_line<T: Send>(
    source: Source,
    mut take: impl FnMut(u64, T) -> Result,
    read: impl Fn(&[u8]) -> T + Sync,
) -> Result {
    let mut reader = BufReader::with_capacity(1 << 16, source.reader);
    let mut number = 0;
    let mut lines = Lines::default();
    let mut is_end = false;
    while !is_end {
        lines.text.clear();
        lines.places.clear();
        while lines.places.len() < LINES_AT_ONCE && !is_end {
            number += 1;
            let begin = lines.text.len();
            let unreadable =
                |why| Failure::refused(format!("{} line {number} cannot be read: {why}", source.name));
            is_end = reader.read_until(b'\n', &mut lines.text).map_err(unreadable)? == 0;
            if !lines.text[begin..].trim_ascii().is_empty() {
                lines.places.push((number, begin..lines.text.len()));
            }
        }
        for (number, read) in read_side_by_side(&lines, &read) {
            take(number, read)?;
        }
    }
    Ok(())
}

/// What `read` makes of each line, in order, by as many threads as there are cores.
fn read_side_by_side<T: Send>(
    Lines { text, places }: &Lines,
    read: &(impl Fn(&[u8]) -> T + Sync),
) -> impl Iterator<Item = (u64, T)> {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let read_line = |(number, place): &(u64, Range<usize>)| (*number, read(text[place.clone()].trim_ascii()));
    let parts = std::thread::scope(|scope| {
        let share = places.len().div_ceil(threads).max(1);
        let read_all = |places: &[(u64, Range<usize>)]| places.iter().map(read_line).collect::<Vec<_>>();
        let readers: Vec<_> =
            places.chunks(share).map(|places| scope.spawn(move || read_all(places))).collect();
        let joined =
            |reader: ScopedJoinHandle<'_, _>| reader.join().expect("what cannot be read is an error");
        readers.into_iter().map(joined).collect::<Vec<_>>()
    });
    parts.into_iter().flatten()
}

/// Hands over each row of a CSV file, with the number of its line.
fn each_row<T>(
    source: Source,
    kind: Option<&str>,
    mut take: impl FnMut(u64, Result<T, Problem>) -> Result,
    read: impl Fn(Map<String, Value>) -> Result<T, Problem>,
) -> Result {
    for (line, record) in records_of_csv(source.reader)? {
        let with_kind = record.map(|mut record| {
            if let Some(kind) = kind {
                record.entry("kind").or_insert_with(|| kind.into());
            }
            record
        });
        take(line, with_kind.and_then(&read))?;
    }
    Ok(())
}

fn refused(total: usize, refusals: &[Refusal], names: &[String]) -> Failure {
    let told: Vec<(Place, &str, &str)> = refusals
        .iter()
        .map(|refusal| (refusal.place, refusal.problem.code, refusal.problem.detail.as_str()))
        .collect();
    nothing_changed(total, told.len(), &told, names)
}

/// With the advice to merge into the records that exist.
fn advised(failure: Failure) -> Failure {
    match failure {
        Failure::Refused { message, facts } => Failure::Refused {
            message: format!("{message}\n--mode upsert merges into records that exist"),
            facts,
        },
        other => other,
    }
}

/// `refusals` are those of the `count` refused records that are named.
fn nothing_changed(
    total: usize,
    count: usize,
    refusals: &[(Place, &str, &str)],
    names: &[String],
) -> Failure {
    let mut lines = vec![format!("nothing was changed: {count} of {total} records were refused")];
    for (place, _, detail) in refusals.iter().take(TOLD_MAX) {
        lines.push(format!("  {} line {}: {detail}", names[place.file], place.line));
    }
    if count > TOLD_MAX {
        let where_to_look = if count > refusals.len() {
            format!("--json lists the first {}", refusals.len())
        } else {
            "--json lists them all".to_owned()
        };
        lines.push(format!("  and {} more; {where_to_look}", count - TOLD_MAX));
    }
    let all: Vec<Value> = refusals
        .iter()
        .map(|(place, code, detail)| {
            json!({ "file": names[place.file], "line": place.line, "code": code, "detail": detail })
        })
        .collect();
    Failure::Refused {
        message: lines.join("\n"),
        facts: json!({ "code": "refused", "total": total, "refusedCount": count, "refused": all }),
    }
}

/// The server's refusal, with its line numbers turned into those of the files.
fn told_by_server(failure: Failure, places: &[Place], names: &[String]) -> Failure {
    let Failure::Refused { message, facts } = failure else { return failure };
    let Some(lines) = facts["refused"].as_array() else { return Failure::Refused { message, facts } };
    let told: Vec<(Place, &str, &str)> = lines
        .iter()
        .filter_map(|told| {
            let line = usize::try_from(told["line"].as_u64()?).ok()?;
            Some((*places.get(line.checked_sub(1)?)?, told["code"].as_str()?, told["detail"].as_str()?))
        })
        .collect();
    let count = facts["refusedCount"].as_u64().and_then(|count| usize::try_from(count).ok());
    let failure = nothing_changed(places.len(), count.unwrap_or(told.len()), &told, names);
    if facts["mergingHelps"] == true { advised(failure) } else { failure }
}
