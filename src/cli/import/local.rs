//! Import into a local store.
//!
//! Invariant: every record is read and validated before anything is written.

use crate::cli::Result;
use crate::cli::import::ImportArgs;
use crate::cli::import::reading::{each_item, each_line, each_row, warn_of_empty};
use crate::cli::import::report::{RecordPosition, nothing_changed};
use crate::cli::records::{FileFormat, RecordFile};
use crate::cli::settings::Settings;
use crate::directory::Directory;
use crate::error::Error;
use crate::exchange::{
    BulkAnswer, KeptFields, ReadRecord, RecordRefusal, Report, in_order, lowest_first, read_line,
    read_record, upsert_helps,
};
use crate::model::command::Command;
use crate::model::entity::Revision;
use crate::model::token::Author;

/// The records of all files, in the order in which they can be applied.
pub(super) struct ReadFiles {
    commands: Vec<(RecordPosition, Command)>,
    kept: KeptFields,
}

impl ImportArgs {
    /// Applies the commands to the store. A store that was created for them is deleted again if they are refused.
    pub(super) fn write(
        &self,
        settings: &Settings,
        records: ReadFiles,
        names: &[String],
    ) -> Result<BulkAnswer> {
        let data = settings.data();
        let existed = data.exists();
        let directory = self.directory(settings)?;
        let written = self.apply(&directory, records, names);
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
    pub(super) fn read(&self, sources: Vec<RecordFile>, names: &[String]) -> Result<ReadFiles> {
        let mut commands = Vec::new();
        let mut kept = KeptFields::default();
        // All refusals are collected, not only the first, so that a file can be corrected in one pass. The number is
        // unlimited here, where the report stays in this process; the text shows 20, `--json` all.
        let mut report = Report::with_limit(usize::MAX);
        for (file, source) in sources.into_iter().enumerate() {
            let before = commands.len() + report.count;
            let name = source.name.clone();
            let take = |line: u64, read: Result<ReadRecord, Error>| {
                let position = RecordPosition { file, line };
                match read {
                    Ok(ReadRecord { command, unknown }) => {
                        commands.push((position, command));
                        kept.add(unknown);
                    }
                    Err(why) => report.add(|| RecordRefusal::of(position, &why)),
                }
                Ok(())
            };
            match source.format {
                FileFormat::Ndjson => {
                    each_line(source, take, |line| read_line(line, self.options()))?;
                }
                FileFormat::Json => each_item(source, take, |item| read_line(item, self.options()))?,
                FileFormat::Csv => {
                    each_row(source, self.reading.csv(), take, |record| read_record(record, self.options()))?;
                }
            }
            if commands.len() + report.count == before {
                warn_of_empty(&name);
            }
        }
        report.total = report.count + commands.len();
        if report.count > 0 {
            return Err(nothing_changed(&report, names, false));
        }
        let commands = in_order(commands).map_err(|cycle| {
            for (position, why) in cycle {
                report.add(|| RecordRefusal::of(position, &why));
            }
            nothing_changed(&report, names, false)
        })?;
        Ok(ReadFiles { commands, kept })
    }

    fn apply(
        &self,
        directory: &Directory,
        ReadFiles { mut commands, kept }: ReadFiles,
        names: &[String],
    ) -> Result<BulkAnswer> {
        lowest_first(&mut commands, &directory.view());
        let positions: Vec<RecordPosition> = commands.iter().map(|(position, _)| *position).collect();
        if commands.is_empty() {
            return Ok(BulkAnswer { dry_run: self.dry_run, ..BulkAnswer::default() });
        }
        let commands = commands.into_iter().map(|(_, command)| command);
        // Taken before the import, so that the advice to merge is about records that existed then.
        let before = directory.view();
        let author = Author { makes_units: !self.refusing.no_new_units, ..Author::local() };
        let result = if self.dry_run {
            directory.dry_run_as(&author, commands)
        } else {
            directory.apply_as(&author, commands)
        };
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
        Ok(BulkAnswer::of(&applied, kept, self.dry_run))
    }
}
