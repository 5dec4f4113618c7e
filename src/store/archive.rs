//! A whole store as text: its log, fact by fact, with every id and moment, and when tokens were last used.
//!
//! What must stay true: a store made from an archive is the store that the archive was made of, or is not made. An
//! archive that was cut short or changed is refused.

mod line;

use std::io::{BufRead, Read, Write};
use std::path::Path;

use blake3::Hasher;
use redb::ReadableDatabase;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::error::{StoreError, StoreTrouble};
use crate::model::change::{Batch, ChangeSet};
use crate::model::entity::Revision;
use crate::model::time::Timestamp;
use crate::model::token::TokenId;
use crate::store::archive::line::{ArchiveLine, IdText, id};
use crate::store::backup::Snapshot;
use crate::store::check::FileCheck;
use crate::store::fact::unreadable;
use crate::store::failure::{damaged, failed, reading, reading_at};
use crate::store::new_file::NewFile;
use crate::store::record::Unfit;
use crate::store::{Store, log, open, uses};

/// The version that is written, and the newest that is read.
const VERSION: u32 = 1;
/// The longest line, in bytes: a record of a gigabyte at most, which only who embeds this can make.
const LINE_MAX_BYTES: u64 = 1 << 30;
/// The longest first line: what is no archive need not be read to find that out.
const FIRST_LINE_MAX_BYTES: u64 = 4096;

impl Snapshot {
    /// Writes the store as text, a JSON object a line; gives back its last revision.
    ///
    /// # Errors
    /// When the store cannot be read, or `out` not be written.
    pub fn archive_to(&self, out: &mut impl Write) -> Result<Revision, StoreError> {
        let meta = self.meta()?;
        let mut text = IdText::new();
        let mut writing = Writing { out, hasher: Hasher::new() };
        writing.put(&ArchiveLine::Archive { version: VERSION, store: text.of(meta.store) })?;
        for batch in log::read(&self.0, Revision(1))? {
            writing.put_batch(&batch?)?;
        }
        // No hash vouches for these, and nothing hangs on them: a store that is saved without them is saved.
        let uses = reading(|| uses::read(&self.0)).unwrap_or_else(|failure| {
            tracing::warn!(error = ?failure, "when tokens were last used cannot be read, and is left out");
            Vec::new()
        });
        for (id, at) in uses {
            writing.put(&ArchiveLine::Used { token: id.as_str(), at: at.as_millis() })?;
        }
        let blake3 = writing.hasher.finalize().to_hex();
        writing.put(&ArchiveLine::End { revisions: meta.revision.0, blake3: &blake3 })?;
        Ok(meta.revision)
    }
}

impl Store {
    /// As [`Snapshot::archive_to`], of the store at `path`, which must exist. Its pages are not examined, and it is left as
    /// it is, but for what is repaired where it was not closed.
    ///
    /// # Errors
    /// When there is no store, or its log cannot be read, or `out` not be written.
    pub fn archive_of(path: &Path, out: &mut impl Write) -> Result<Revision, StoreError> {
        match reading_at(path, || open::look_at(path))? {
            Some(database) => reading(|| Snapshot(database.begin_read().map_err(failed)?).archive_to(out)),
            None => Self::open_existing(path)?.snapshot()?.archive_to(out),
        }
    }

    /// Makes the store at `path`, where nothing may be yet, from what [`Snapshot::archive_to`] wrote. It is examined
    /// before it gets its name.
    ///
    /// # Errors
    /// When there is something, or the archive is none, a newer one, cut short or changed; nothing is left then.
    pub fn restore_archive(path: &Path, archive: impl BufRead) -> Result<FileCheck, StoreError> {
        let mut reading = Reading { archive, text: Vec::new(), number: 0, hasher: Hasher::new() };
        // Before anything is made: the first line tells what file it is.
        let store = reading.begin()?;
        NewFile::private(path)?.named_once(|part| {
            let mut store = Self::make_as(part, store)?;
            let uses = reading.fill(&mut store)?;
            // With this, everything that was written before is on disk too.
            store.keep_token_uses(&uses)?;
            let checked = store.check()?;
            match checked.findings.first() {
                None => Ok(checked),
                Some(first) => Err(damaged(format!("the archive leaves no sound store: {}", first.what))),
            }
        })
    }
}

struct Writing<'o, W> {
    out: &'o mut W,
    /// Of all lines so far.
    hasher: Hasher,
}

