//! What one request may use up, counted while it is carried out: answers, texts to look at, and time.
//!
//! How long a list without a page size is, the document does not say: its cost is only guessed at beforehand, and a
//! unit may have ten thousand children. What must stay true: whatever takes long asks here before it begins, so that a
//! request ends soon after its time is up or its client is gone. It does so without giving up its turn, so that fields
//! are answered in the order in which they are asked for.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_graphql::{Context, SelectionField};
use axum::http::StatusCode;
use serde_json::Value;

use crate::directory::View;
use crate::error::Error;
use crate::model::attributes::Attributes;
use crate::query::cost::texts_max;
use crate::server::admission::Asker;
use crate::server::graphql::aside::{Places, aside};
use crate::server::graphql::limits::{COST_MAX, JSON_MAX_BYTES, LISTED_MAX, TEXT_MAX_BYTES};
use crate::server::graphql::scalars::Json;
use crate::server::limits::FIELD_COUNTS_BYTES;
use crate::server::outstanding::{Outstanding, busy};
use crate::server::problem::{Problem, Result};
use crate::server::shares::Share;

/// After so long a request lets others go on.
const PAUSE_EVERY: Duration = Duration::from_millis(2);
/// Room for texts is taken by so many bytes.
const TEXT_PIECE_BYTES: u64 = 64 << 10;
/// Looking at so many texts takes long enough to be done where it holds up nobody.
const LONG_FROM: u64 = 50_000;

/// What one request, or all of a batch, may still use up.
#[derive(Debug)]
pub(crate) struct Budget {
    began: Instant,
    within: Duration,
    places: Arc<Places>,
    /// Whether the request has a place among those that take long.
    is_placed: bool,
    /// Whether nobody waits for the answer any more.
    is_forsaken: AtomicBool,
    /// When it last paused, in microseconds since it began.
    paused_us: AtomicU64,
    records: AtomicU64,
    fields: AtomicU64,
    texts: AtomicU64,
    json_bytes: AtomicU64,
    text_bytes: AtomicU64,
    room: Room,
}

/// The room that an answer takes while it is made, as it grows.
#[derive(Debug)]
struct Room {
    outstanding: Outstanding,
    asker: Asker,
    taken: Mutex<Option<Share<Asker>>>,
    /// Whether there was too little.
    was_full: AtomicBool,
}

impl Room {
    fn grow(&self, bytes: u64) -> Result<()> {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let grown = match &mut *taken {
            Some(share) => share.grow(bytes).map_err(|_| busy()),
            none => self.outstanding.begin(&self.asker, bytes).map(|share| *none = Some(share)),
        };
        if grown.is_err() {
            self.was_full.store(true, Ordering::Relaxed);
        }
        grown
    }
}

impl Budget {
    /// Of a request of `asker`'s, whose answer takes of the room of all answers.
    pub(super) fn new(within: Duration, places: Arc<Places>, outstanding: Outstanding, asker: Asker) -> Self {
        let room = Room { outstanding, asker, taken: Mutex::default(), was_full: AtomicBool::new(false) };
        Self {
            room,
            began: Instant::now(),
            within,
            places,
            is_placed: false,
            is_forsaken: AtomicBool::new(false),
            paused_us: AtomicU64::new(0),
            records: AtomicU64::new(0),
            fields: AtomicU64::new(0),
            texts: AtomicU64::new(0),
            json_bytes: AtomicU64::new(0),
            text_bytes: AtomicU64::new(0),
        }
    }

    /// That of a request which has a place of its own among those that take long.
    pub(super) fn placed(self) -> Self {
        Self { is_placed: true, ..self }
    }

