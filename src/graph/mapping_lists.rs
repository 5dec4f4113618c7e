//! Sorted lists of all mappings, one per sort order, so that a page is found by binary search.
//!
//! Invariant: as in [`sorted`](super::sorted): a list is built on first use, contains every mapping in its order, and is
//! updated by every change, except bulk changes, which drop it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use crate::graph::Graph;
use crate::graph::mapping_order::MappingOrderBy;
use crate::graph::sorted::{Sorted, SortedPosition};
use crate::model::entity::EntityId;
use crate::model::mapping::{Mapping, MappingId};
use crate::model::text::Collated;
use crate::model::time::Timestamp;

/// Number of orders. The descending ones are the same lists, read from their ends.
const ORDERS: usize = MappingOrderBy::ALL.len();
/// If a record with more mappings than this is renamed, the lists that are sorted by its key are dropped.
// Moving that many mappings would take the writer longer than a reader takes to build the list anew.
const MOVED_MAX: usize = 10_000;

/// The value that a mapping is sorted by. All values of one order have the same variant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum MappingValue<'g> {
    Nothing,
    Time(Timestamp),
    Text(Collated<'g>),
}

/// What a mapping is sorted by, and its id, which breaks ties.
pub(crate) type MappingRank<'g> = (MappingValue<'g>, MappingId);

/// The lists by order; those not yet used are empty cells.
#[derive(Debug, Clone, Default)]
pub(super) struct MappingLists {
    lists: [OnceLock<Sorted<MappingId>>; ORDERS],
    /// Which lists were ever used, at any revision; shared by all copies of the graph.
    wanted: Arc<[AtomicBool; ORDERS]>,
}

impl MappingLists {
    /// Copies the lists of an equal graph that this graph has not built yet.
    pub(super) fn adopt(&mut self, equal: &Self) {
        for (own, built) in self.lists.iter_mut().zip(&equal.lists) {
            if let (None, Some(list)) = (own.get(), built.get()) {
                *own = list.clone().into();
            }
        }
    }

    /// Drops the lists, but remembers which ones are wanted.
    pub(super) fn clear(&mut self) {
        self.lists = Default::default();
    }

    fn clear_by_key(&mut self) {
        for by in MappingOrderBy::ALL.into_iter().filter(|by| by.is_by_key()) {
            self.lists[by as usize].take();
        }
    }
}

impl Graph {
    /// What a mapping is sorted by in an order.
    pub(super) fn mapping_rank<'g>(&'g self, by: MappingOrderBy, mapping: &'g Mapping) -> MappingRank<'g> {
        let key =
            |id: EntityId| MappingValue::Text(self.entity(id).map_or("", |entity| entity.label()).into());
        let value = match by {
            MappingOrderBy::Id => MappingValue::Nothing,
            MappingOrderBy::CreatedAt => MappingValue::Time(mapping.stamps.created_at),
            MappingOrderBy::UpdatedAt => MappingValue::Time(mapping.stamps.updated_at),
            MappingOrderBy::FromKey => key(mapping.from),
            MappingOrderBy::ToKey => key(mapping.to),
            MappingOrderBy::Type => MappingValue::Text(mapping.mapping_type.as_str().into()),
            MappingOrderBy::Relationship => MappingValue::Text(mapping.relationship.as_str().into()),
        };
        (value, mapping.id)
    }

    /// All mappings in an order, ascending.
    pub(super) fn sorted_mappings(&self, by: MappingOrderBy) -> &Sorted<MappingId> {
        self.mapping_lists.lists[by as usize].get_or_init(|| {
            self.mapping_lists.wanted[by as usize].store(true, Ordering::Relaxed);
            let mut ranks: Vec<_> =
                self.all_mappings().map(|mapping| self.mapping_rank(by, mapping)).collect();
            ranks.sort_unstable();
            Sorted::of(&ranks.into_iter().map(|(_, id)| id).collect::<Vec<_>>())
        })
    }

    /// Builds every list that was ever used.
    pub(super) fn build_used_mapping_lists(&self) {
        for by in MappingOrderBy::ALL {
            // Relaxed: if a flag is seen late, a reader builds the list instead.
            if self.mapping_lists.wanted[by as usize].load(Ordering::Relaxed) {
                self.sorted_mappings(by);
            }
        }
    }

    /// Adds a mapping, which the graph has, to the lists that are built.
    pub(super) fn add_to_mapping_lists(&mut self, mapping: &Mapping) {
        self.update_mapping_lists(mapping, |_| true, Sorted::insert_at);
    }

    /// Removes a mapping, which the graph still has, from the lists.
    pub(super) fn remove_from_mapping_lists(&mut self, mapping: &Mapping) {
        self.update_mapping_lists(mapping, |_| true, Sorted::remove_at);
    }

    /// Takes the mappings of a record, whose key is about to change, out of the lists that are sorted by it, and returns
    /// them; to be put back by [`Graph::add_by_key`].
    pub(super) fn remove_by_key(&mut self, id: EntityId) -> Vec<Arc<Mapping>> {
        let is_built =
            |by: MappingOrderBy| by.is_by_key() && self.mapping_lists.lists[by as usize].get().is_some();
        if !MappingOrderBy::ALL.into_iter().any(is_built) {
            return Vec::new();
        }
        let mappings: Vec<_> = self.mappings_of(id).take(MOVED_MAX + 1).cloned().collect();
        if mappings.len() > MOVED_MAX {
            self.mapping_lists.clear_by_key();
            return Vec::new();
        }
        for mapping in &mappings {
            self.update_mapping_lists(mapping, MappingOrderBy::is_by_key, Sorted::remove_at);
        }
        mappings
    }

    pub(super) fn add_by_key(&mut self, mappings: &[Arc<Mapping>]) {
        for mapping in mappings {
            self.update_mapping_lists(mapping, MappingOrderBy::is_by_key, Sorted::insert_at);
        }
    }

    /// Calls `act` with each chosen list that is built, and the position of the mapping in it. If `act` returns `false`,
    /// the list is inconsistent; it is dropped and rebuilt on its next use.
    fn update_mapping_lists(
        &mut self,
        mapping: &Mapping,
        is_chosen: impl Fn(MappingOrderBy) -> bool,
        act: impl Fn(&mut Sorted<MappingId>, MappingId, SortedPosition) -> bool,
    ) {
        for by in MappingOrderBy::ALL.into_iter().filter(|by| is_chosen(*by)) {
            // Taken out, since finding the position reads the whole graph.
            let Some(mut list) = self.mapping_lists.lists[by as usize].take() else { continue };
            let rank = self.mapping_rank(by, mapping);
            let precedes = |other: MappingId| {
                self.mapping(&other).is_some_and(|other| self.mapping_rank(by, other) < rank)
            };
            let position = list.position_after(precedes);
            if act(&mut list, mapping.id, position) {
                self.mapping_lists.lists[by as usize] = list.into();
            }
        }
    }
}
