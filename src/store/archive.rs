//! Export and import of a whole store as NDJSON: its log, change by change, with all ids and timestamps, and the
//! last-used times of tokens.
//!
//! Invariant: importing an archive recreates exactly the store that it was made of, or nothing. An archive that was
//! truncated or changed is refused.

mod line;

use std::io::{BufRead, Read, Write};
use std::path::Path;

use blake3::Hasher;
use redb::ReadableDatabase;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::error::{StoreError, StoreErrorKind};
use crate::model::change::{Batch, ChangeSet};
use crate::model::entity::Revision;
use crate::model::time::Timestamp;
use crate::model::token::TokenId;
use crate::store::archive::line::{ArchiveLine, IdText, id};
use crate::store::backup::Snapshot;
use crate::store::check::FileCheck;
use crate::store::failure::{damaged, failed, reading, reading_at};
use crate::store::log_item::unreadable;
use crate::store::new_file::NewFile;
use crate::store::record::Unfit;
use crate::store::{Store, log, open, uses};

/// The version that is written, and the newest that is read.
const VERSION: u32 = 1;
/// The maximum length of a line.
// Records that long cannot arrive over HTTP, only from a program that embeds the library.
const LINE_MAX_BYTES: u64 = 1 << 30;
/// The maximum length of the first line.
// Short, so that a large file of another kind without line ends is refused after a few kilobytes.
const FIRST_LINE_MAX_BYTES: u64 = 4096;

impl Snapshot {
    /// Writes the store as text, one JSON object per line; returns its last revision.
    ///
    /// # Errors
    /// If the store cannot be read, or `out` cannot be written.
    pub fn archive_to(&self, out: &mut impl Write) -> Result<Revision, StoreError> {
        let meta = self.meta()?;
        let mut text = IdText::new();
        let mut writer = ArchiveWriter { out, hasher: Hasher::new() };
        writer.put(&ArchiveLine::Archive { version: VERSION, store: text.of(meta.store) })?;
        for batch in log::read(&self.0, Revision(1))? {
            writer.put_batch(&batch?)?;
        }
        // Not fatal: no log hash protects this table, so it may be the one damaged part of a store that must be saved.
        let uses = reading(|| uses::read(&self.0)).unwrap_or_else(|failure| {
            tracing::warn!(error = ?failure, "the last-used times of tokens cannot be read, and are left out of the archive");
            Vec::new()
        });
        for (id, at) in uses {
            writer.put(&ArchiveLine::Used { token: id.as_str(), at: at.as_millis() })?;
        }
        let blake3 = writer.hasher.finalize().to_hex();
        writer.put(&ArchiveLine::End { revisions: meta.revision.0, blake3: &blake3 })?;
        Ok(meta.revision)
    }
}

impl Store {
    /// As [`Snapshot::archive_to`], of the store at `path`, which must exist. Does not check its pages, and opens it
    /// read-only unless it was not closed cleanly and must be repaired.
    ///
    /// # Errors
    /// If there is no store, its log cannot be read, or `out` cannot be written.
    pub fn archive_of(path: &Path, out: &mut impl Write) -> Result<Revision, StoreError> {
        match reading_at(path, || open::open_read_only(path))? {
            Some(database) => reading(|| Snapshot(database.begin_read().map_err(failed)?).archive_to(out)),
            None => Self::open_existing(path)?.snapshot()?.archive_to(out),
        }
    }

