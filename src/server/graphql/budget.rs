//! What one answer may come to, counted while it is made.
//!
//! How long a list without a page size is, the document does not say: its cost is only guessed at beforehand, and a
//! unit may have ten thousand children.

use std::sync::atomic::{AtomicU64, Ordering};

use async_graphql::Context;
use axum::http::StatusCode;

use crate::server::graphql::limits::LISTED_MAX;
use crate::server::problem::{Problem, Result};

/// How many records the lists of one request have come to.
#[derive(Debug, Default)]
pub(super) struct Listed(AtomicU64);

/// Counts the records of a list before they are made, and refuses those that are too many for one request.
pub(super) fn list<T>(context: &Context<'_>, records: Vec<T>) -> Result<Vec<T>> {
    let listed = context.data::<Listed>().map_err(|_| Problem::internal())?;
    let here = records.len() as u64;
    if listed.0.fetch_add(here, Ordering::Relaxed).saturating_add(here) > LISTED_MAX {
        let detail = format!(
            "the lists of this answer have more than {LISTED_MAX} records; ask for less at a time, by pages"
        );
        return Err(Problem::new(StatusCode::BAD_REQUEST, "too-complex", detail).with("limit", LISTED_MAX));
    }
    Ok(records)
}
