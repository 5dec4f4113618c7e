//! The execution of a plan.

use std::cell::Cell;

use futures_util::FutureExt;
use serde_json::Value;

use crate::directory::View;
use crate::model::attributes::Attributes;
use crate::model::entity::EntityId;
use crate::model::level::Level;
use crate::server::graphql::execution::budget::Budget;
use crate::server::graphql::plan::selection::Outline;
use crate::server::response::problem::{Problem, Result};
use crate::wire::json_text;
use crate::wire::row::LevelCache;

/// Texts are charged to the budget in steps of this size, in bytes.
const TEXT_STEP_BYTES: usize = 4 << 10;

/// What the writers of a response share.
pub(crate) struct Run<'r> {
    pub(crate) view: &'r View,
    pub(crate) budget: &'r Budget,
    levels: LevelCache,
    /// Whether the lists that are written now were weighed as part of one above them.
    is_weighed: Cell<bool>,
    /// Texts that are not charged yet, in bytes.
    text_bytes: Cell<usize>,
}

impl<'r> Run<'r> {
    pub(super) fn new(view: &'r View, budget: &'r Budget) -> Self {
        let (is_weighed, text_bytes) = (Cell::new(false), Cell::new(0));
        Self { view, budget, levels: LevelCache::default(), is_weighed, text_bytes }
    }

    /// Charges for the remaining texts.
    ///
    /// # Errors
    /// The response has too much text, or memory is exhausted.
    pub(super) fn finish(&self) -> Result<()> {
        self.budget.count_text(self.text_bytes.take())?;
        self.budget.check_memory()
    }

    /// Writes a text of a record and charges for it.
    pub(crate) fn text(&self, text: &str, out: &mut Vec<u8>) -> Result<()> {
        json_text::text(text, out);
        let bytes = self.text_bytes.get() + text.len();
        if bytes < TEXT_STEP_BYTES {
            self.text_bytes.set(bytes);
            return Ok(());
        }
        self.text_bytes.set(0);
        self.budget.count_text(bytes)
    }

    /// As [`Self::text`]; null for `None`.
    pub(crate) fn text_if_any(&self, text: Option<&str>, out: &mut Vec<u8>) -> Result<()> {
        match text {
            Some(text) => self.text(text, out),
            None => null(out),
        }
    }

    /// Writes a record's attributes and charges for them.
    pub(crate) fn attributes(&self, attributes: &Attributes, out: &mut Vec<u8>) -> Result<()> {
        self.budget.count_attributes(attributes)?;
        match attributes.as_map() {
            Some(map) => json_text::value(map, out),
            None => out.extend_from_slice(b"{}"),
        }
        Ok(())
    }

    /// Writes a JSON value of a record and charges for it.
    pub(crate) fn json(&self, value: &Value, out: &mut Vec<u8>) -> Result<()> {
        self.budget.count_json(value)?;
        json_text::value(value, out);
        Ok(())
    }

    /// The unit of a record's level field.
    pub(crate) fn level(&self, id: EntityId, level: Level) -> Option<EntityId> {
        self.levels.levels(self.view, id)[level.index()]
    }

    /// Charges for a list without pagination, and writes it.
    ///
    /// # Errors
    /// It is above a limit, or cannot be written.
    pub(super) fn list(
        &self,
        field: &Outline<'_>,
        records: &[EntityId],
        write: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        now(self.budget.list(&field, self.view, records, self.is_weighed.get()))?;
        self.weighed(write)
    }

    /// Charges for the records of a page, and writes them.
    ///
    /// # Errors
    /// As [`Self::list`].
    pub(crate) fn page(
        &self,
        field: &Outline<'_>,
        records: &[EntityId],
        write: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        now(self.budget.page(&field, self.view, records))?;
        self.weighed(write)
    }

    fn weighed(&self, write: impl FnOnce() -> Result<()>) -> Result<()> {
        let before = self.is_weighed.replace(true);
        write()?;
        self.is_weighed.set(before);
        Ok(())
    }
}

/// Writes null.
#[expect(clippy::unnecessary_wraps, reason = "as all writers")]
pub(crate) fn null(out: &mut Vec<u8>) -> Result<()> {
    out.extend_from_slice(b"null");
    Ok(())
}

/// The output of a future of the budget, which blocks its thread where it has to wait.
///
/// # Errors
/// The future fails; or it would wait, because the runtime has a single thread.
pub(crate) fn now<O>(future: impl Future<Output = Result<O>>) -> Result<O> {
    future.now_or_never().unwrap_or_else(|| Err(Problem::internal()))
}