    /// Creates the store at `path`, which must not exist, from the output of [`Snapshot::archive_to`]. It is checked
    /// before it gets its name.
    ///
    /// # Errors
    /// If `path` exists, or the archive is not one, has a newer version, is truncated or was changed; no file is left
    /// then.
    pub fn restore_archive(path: &Path, archive: impl BufRead) -> Result<FileCheck, StoreError> {
        let mut reader = ArchiveReader { archive, text: Vec::new(), number: 0, hasher: Hasher::new() };
        // Before any file is created, because the first line shows whether this is an archive at all.
        let store = reader.begin()?;
        NewFile::private(path)?.persist_new(|part| {
            let mut store = Self::create_with_id(part, store)?;
            let uses = reader.fill(&mut store)?;
            // Also the one durable commit of the import: it syncs all batches that were committed without a sync. So it
            // must run even when `uses` is empty.
            store.keep_token_uses(&uses)?;
            let checked = store.check()?;
            match checked.findings.first() {
                None => Ok(checked),
                Some(first) => {
                    Err(damaged(format!("the store made from the archive is damaged: {}", first.what)))
                }
            }
        })
    }
}

struct ArchiveWriter<'o, W> {
    out: &'o mut W,
    /// BLAKE3 over all lines so far.
    hasher: Hasher,
}

impl<W: Write> ArchiveWriter<'_, W> {
    fn put(&mut self, line: &ArchiveLine<'_>) -> Result<(), StoreError> {
        let mut text = serde_json::to_vec(line).expect("texts and numbers are JSON");
        text.push(b'\n');
        // The reader's limit, kept here too: what is exported must be importable.
        if text.len() as u64 > LINE_MAX_BYTES {
            let what = format!(
                "a record takes {} bytes as text; the maximum for a line of an archive is {LINE_MAX_BYTES}",
                text.len()
            );
            return Err(StoreError::new(StoreErrorKind::Io, what));
        }
        self.hasher.update(&text);
        self.out.write_all(&text).map_err(|cause| {
            let what = format!("the archive could not be written: {cause}");
            StoreError::new(StoreErrorKind::Io, what).caused_by(cause)
        })
    }

    fn put_batch(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let mut text = IdText::new();
        let (revision, at) = (batch.revision.0, batch.at.as_millis());
        self.put(&ArchiveLine::Batch { revision, id: text.of(batch.id), at })?;
        for set in &batch.sets {
            self.put(&ArchiveLine::of_actor(&set.actor))?;
            for change in &set.changes {
                let line = ArchiveLine::of_change(change, &mut text);
                self.put(&line.map_err(unreadable(batch.revision))?)?;
            }
        }
        Ok(())
    }
}

struct ArchiveReader<R> {
    archive: R,
    /// The last line read, with its line feed.
    text: Vec<u8>,
    /// Its number, from 1.
    number: u64,
    /// BLAKE3 over all lines before it.
    hasher: Hasher,
}

impl<R: BufRead> ArchiveReader<R> {
    /// Reads the first line; returns the id of the archived store.
    fn begin(&mut self) -> Result<Uuid, StoreError> {
        let not_an_archive = |refusal: StoreError| {
            // A failed read says nothing about what the file is.
            if refusal.kind() == StoreErrorKind::Io {
                return refusal;
            }
            damaged("this is not the history of a store; `clade export --history` writes one")
                .caused_by(refusal)
        };
        let value = self.next().map_err(not_an_archive)?;
        // Before the line is parsed strictly, because a newer version may have fields that this one does not know.
        if let Some(version) = value["archive"]["version"].as_u64().filter(|found| *found > VERSION.into()) {
            let what = format!(
                "the history has version {version}, and this Clade reads versions up to {VERSION}; use a newer Clade"
            );
            return Err(StoreError::new(StoreErrorKind::NewerFormat, what));
        }
        match self.line(&value).map_err(not_an_archive)? {
            ArchiveLine::Archive { store, .. } => id(store).map_err(|why| self.bad_line(why)),
            _ => Err(not_an_archive(damaged("the first line is of another kind"))),
        }
    }

