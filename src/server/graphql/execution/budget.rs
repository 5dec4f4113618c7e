//! What one request may use up, counted while it is carried out: records, fields, texts to look at, memory.
//!
//! What must stay true: a list is weighed before its records are made, with everything that is asked of them, so that
//! what is too much is refused before it takes memory, and what takes long has a slot from then on.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::{Context, QueryPathNode, QueryPathSegment, SelectionField};
use axum::http::StatusCode;
use rustc_hash::FxHashSet;
use serde_json::Value;

use crate::directory::View;
use crate::model::attributes::Attributes;
use crate::model::entity::EntityId;
use crate::query::cost::affordable;
use crate::server::admission::memory::{MemoryPermit, busy};
use crate::server::admission::slots::HeavySlots;
use crate::server::graphql::execution::fan_out::{FanOut, fields_beneath};
use crate::server::graphql::execution::limits::{
    COST_MAX, JSON_MAX_BYTES, LARGE_FROM, LISTED_MAX, TEXT_MAX_BYTES,
};
use crate::server::graphql::execution::schedule::{Turn, blocking};
use crate::server::graphql::types::scalars::Json;
use crate::server::limits::{FIELD_BYTES, LISTED_RECORD_BYTES};
use crate::server::response::problem::{Problem, Result};

/// Memory for texts is taken by so many bytes.
const TEXT_PIECE_BYTES: u64 = 64 << 10;

/// What one request, or all of a batch, may still use up.
#[derive(Debug)]
pub(crate) struct Budget {
    pub(in crate::server) turn: Turn,
    records: AtomicU64,
    fields: AtomicU64,
    texts: AtomicU64,
    json_bytes: AtomicU64,
    text_bytes: AtomicU64,
    memory: Mutex<Option<MemoryPermit>>,
    weighed: Mutex<Weighed>,
    /// Whether there was too little memory.
    was_full: AtomicBool,
}

/// The paths of the lists whose records' lists were weighed.
#[derive(Debug, Default)]
struct Weighed {
    hasher: RandomState,
    paths: FxHashSet<u64>,
}

impl Budget {
    pub(in crate::server) fn new(turn: Turn) -> Self {
        Self {
            turn,
            records: AtomicU64::new(0),
            fields: AtomicU64::new(0),
            texts: AtomicU64::new(0),
            json_bytes: AtomicU64::new(0),
            text_bytes: AtomicU64::new(0),
            memory: Mutex::default(),
            weighed: Mutex::default(),
            was_full: AtomicBool::new(false),
        }
    }

    pub(in crate::server) fn of<'c>(context: &Context<'c>) -> Result<&'c Self> {
        context.data::<Arc<Self>>().map(AsRef::as_ref).map_err(|_| Problem::internal())
    }

    /// Does work that looks at about so many texts or records of `view`, unless that is too much for one request.
    pub(in crate::server) async fn look<T>(
        &self,
        view: &View,
        texts: u64,
        work: impl FnOnce() -> Result<T> + Send,
    ) -> Result<T> {
        let texts_before = self.texts.fetch_add(texts, Ordering::Relaxed);
        affordable(view, texts_before.saturating_add(texts))?;
        self.turn.pause()?;
        if HeavySlots::is_light(texts) {
            return work();
        }
        self.turn.take_slot_in_order().await?;
        blocking(work)
    }

    /// Takes memory for so many bytes more.
    fn grow(&self, bytes: u64) -> Result<()> {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let grown = match &mut *memory {
            Some(held) => held.grow(bytes),
            none => {
                let work = self.turn.work();
                work.memory(bytes).map(|held| *none = Some(held))
            }
        };
        grown.map_err(|_| {
            self.was_full.store(true, Ordering::Relaxed);
            busy()
        })
    }

    /// Counts JSON that is about to be answered: one record may have megabytes of it, and be asked for many times.
    fn copy(&self, bytes: usize) -> Result<()> {
        let bytes = bytes as u64;
        let all = self.json_bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if all > JSON_MAX_BYTES {
            return Err(too_much("bytes of JSON in its records", JSON_MAX_BYTES));
        }
        // As a value, and as text.
        self.grow(2 * bytes)
    }

    /// Counts a text that is about to be answered.
    pub(in crate::server) fn count_text(&self, text: &str) -> Result<()> {
        let bytes = text.len() as u64;
        let before = self.text_bytes.fetch_add(bytes, Ordering::Relaxed);
        let all = before.saturating_add(bytes);
        if all > TEXT_MAX_BYTES {
            return Err(too_much("bytes of text in its records", TEXT_MAX_BYTES));
        }
        // As a value, and as written; so many bytes at a time, since most texts are short.
        let pieces = all / TEXT_PIECE_BYTES - before / TEXT_PIECE_BYTES;
        if pieces > 0 { self.grow(2 * pieces * TEXT_PIECE_BYTES) } else { Ok(()) }
    }

    /// Refuses an answer that is not whole for want of memory.
    pub(in crate::server) fn had_memory(&self) -> Result<()> {
        if self.text_bytes.load(Ordering::Relaxed) > TEXT_MAX_BYTES {
            return Err(too_much("bytes of text in its records", TEXT_MAX_BYTES));
        }
        if self.was_full.load(Ordering::Relaxed) { Err(busy()) } else { Ok(()) }
    }

    /// Counts `records` that are about to be answered with the fields that `field` asks of each.
    fn answer(&self, field: &SelectionField<'_>, records: usize) -> Result<()> {
        if records == 0 {
            return Ok(());
        }
        let records = records as u64;
        let fields = records.saturating_mul(fields_beneath(field));
        let all = self.fields.fetch_add(fields, Ordering::Relaxed).saturating_add(fields);
        if all > COST_MAX {
            return Err(too_much("fields", COST_MAX));
        }
        self.grow(records * LISTED_RECORD_BYTES + fields * FIELD_BYTES)
    }

    /// Counts the records of a list that has no page size.
    fn list(&self, records: usize) -> Result<()> {
        let records = records as u64;
        let all = self.records.fetch_add(records, Ordering::Relaxed).saturating_add(records);
        if all > LISTED_MAX { Err(too_many_listed()) } else { Ok(()) }
    }

    /// Whether a list was weighed with one above it. `mark` says that what is beneath it will be.
    fn is_weighed(&self, context: &Context<'_>, mark: bool) -> bool {
        let mut weighed = self.weighed.lock().unwrap_or_else(PoisonError::into_inner);
        let (hash, is_weighed) = among(&weighed, context.path_node.as_ref());
        if mark {
            weighed.paths.insert(hash);
        }
        is_weighed
    }

    /// Weighs the lists that are asked of these records, and so on down to the next page, before any of them is made. A
    /// request that will take long has a slot from here on.
    async fn weigh(&self, context: &Context<'_>, view: &View, records: &[EntityId]) -> Result<()> {
        self.is_weighed(context, true);
        let left = LISTED_MAX.saturating_sub(self.records.load(Ordering::Relaxed));
        let FanOut { listed, fields } = FanOut::beneath(view, &context.field(), records, left);
        if listed > left {
            return Err(too_many_listed());
        }
        if fields > COST_MAX {
            return Err(too_much("fields", COST_MAX));
        }
        if fields >= LARGE_FROM { self.turn.take_slot_in_order().await } else { Ok(()) }
    }
}

