//! An import into a store on this machine: every record is read before anything is written.

use crate::cli::Result;
use crate::cli::import::ImportArgs;
use crate::cli::import::reading::{each_line, each_row};
use crate::cli::import::report::{RecordPosition, nothing_changed};
use crate::cli::records::{FileFormat, RecordFile};
use crate::cli::settings::Settings;
use crate::directory::Directory;
use crate::error::Error;
use crate::exchange::{
    Counts, RecordRefusal, Report, command_of_line, command_of_record, in_order, merging_helps,
};
use crate::model::command::Command;
use crate::model::entity::Revision;

impl ImportArgs {
    /// Writes to the store. One that was made for these records goes again where they are refused.
    pub(super) fn write(
        &self,
        settings: &Settings,
        commands: Vec<(RecordPosition, Command)>,
        names: &[String],
    ) -> Result<Counts> {
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
    pub(super) fn commands(
        &self,
        sources: Vec<RecordFile>,
        names: &[String],
    ) -> Result<Vec<(RecordPosition, Command)>> {
        let mut commands = Vec::new();
        let mut report = Report::naming(usize::MAX);
        for (file, source) in sources.into_iter().enumerate() {
            let take = |line: u64, read: Result<Command, Error>| {
                let place = RecordPosition { file, line };
                match read {
                    Ok(command) => commands.push((place, command)),
                    Err(why) => report.add(|| RecordRefusal::of(place, &why)),
                }
                Ok(())
            };
            match source.format {
                FileFormat::Ndjson => {
                    each_line(source, take, |line| command_of_line(line, self.if_exists()))?;
                }
                FileFormat::Csv => each_row(source, self.kind.as_deref(), take, |record| {
                    command_of_record(record, self.if_exists())
                })?,
            }
        }
        report.total = report.count + commands.len();
        if report.count > 0 {
            return Err(nothing_changed(&report, names, false));
        }
        in_order(commands).map_err(|cycle| {
            for (place, why) in cycle {
                report.add(|| RecordRefusal::of(place, &why));
            }
            nothing_changed(&report, names, false)
        })
    }

    fn apply(
        &self,
        directory: &Directory,
        commands: Vec<(RecordPosition, Command)>,
        names: &[String],
    ) -> Result<Counts> {
        let places: Vec<RecordPosition> = commands.iter().map(|(place, _)| *place).collect();
        if commands.is_empty() {
            return Ok(Counts::default());
        }
        let commands = commands.into_iter().map(|(_, command)| command);
        let before = directory.view();
        let done = if self.dry_run { directory.dry_run(commands) } else { directory.apply(commands) };
        let applied = done.map_err(|refusal| {
            let helps = merging_helps(&before, self.if_exists(), &refusal);
            let Error::Refused { refused, total } = refusal else { return refusal.into() };
            let mut report = Report::naming(usize::MAX);
            report.total = total;
            for (at, why) in refused {
                report.add(|| RecordRefusal::of(places[at], &why));
            }
            nothing_changed(&report, names, helps)
        })?;
        Ok(Counts::of(&applied.outcomes))
    }
}
