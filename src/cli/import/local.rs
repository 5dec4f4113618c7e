//! Import into a local store.
//!
//! Invariant: every record is read and validated before anything is written.

use crate::cli::Result;
use crate::cli::import::ImportArgs;
use crate::cli::import::reading::{each_line, each_row};
use crate::cli::import::report::{RecordPosition, nothing_changed};
use crate::cli::records::{FileFormat, RecordFile};
use crate::cli::settings::Settings;
use crate::directory::Directory;
use crate::error::Error;
use crate::exchange::{
    Counts, RecordRefusal, Report, command_of_line, command_of_record, in_order, upsert_helps,
};
use crate::model::command::Command;
use crate::model::entity::Revision;

impl ImportArgs {
    /// Applies the commands to the store. A store that was created for them is deleted again if they are refused.
    pub(super) fn write(
        &self,
        settings: &Settings,
        commands: Vec<(RecordPosition, Command)>,
        names: &[String],
    ) -> Result<Counts> {
        let data = settings.data();
        let existed = data.exists();
        let directory = self.directory(settings)?;
        let written = self.apply(&directory, commands, names);
        // All three conditions guard against deleting data: the store may have existed, or an error may have come
        // after the commit.
        let is_empty = directory.view().revision() == Revision::default();
        if written.is_err() && is_empty && !existed && data.exists() {
            // While `directory` still has the file locked, so that no other process can have opened it.
            std::fs::remove_file(data)?;
        }
        written
    }

    /// The store to write to; an in-memory one for a dry run if there is none yet.
    fn directory(&self, settings: &Settings) -> Result<Directory> {
        let data = settings.data();
        if self.dry_run && !data.exists() {
            return Ok(Directory::in_memory()?);
        }
        Ok(Directory::open(data)?)
    }

    /// Reads every record into a command, and sorts them into the order in which they can be applied.
    pub(super) fn commands(
        &self,
        sources: Vec<RecordFile>,
        names: &[String],
    ) -> Result<Vec<(RecordPosition, Command)>> {
        let mut commands = Vec::new();
        // All refusals are collected, not only the first, so that a file can be corrected in one pass. The number is
        // unlimited here, where the report stays in this process; the text shows 20, `--json` all.
        let mut report = Report::with_limit(usize::MAX);
        for (file, source) in sources.into_iter().enumerate() {
            let take = |line: u64, read: Result<Command, Error>| {
                let position = RecordPosition { file, line };
                match read {
                    Ok(command) => commands.push((position, command)),
                    Err(why) => report.add(|| RecordRefusal::of(position, &why)),
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
            for (position, why) in cycle {
                report.add(|| RecordRefusal::of(position, &why));
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
        let positions: Vec<RecordPosition> = commands.iter().map(|(position, _)| *position).collect();
        if commands.is_empty() {
            return Ok(Counts::default());
        }
        let commands = commands.into_iter().map(|(_, command)| command);
        // Taken before the import, so that the advice to merge is about records that existed then.
        let before = directory.view();
        let result = if self.dry_run { directory.dry_run(commands) } else { directory.apply(commands) };
        let applied = result.map_err(|refusal| {
            let helps = upsert_helps(&before, self.if_exists(), &refusal);
            let Error::Refused { refused, total } = refusal else { return refusal.into() };
            let mut report = Report::with_limit(usize::MAX);
            report.total = total;
            for (at, why) in refused {
                report.add(|| RecordRefusal::of(positions[at], &why));
            }
            nothing_changed(&report, names, helps)
        })?;
        Ok(Counts::of(&applied.outcomes))
    }
}