    pub(super) fn of<'c>(context: &Context<'c>) -> Result<&'c Self> {
        context.data::<Arc<Self>>().map(AsRef::as_ref).map_err(|_| Problem::internal())
    }

    /// How long the request may be worked on.
    pub(super) fn within(&self) -> Duration {
        self.within
    }

    /// As [`Places::in_order`].
    pub(super) async fn in_order<F: Future>(&self, wait: F) -> Result<F::Output> {
        self.places.in_order(wait).await
    }

    /// How much time is left.
    pub(super) fn left(&self) -> Duration {
        self.within.saturating_sub(self.began.elapsed())
    }

    /// Tells the request that nobody waits for its answer any more.
    pub(super) fn forsake(&self) {
        self.is_forsaken.store(true, Ordering::Relaxed);
    }

    /// Whether its time is up or its client gone.
    pub(super) fn is_over(&self) -> bool {
        self.left().is_zero() || self.is_forsaken.load(Ordering::Relaxed)
    }

    /// Lets others go on if it is time to, and refuses to go on itself once its time is up or its client is gone.
    fn pause(&self) -> Result<()> {
        if self.is_over() {
            return Err(too_late(self.within));
        }
        if self.is_placed {
            return Ok(());
        }
        let now = self.began.elapsed();
        let now_us = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
        let since = now_us.saturating_sub(self.paused_us.load(Ordering::Relaxed));
        if Duration::from_micros(since) >= PAUSE_EVERY {
            self.paused_us.store(now_us, Ordering::Relaxed);
            // Another thread takes over what waits for this one.
            aside(|| ());
        }
        Ok(())
    }

    /// Does work that looks at about so many texts or records of `view`, unless that is too much for one request.
    pub(super) async fn look<T>(
        &self,
        view: &View,
        texts: u64,
        work: impl FnOnce() -> Result<T> + Send,
    ) -> Result<T> {
        let texts_before = self.texts.fetch_add(texts, Ordering::Relaxed);
        let (all, limit) = (texts_before.saturating_add(texts), texts_max(view));
        if all > limit {
            return Err(Error::TooCostly { texts: all, limit }.into());
        }
        self.pause()?;
        if texts < LONG_FROM {
            return work();
        }
        let _place =
            if self.is_placed { None } else { Some(self.places.in_order(self.places.one(self)).await??) };
        aside(work)
    }

    /// Counts JSON that is about to be answered: one record may have megabytes of it, and be asked for many times.
    fn copy(&self, bytes: usize) -> Result<()> {
        let bytes = bytes as u64;
        let all = self.json_bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if all > JSON_MAX_BYTES {
            return Err(too_much("bytes of JSON in its records", JSON_MAX_BYTES));
        }
        // As a value, and as text.
        self.room.grow(2 * bytes)
    }

    /// Counts a text that is about to be answered.
    pub(super) fn tell(&self, text: &str) -> Result<()> {
        let bytes = text.len() as u64;
        let before = self.text_bytes.fetch_add(bytes, Ordering::Relaxed);
        let all = before.saturating_add(bytes);
        if all > TEXT_MAX_BYTES {
            return Err(too_much("bytes of text in its records", TEXT_MAX_BYTES));
        }
        // As a value, and as written; so many bytes at a time, since most texts are short.
        let pieces = all / TEXT_PIECE_BYTES - before / TEXT_PIECE_BYTES;
        if pieces > 0 { self.room.grow(2 * pieces * TEXT_PIECE_BYTES) } else { Ok(()) }
    }

    /// Whether there was as much text and as much room as the answer took.
    pub(super) fn had_room(&self) -> Result<()> {
        if self.text_bytes.load(Ordering::Relaxed) > TEXT_MAX_BYTES {
            return Err(too_much("bytes of text in its records", TEXT_MAX_BYTES));
        }
        if self.room.was_full.load(Ordering::Relaxed) { Err(busy()) } else { Ok(()) }
    }

    /// Counts `records` that are about to be answered with the fields that `field` asks of each.
    fn answer(&self, field: &SelectionField<'_>, records: usize) -> Result<()> {
        if records == 0 {
            return Ok(());
        }
        let fields = (records as u64).saturating_mul(fields_beneath(field));
        let all = self.fields.fetch_add(fields, Ordering::Relaxed).saturating_add(fields);
        if all > COST_MAX {
            return Err(too_much("fields", COST_MAX));
        }
        self.room.grow(fields * FIELD_COUNTS_BYTES)
    }
}

/// How many fields are asked for beneath a field, those of a list once: what is in it counts when it is answered. No
/// more than the document may have.
fn fields_beneath(field: &SelectionField<'_>) -> u64 {
    field.selection_set().map(|field| 1 + fields_beneath(&field)).sum()
}

/// Counts the records of a list before they are made, and refuses those that are too many for one request.
pub(super) async fn list<T>(context: &Context<'_>, records: Vec<T>) -> Result<Vec<T>> {
    let budget = Budget::of(context)?;
    let here = records.len() as u64;
    if budget.records.fetch_add(here, Ordering::Relaxed).saturating_add(here) > LISTED_MAX {
        return Err(too_much("records in lists", LISTED_MAX));
    }
    page(context, records.len()).await?;
    Ok(records)
}

/// Counts the records of a page, as [`list`] does those of a list.
pub(super) async fn page(context: &Context<'_>, records: usize) -> Result<()> {
    let budget = Budget::of(context)?;
    budget.answer(&context.field(), records)?;
    budget.pause()
}

/// A record's attributes.
pub(super) fn attributes(context: &Context<'_>, attributes: &Attributes) -> Result<Json> {
    match attributes.as_map() {
        Some(members) => {
            Budget::of(context)?
                .copy(members.iter().map(|(name, value)| name.len() + size_bytes(value)).sum())?;
            Ok(Json(attributes.to_value()))
        }
        None => Ok(Json(attributes.to_value())),
    }
}

/// Some part of a record that is kept as JSON.
pub(super) fn json(context: &Context<'_>, value: &Value) -> Result<Json> {
    Budget::of(context)?.copy(size_bytes(value))?;
    Ok(Json(value.clone()))
}

/// About how much memory a value takes, in bytes.
fn size_bytes(value: &Value) -> usize {
    size_of::<Value>()
        + match value {
            Value::String(text) => text.len(),
            Value::Array(all) => all.iter().map(size_bytes).sum(),
            Value::Object(all) => all.iter().map(|(name, value)| name.len() + size_bytes(value)).sum(),
            _ => 0,
        }
}

fn too_much(what: &str, limit: u64) -> Problem {
    let detail = format!("this answer has more than {limit} {what}; ask for less at a time, by pages");
    Problem::new(StatusCode::BAD_REQUEST, "too-complex", detail).with("limit", limit)
}

/// The one answer to a request that takes too long.
pub(super) fn too_late(within: Duration) -> Problem {
    let limit_ms = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
    let detail = format!("this took longer than {limit_ms} ms; ask for less at a time");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", detail).with("limitMs", limit_ms)
}
