//! The search for departures: updates of a mapping after which none of its ends is in a set of entities, while one was
//! before.
//!
//! Invariant: each entry is read at most once, and memory is bounded by the number of mappings and of departures found.

use std::collections::{HashMap, HashSet};

use crate::error::StoreError;
use crate::model::change::Change;
use crate::model::entity::Revision;
use crate::model::mapping::{Mapping, MappingId};
use crate::model::time::Timestamp;
use crate::store::History;

/// The position of an item in the log: its entry, and the number of items before it there.
pub(super) type ItemPosition = (Revision, usize);

/// The departures from one set of entities, from the newest entry down.
#[derive(Default)]
pub(super) struct Departures {
    /// The last entry that was read; `None` before the first.
    read: Option<Revision>,
    open: HashMap<MappingId, Open>,
    found: HashSet<ItemPosition>,
}

/// A state of a mapping without an end in the set. The state before is not found yet.
struct Open {
    update: ItemPosition,
    created_at: Timestamp,
}

impl Departures {
    /// Whether the item at `at`, which leaves `id` without an end in the set, is a departure. `has_end` tells whether a
    /// mapping has an end in the set. Must be called from the newest entry down.
    // Reads on below `at` only until the state before it is found, or there can be none.
    pub(super) fn has(
        &mut self,
        history: &History,
        id: MappingId,
        at: ItemPosition,
        has_end: impl Fn(&Mapping) -> bool,
    ) -> Result<bool, StoreError> {
        if self.read.is_none_or(|read| read > at.0) {
            self.read_entry(history, at.0, &has_end)?;
        }
        while let (Some(Open { update, created_at }), Some(read)) = (self.open.get(&id), self.read) {
            let next = Revision(read.0.saturating_sub(1));
            if *update != at || next == Revision(0) || history.head(next)?.at < *created_at {
                break;
            }
            self.read_entry(history, next, &has_end)?;
        }
        Ok(self.found.contains(&at))
    }

    fn read_entry(
        &mut self,
        history: &History,
        revision: Revision,
        has_end: &impl Fn(&Mapping) -> bool,
    ) -> Result<(), StoreError> {
        let mut states = Vec::new();
        let mut position = 0;
        history.entry(revision, &mut |item| {
            if item.about()?.is_none() {
                return Ok(());
            }
            if let Some(Change::PutMapping(mapping)) = item.change()? {
                states.push((mapping.id, position, has_end(&mapping), mapping.stamps.created_at));
            }
            position += 1;
            Ok(())
        })?;
        for (id, position, has_end, created_at) in states.into_iter().rev() {
            if let Some(open) = self.open.remove(&id)
                && has_end
            {
                self.found.insert(open.update);
            }
            if !has_end {
                self.open.insert(id, Open { update: (revision, position), created_at });
            }
        }
        self.read = Some(revision);
        Ok(())
    }
}
