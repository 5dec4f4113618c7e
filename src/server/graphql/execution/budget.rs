//! The execution budget of one request: records, fields, texts read, and memory, counted during execution.
//!
//! Invariant: a list is weighed before its records are resolved, together with everything selected below it. A request
//! above a limit is refused before it takes memory, and an expensive one has a slot of heavy work from then on.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::{Context, QueryPathNode, QueryPathSegment};
use axum::http::StatusCode;
use rustc_hash::FxHashSet;
use serde_json::Value;

use crate::directory::View;
use crate::model::attributes::Attributes;
use crate::model::entity::EntityId;
use crate::query::cost::check_affordable;
use crate::server::admission::memory::{MemoryPermit, busy};
use crate::server::admission::slots::HeavySlots;
use crate::server::graphql::execution::fan_out::{FanOut, SelectedField, fields_below};
use crate::server::graphql::execution::limits::{
    COST_MAX, JSON_MAX_BYTES, LARGE_FROM, LISTED_MAX, TEXT_MAX_BYTES,
};
use crate::server::graphql::execution::schedule::{Turn, blocking};
use crate::server::graphql::types::scalars::Json;
use crate::server::limits::{FIELD_BYTES, LISTED_RECORD_BYTES};
use crate::server::response::problem::{Problem, Result};

/// Memory for texts is reserved in steps of this size, in bytes.
const TEXT_PIECE_BYTES: u64 = 64 << 10;

/// The counters of one request, or of all requests of a batch together.
// The counters are atomics because resolvers share the budget by reference. `Relaxed` is enough: each counter stands
// for itself, and no other memory is published through it.
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
    /// Whether a reservation of memory failed.
    was_full: AtomicBool,
}

/// What a budget was charged up to some point.
#[derive(Debug, Clone, Copy)]
pub(in crate::server) struct Charged {
    counts: [u64; 5],
    memory_bytes: usize,
    was_full: bool,
}