    /// Writes all log entries to `store`; returns the last-used times of tokens.
    fn fill(&mut self, store: &mut Store) -> Result<Vec<(TokenId, Timestamp)>, StoreError> {
        let mut open: Option<Batch> = None;
        let mut uses = Vec::new();
        loop {
            let value = self.next()?;
            let line = self.line(&value)?;
            let ends = matches!(
                line,
                ArchiveLine::Batch { .. } | ArchiveLine::Used { .. } | ArchiveLine::End { .. }
            );
            if let Some(whole) = open.take_if(|_| ends) {
                // Without a sync per batch, which would take most of the time. A crash leaves only the temporary file.
                store.commit_without_sync(&whole).map_err(|why| self.not_committed(why))?;
            }
            match line {
                ArchiveLine::Batch { revision, id: text, at } => {
                    let id = id(text).map_err(|why| self.bad_line(why))?;
                    let (revision, at) = (Revision(revision), Timestamp::from_millis(at));
                    open = Some(Batch { revision, id, at, sets: Vec::new() });
                }
                ArchiveLine::Used { token, at } => {
                    let token = TokenId::parse(token).map_err(|why| self.bad_line(why))?;
                    uses.push((token, Timestamp::from_millis(at)));
                }
                ArchiveLine::End { revisions, blake3 } => {
                    // The hasher lags one line behind, so this is the hash of all lines but this last one.
                    let fits = store.revision().0 == revisions && *self.hasher.finalize().to_hex() == *blake3;
                    self.end(fits)?;
                    return Ok(uses);
                }
                change => add(open.as_mut(), change).map_err(|why| self.bad_line(why))?,
            }
        }
    }

    /// Reads and parses the next line, and hashes the one before it.
    fn next(&mut self) -> Result<Value, StoreError> {
        self.hasher.update(&self.text);
        self.text.clear();
        self.number += 1;
        let most = if self.number == 1 { FIRST_LINE_MAX_BYTES } else { LINE_MAX_BYTES };
        let read = (&mut self.archive).take(most).read_until(b'\n', &mut self.text);
        read.map_err(|cause| {
            let what = format!("line {} of the archive cannot be read: {cause}", self.number);
            StoreError::new(StoreErrorKind::Io, what).caused_by(cause)
        })?;
        match self.text.last() {
            None => Err(self.bad_line("is missing: the archive was cut short")),
            Some(b'\n') => serde_json::from_slice(&self.text).map_err(|why| self.bad_line(why)),
            Some(_) => Err(self.bad_line("has no line end: it is too long, or the archive was cut short")),
        }
    }

    fn line<'v>(&self, value: &'v Value) -> Result<ArchiveLine<'v>, StoreError> {
        ArchiveLine::deserialize(value).map_err(|why| self.bad_line(why))
    }

    /// Checks that the archive is unchanged, and that nothing follows its last line.
    fn end(&mut self, fits: bool) -> Result<(), StoreError> {
        if !fits {
            return Err(self.bad_line("does not match the lines before it: one was changed, or is missing"));
        }
        match self.archive.fill_buf() {
            Ok([]) => Ok(()),
            Ok(_) => Err(self.bad_line("should be the last")),
            Err(cause) => Err(self.bad_line(format!("should be the last: {cause}"))),
        }
    }

    /// A batch that could not be committed.
    fn not_committed(&self, why: StoreError) -> StoreError {
        // The new store is empty and sound, so "damaged" means that the archive contradicts itself.
        if why.kind() == StoreErrorKind::Damaged { self.bad_line(why) } else { why }
    }

    fn bad_line(&self, why: impl std::fmt::Display) -> StoreError {
        damaged(format!("line {} of the archive: {why}", self.number))
    }
}

/// Adds an actor or a change to the batch being read.
fn add(open: Option<&mut Batch>, line: ArchiveLine<'_>) -> Result<(), Unfit> {
    let sets = &mut open.ok_or(Unfit::Shape)?.sets;
    match line.actor()? {
        Some(actor) => sets.push(ChangeSet { actor, changes: Vec::new() }),
        None => sets.last_mut().ok_or(Unfit::Shape)?.changes.push(line.into_change()?),
    }
    Ok(())
}