impl<W: Write> Writing<'_, W> {
    fn put(&mut self, line: &ArchiveLine<'_>) -> Result<(), StoreError> {
        let mut text = serde_json::to_vec(line).expect("texts and numbers are JSON");
        text.push(b'\n');
        if text.len() as u64 > LINE_MAX_BYTES {
            let what = format!(
                "a record takes {} bytes as text, and an archive {LINE_MAX_BYTES} at most",
                text.len()
            );
            return Err(StoreError::new(StoreTrouble::Io, what));
        }
        self.hasher.update(&text);
        self.out.write_all(&text).map_err(|cause| {
            let what = format!("the archive could not be written: {cause}");
            StoreError::new(StoreTrouble::Io, what).caused_by(cause)
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

struct Reading<R> {
    archive: R,
    /// The line that was read last.
    text: Vec<u8>,
    /// Its number, from 1.
    number: u64,
    /// Of all lines before it.
    hasher: Hasher,
}

impl<R: BufRead> Reading<R> {
    /// The id of the store that this is an archive of.
    fn begin(&mut self) -> Result<Uuid, StoreError> {
        let none = |refusal: StoreError| {
            // It could not be read, whatever it is.
            if refusal.trouble() == StoreTrouble::Io {
                return refusal;
            }
            damaged("this is no history of a store; `clade export --history` writes one").caused_by(refusal)
        };
        let value = self.next().map_err(none)?;
        // Whatever else a newer one says.
        if let Some(version) = value["archive"]["version"].as_u64().filter(|found| *found > VERSION.into()) {
            let what = format!(
                "the history is of version {version}, and this Clade reads up to {VERSION}; use a newer one"
            );
            return Err(StoreError::new(StoreTrouble::NewerFormat, what));
        }
        match self.line(&value).map_err(none)? {
            ArchiveLine::Archive { store, .. } => id(store).map_err(|why| self.unfit(why)),
            _ => Err(none(damaged("another line"))),
        }
    }

    /// Writes all entries of the log; gives back when tokens were last used.
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
                store.commit_later(&whole).map_err(|why| self.unwritten(why))?;
            }
            match line {
                ArchiveLine::Batch { revision, id: text, at } => {
                    let id = id(text).map_err(|why| self.unfit(why))?;
                    let (revision, at) = (Revision(revision), Timestamp::from_millis(at));
                    open = Some(Batch { revision, id, at, sets: Vec::new() });
                }
                ArchiveLine::Used { token, at } => {
                    let token = TokenId::parse(token).map_err(|why| self.unfit(why))?;
                    uses.push((token, Timestamp::from_millis(at)));
                }
                ArchiveLine::End { revisions, blake3 } => {
                    let fits = store.revision().0 == revisions && *self.hasher.finalize().to_hex() == *blake3;
                    self.end(fits)?;
                    return Ok(uses);
                }
                fact => add(open.as_mut(), fact).map_err(|why| self.unfit(why))?,
            }
        }
    }

    /// Reads the next line.
    fn next(&mut self) -> Result<Value, StoreError> {
        self.hasher.update(&self.text);
        self.text.clear();
        self.number += 1;
        let most = if self.number == 1 { FIRST_LINE_MAX_BYTES } else { LINE_MAX_BYTES };
        let read = (&mut self.archive).take(most).read_until(b'\n', &mut self.text);
        read.map_err(|cause| {
            let what = format!("line {} of the archive cannot be read: {cause}", self.number);
            StoreError::new(StoreTrouble::Io, what).caused_by(cause)
        })?;
        match self.text.last() {
            None => Err(self.unfit("is missing: the archive was cut short")),
            Some(b'\n') => serde_json::from_slice(&self.text).map_err(|why| self.unfit(why)),
            Some(_) => Err(self.unfit("has no end: it is too long, or the archive was cut short")),
        }
    }

    fn line<'v>(&self, value: &'v Value) -> Result<ArchiveLine<'v>, StoreError> {
        ArchiveLine::deserialize(value).map_err(|why| self.unfit(why))
    }

    /// The archive is what was written, and nothing stands behind it.
    fn end(&mut self, fits: bool) -> Result<(), StoreError> {
        if !fits {
            return Err(self.unfit("does not fit those before it: one was changed, or is missing"));
        }
        match self.archive.fill_buf() {
            Ok([]) => Ok(()),
            Ok(_) => Err(self.unfit("should be the last")),
            Err(cause) => Err(self.unfit(format!("should be the last: {cause}"))),
        }
    }

    /// What the archive says cannot be, or what the disk refuses.
    fn unwritten(&self, why: StoreError) -> StoreError {
        if why.trouble() == StoreTrouble::Damaged { self.unfit(why) } else { why }
    }

    fn unfit(&self, why: impl std::fmt::Display) -> StoreError {
        damaged(format!("line {} of the archive: {why}", self.number))
    }
}

/// Adds what is no beginning of an entry to the one that is open.
fn add(open: Option<&mut Batch>, line: ArchiveLine<'_>) -> Result<(), Unfit> {
    let sets = &mut open.ok_or(Unfit::Shape)?.sets;
    match line.actor()? {
        Some(actor) => sets.push(ChangeSet { actor, changes: Vec::new() }),
        None => sets.last_mut().ok_or(Unfit::Shape)?.changes.push(line.into_change()?),
    }
    Ok(())
}