/// Hashes of the response paths of all lists that were weighed with everything below them.
// Hashes, since a path borrows from its resolver's context and cannot be kept. The hasher is seeded at random for each
// request, so that no client can choose aliases whose paths collide and pass a list unweighed.
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

    /// Runs work that reads about `texts` texts or records of `view`, with a slot if that is heavy.
    ///
    /// # Errors
    /// The request's total is above the limit, its time is up, or no slot could be had.
    pub(in crate::server) async fn run_read<T>(
        &self,
        view: &View,
        texts: u64,
        work: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        // Counted before it is checked, so that two fields cannot both pass with what is left for one of them.
        let texts_before = self.texts.fetch_add(texts, Ordering::Relaxed);
        check_affordable(view, texts_before.saturating_add(texts))?;
        self.turn.pause()?;
        if HeavySlots::is_light(texts) {
            return work();
        }
        self.turn.take_slot_in_order().await?;
        blocking(work)
    }

    /// Reserves `bytes` more of the server's memory budget, until the response is written.
    ///
    /// # Errors
    /// The memory budget, or the caller's part of it, is exhausted.
    fn grow(&self, bytes: u64) -> Result<()> {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        // The first reservation makes the permit. Small requests never get here with a text, and take none.
        let grown = match &mut *memory {
            Some(permit) => permit.grow(bytes),
            none => {
                let work = self.turn.work();
                work.memory(bytes).map(|permit| *none = Some(permit))
            }
        };
        grown.map_err(|_| {
            // Remembered, because an error in a nullable field makes it null and would leave a response with status 200
            // and holes in it: `check_memory` refuses that response as a whole.
            self.was_full.store(true, Ordering::Relaxed);
            busy()
        })
    }

    /// Charges for a copy of a JSON value. One record may have megabytes of it and be selected many times.
    fn charge_json(&self, bytes: usize) -> Result<()> {
        let bytes = bytes as u64;
        let all = self.json_bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if all > JSON_MAX_BYTES {
            return Err(too_much("bytes of JSON in its records", JSON_MAX_BYTES));
        }
        // Twice: the value in the response tree, and the serialized text beside it.
        self.grow(2 * bytes)
    }

    /// Charges for texts of this size that are copied into the response.
    pub(in crate::server) fn count_text(&self, bytes: usize) -> Result<()> {
        let bytes = bytes as u64;
        let before = self.text_bytes.fetch_add(bytes, Ordering::Relaxed);
        let all = before.saturating_add(bytes);
        if all > TEXT_MAX_BYTES {
            return Err(too_much("bytes of text in its records", TEXT_MAX_BYTES));
        }
        // Twice, as in `charge_json`. In steps of 64 KiB, since a reservation takes two locks and most texts are short:
        // the text that crosses the next multiple reserves the step.
        let pieces = all / TEXT_PIECE_BYTES - before / TEXT_PIECE_BYTES;
        if pieces > 0 { self.grow(2 * pieces * TEXT_PIECE_BYTES) } else { Ok(()) }
    }

    /// Checks that the response is complete, which it is not after a field failed for memory.
    ///
    /// # Errors
    /// Memory was exhausted, or the response has too much text.
    pub(in crate::server) fn check_memory(&self) -> Result<()> {
        // First, as it is the more useful error: asking for less helps, and trying again does not.
        if self.text_bytes.load(Ordering::Relaxed) > TEXT_MAX_BYTES {
            return Err(too_much("bytes of text in its records", TEXT_MAX_BYTES));
        }
        if self.was_full.load(Ordering::Relaxed) { Err(busy()) } else { Ok(()) }
    }

    /// Charges for the records of a list without pagination before they are resolved. `is_weighed` tells that the list
    /// was weighed as part of one above it.
    ///
    /// # Errors
    /// The request has too many records or fields, or no memory, slot or time is left.
    pub(in crate::server) async fn list(
        &self,
        field: &impl SelectedField,
        view: &View,
        records: &[EntityId],
        is_weighed: bool,
    ) -> Result<()> {
        self.charge_records(records.len())?;
        // A list inside a weighed one was counted there by the graph's real fan-out; weighing it again would be quadratic.
        if !is_weighed {
            self.weigh(field, view, records).await?;
        }
        self.page_of(field, records.len())
    }

    /// Charges for the records of a page, as [`Self::list`] does. Which records a page has is known only when it is
    /// resolved, so the lists below them are weighed here, even if lists above were.
    ///
    /// # Errors
    /// As [`Self::list`].
    pub(in crate::server) async fn page(
        &self,
        field: &impl SelectedField,
        view: &View,
        records: &[EntityId],
    ) -> Result<()> {
        self.weigh(field, view, records).await?;
        self.page_of(field, records.len())
    }

    /// As [`Self::page`], for records that are not entities.
    fn page_of(&self, field: &impl SelectedField, records: usize) -> Result<()> {
        self.charge_fields(field, records)?;
        // Every list passes here, so this is where a request notices that its time is up or its client gone.
        self.turn.pause()
    }

    /// Charges for `records` records with the fields that `field` selects of each.
    fn charge_fields(&self, field: &impl SelectedField, records: usize) -> Result<()> {
        if records == 0 {
            return Ok(());
        }
        let records = records as u64;
        // The selection's static size. Fields in nested lists are counted again when those lists are resolved.
        let fields = records.saturating_mul(fields_below(field));
        let all = self.fields.fetch_add(fields, Ordering::Relaxed).saturating_add(fields);
        if all > COST_MAX {
            return Err(too_much("fields", COST_MAX));
        }
        // No overflow: `fields` is at most `COST_MAX`, and every record has at least one field.
        self.grow(records * LISTED_RECORD_BYTES + fields * FIELD_BYTES)
    }

    /// Charges for the records of a list without pagination.
    fn charge_records(&self, records: usize) -> Result<()> {
        let records = records as u64;
        let all = self.records.fetch_add(records, Ordering::Relaxed).saturating_add(records);
        if all > LISTED_MAX { Err(too_many_listed()) } else { Ok(()) }
    }

    /// Weighs all lists below these records, down to the next pages, before any of them is resolved. Takes a slot for
    /// the rest of the request if that is heavy.
    async fn weigh(&self, field: &impl SelectedField, view: &View, records: &[EntityId]) -> Result<()> {
        let left = LISTED_MAX.saturating_sub(self.records.load(Ordering::Relaxed));
        let FanOut { listed, fields } = FanOut::below(view, field, records, left);
        if listed > left {
            return Err(too_many_listed());
        }
        if fields > COST_MAX {
            return Err(too_much("fields", COST_MAX));
        }
        if fields >= LARGE_FROM { self.turn.take_slot_in_order().await } else { Ok(()) }
    }

    /// Charges for the values of a list of texts, without the texts.
    pub(in crate::server) fn count_values(&self, values: u64) -> Result<()> {
        self.grow(values.saturating_mul(FIELD_BYTES))
    }

    /// Charges for a copy of a record's attributes.
    pub(in crate::server) fn count_attributes(&self, attributes: &Attributes) -> Result<()> {
        let Some(members) = attributes.as_map() else { return Ok(()) };
        self.charge_json(members.iter().map(|(name, value)| name.len() + size_bytes(value)).sum())
    }

    /// Charges for a copy of a record's JSON value.
    pub(in crate::server) fn count_json(&self, value: &Value) -> Result<()> {
        self.charge_json(size_bytes(value))
    }

    /// Forgets the lists that were weighed, whose paths mean others in the next request of a batch.
    pub(in crate::server) fn forget_weighed(&self) {
        self.weighed.lock().unwrap_or_else(PoisonError::into_inner).paths.clear();
    }

    /// What is charged so far, to return to by [`Self::reset_to`].
    pub(in crate::server) fn charged(&self) -> Charged {
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let memory_bytes = memory.as_ref().map_or(0, MemoryPermit::amount);
        let counts = self.counters().map(|counter| counter.load(Ordering::Relaxed));
        Charged { counts, memory_bytes, was_full: self.was_full.load(Ordering::Relaxed) }
    }

    /// Takes back what was charged since, because the same work is done again in another way.
    pub(in crate::server) fn reset_to(&self, before: Charged) {
        for (counter, count) in self.counters().into_iter().zip(before.counts) {
            counter.store(count, Ordering::Relaxed);
        }
        if let Some(permit) = &mut *self.memory.lock().unwrap_or_else(PoisonError::into_inner) {
            permit.shrink_to(before.memory_bytes);
        }
        self.was_full.store(before.was_full, Ordering::Relaxed);
    }

    fn counters(&self) -> [&AtomicU64; 5] {
        [&self.records, &self.fields, &self.texts, &self.json_bytes, &self.text_bytes]
    }

    /// Whether a list was weighed as part of one above it. Records that everything below it is weighed from now on.
    fn mark_weighed(&self, context: &Context<'_>) -> bool {
        let mut weighed = self.weighed.lock().unwrap_or_else(PoisonError::into_inner);
        let (hash, is_weighed) = among(&weighed, context.path_node.as_ref());
        if !is_weighed {
            weighed.paths.insert(hash);
        }
        is_weighed
    }
}