/// The hash of a path, and whether it or one above it is among `weighed`.
fn among(weighed: &Weighed, node: Option<&QueryPathNode<'_>>) -> (u64, bool) {
    let Some(node) = node else { return (0, false) };
    let (above, is_above) = among(weighed, node.parent);
    let hash = match node.segment {
        QueryPathSegment::Index(index) => weighed.hasher.hash_one((above, index)),
        QueryPathSegment::Name(name) => weighed.hasher.hash_one((above, name)),
    };
    (hash, is_above || weighed.paths.contains(&hash))
}

/// Counts the records of a list that has no page size before they are made, and refuses those that are too many for one
/// request.
pub(in crate::server) async fn list(
    context: &Context<'_>,
    view: &View,
    records: Vec<EntityId>,
) -> Result<Vec<EntityId>> {
    let budget = Budget::of(context)?;
    budget.list(records.len())?;
    if !budget.is_weighed(context, false) {
        budget.weigh(context, view, &records).await?;
    }
    page_of(context, records.len())?;
    Ok(records)
}

/// Counts the records of a page, as [`list`] does those of a list. Which records it has is known only now, so their
/// lists are weighed now.
pub(in crate::server) async fn page(context: &Context<'_>, view: &View, records: &[EntityId]) -> Result<()> {
    let budget = Budget::of(context)?;
    budget.weigh(context, view, records).await?;
    page_of(context, records.len())
}

/// The same of what is no entity, and so leads to no lists.
pub(in crate::server) fn list_of<T>(context: &Context<'_>, records: Vec<T>) -> Result<Vec<T>> {
    Budget::of(context)?.list(records.len())?;
    page_of(context, records.len())?;
    Ok(records)
}

/// The same of a page.
pub(in crate::server) fn page_of(context: &Context<'_>, records: usize) -> Result<()> {
    let budget = Budget::of(context)?;
    budget.answer(&context.field(), records)?;
    budget.turn.pause()
}

/// A record's attributes.
pub(in crate::server) fn attributes(context: &Context<'_>, attributes: &Attributes) -> Result<Json> {
    if let Some(members) = attributes.as_map() {
        let bytes = members.iter().map(|(name, value)| name.len() + size_bytes(value)).sum();
        Budget::of(context)?.copy(bytes)?;
    }
    Ok(Json(attributes.to_value()))
}

/// Some part of a record that is kept as JSON.
pub(in crate::server) fn json(context: &Context<'_>, value: &Value) -> Result<Json> {
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

fn too_many_listed() -> Problem {
    too_much("records in lists", LISTED_MAX)
}

fn too_much(what: &str, limit: u64) -> Problem {
    let detail = format!("this answer has more than {limit} {what}; ask for less at a time, by pages");
    Problem::new(StatusCode::BAD_REQUEST, "too-complex", detail).with("limit", limit)
}