/// The hash of a path, and whether it or one above it is among `weighed`.
fn among(weighed: &Weighed, node: Option<&QueryPathNode<'_>>) -> (u64, bool) {
    let Some(node) = node else { return (0, false) };
    // From the root down: a path's hash contains its parent's, so that marked ancestors are found on the way.
    let (above, is_above) = among(weighed, node.parent);
    let hash = match node.segment {
        QueryPathSegment::Index(index) => weighed.hasher.hash_one((above, index)),
        QueryPathSegment::Name(name) => weighed.hasher.hash_one((above, name)),
    };
    (hash, is_above || weighed.paths.contains(&hash))
}

/// [`Budget::list`] for the field of a resolver.
///
/// # Errors
/// As [`Budget::list`].
pub(in crate::server) async fn list(
    context: &Context<'_>,
    view: &View,
    records: Vec<EntityId>,
) -> Result<Vec<EntityId>> {
    let budget = Budget::of(context)?;
    // Marked first: each nested list finds itself weighed, so that a tree is walked once and not once per level.
    let is_weighed = budget.mark_weighed(context);
    budget.list(&context.field(), view, &records, is_weighed).await?;
    Ok(records)
}

/// [`Budget::page`] for the field of a resolver.
///
/// # Errors
/// As [`Budget::page`].
pub(in crate::server) async fn page(context: &Context<'_>, view: &View, records: &[EntityId]) -> Result<()> {
    let budget = Budget::of(context)?;
    budget.mark_weighed(context);
    budget.page(&context.field(), view, records).await
}

/// As [`list`], for records that are not entities and so have no nested lists.
pub(in crate::server) fn list_of<T>(context: &Context<'_>, records: Vec<T>) -> Result<Vec<T>> {
    Budget::of(context)?.charge_records(records.len())?;
    page_of(context, records.len())?;
    Ok(records)
}

/// As [`page`], for records that are not entities.
pub(in crate::server) fn page_of(context: &Context<'_>, records: usize) -> Result<()> {
    Budget::of(context)?.page_of(&context.field(), records)
}

/// A record's attributes as JSON, charged to the budget.
pub(in crate::server) fn attributes(context: &Context<'_>, attributes: &Attributes) -> Result<Json> {
    // Measured before `to_value` makes the copy: afterwards the memory would already be taken.
    Budget::of(context)?.count_attributes(attributes)?;
    Ok(Json(attributes.to_value()))
}

/// A JSON field of a record, charged to the budget.
pub(in crate::server) fn json(context: &Context<'_>, value: &Value) -> Result<Json> {
    Budget::of(context)?.count_json(value)?;
    Ok(Json(value.clone()))
}

/// The approximate memory of a value, in bytes.
fn size_bytes(value: &Value) -> usize {
    // The enum counts for every value: an array of a million nulls has little text and takes much memory.
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
    let detail = format!("the response has more than {limit} {what}; request fewer records per page");
    Problem::new(StatusCode::BAD_REQUEST, "too-complex", detail).with("limit", limit)
}
