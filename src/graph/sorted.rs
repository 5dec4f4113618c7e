//! Sorted lists of all records of a kind, one per sort order, so that a page is found by binary search.
//!
//! Invariant: a list contains every record of its kind, in its order. It is built on first use, since there are more
//! than thirty orders for each kind, and is then updated by every change, except bulk changes, which drop it.

use std::cmp;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use crate::graph::order::{Order, OrderBy, RecordKey, Value};
use crate::graph::{Graph, node};
use crate::model::entity::{Entity, EntityId, Kind};
use crate::model::field::Field;

/// Maximum number of records per chunk. Graphs share unchanged chunks.
// A change costs a binary search and a move within one chunk. One flat list would move half a million ids per change
// at a million records, and could not be shared between graphs.
const CHUNK_MAX: usize = 1024;
/// Number of orders of one kind: by update and by each field, in both directions.
const ORDERS: usize = 2 * (1 + Field::ALL.len());

/// The lists by kind and order; those not yet used are empty cells.
#[derive(Debug, Clone, Default)]
pub(super) struct SortedLists {
    lists: ByOrder<OnceLock<Sorted>>,
    /// Which lists were ever used, at any revision; shared by all copies of the graph.
    wanted: Arc<ByOrder<AtomicBool>>,
}

/// One value for each kind and order.
#[derive(Debug, Clone)]
struct ByOrder<T>([[T; ORDERS]; Kind::ALL.len()]);

impl<T: Default> Default for ByOrder<T> {
    fn default() -> Self {
        Self(std::array::from_fn(|_| std::array::from_fn(|_| T::default())))
    }
}

/// The ids of all records of one kind in one order.
#[derive(Debug, Clone)]
pub(crate) struct Sorted<T = EntityId> {
    /// Never contains an empty chunk, since `position_after` compares the last record of each.
    chunks: Vec<Arc<Vec<T>>>,
}

impl<T> Default for Sorted<T> {
    fn default() -> Self {
        Self { chunks: Vec::new() }
    }
}

/// A position between two records of a list, or at an end of it. The default is the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct SortedPosition {
    chunk: usize,
    offset: usize,
}

impl SortedLists {
    /// Copies the lists of an equal graph that this graph has not built yet.
    pub(super) fn adopt(&mut self, equal: &Self) {
        for (own, built) in self.lists.0.iter_mut().flatten().zip(equal.lists.0.iter().flatten()) {
            if let (None, Some(list)) = (own.get(), built.get()) {
                *own = list.clone().into();
            }
        }
    }

    /// Drops the lists, but remembers which ones are wanted.
    pub(super) fn clear(&mut self) {
        self.lists = ByOrder::default();
    }
}

/// The array index of an order; `None` for the order of creation, which is the order of the ids.
fn slot(order: Order) -> Option<usize> {
    let by = match order.by {
        OrderBy::Created => return None,
        OrderBy::Updated => 0,
        OrderBy::Field(field) => 1 + field as usize,
    };
    Some(2 * by + usize::from(order.descending))
}

/// The inverse of [`slot`].
fn order(slot: usize) -> Order {
    let by =
        slot.checked_sub(2).map_or(OrderBy::Updated, |of_field| OrderBy::Field(Field::ALL[of_field / 2]));
    Order { by, descending: slot % 2 == 1 }
}

impl<T: Copy + PartialEq> Sorted<T> {
    pub(super) fn of(ids: &[T]) -> Self {
        // Half full, so that the first inserts do not split every chunk.
        Self { chunks: ids.chunks(CHUNK_MAX / 2).map(|chunk| Arc::new(chunk.to_vec())).collect() }
    }

    /// The position after all records for which `precedes` is true; these must be the first ones of the list.
    // Two binary searches, over the chunks and within one: `precedes` runs about log2(n) times.
    pub(crate) fn position_after(&self, precedes: impl Fn(T) -> bool) -> SortedPosition {
        let is_passed = |chunk: &Arc<Vec<T>>| chunk.last().is_some_and(|id| precedes(*id));
        let chunk = self.chunks.partition_point(is_passed);
        let offset = self.chunks.get(chunk).map_or(0, |chunk| chunk.partition_point(|id| precedes(*id)));
        SortedPosition { chunk, offset }
    }

    /// The position after all records.
    pub(crate) fn end(&self) -> SortedPosition {
        SortedPosition { chunk: self.chunks.len(), offset: 0 }
    }

    /// The records between two positions.
    pub(crate) fn between(
        &self,
        start: SortedPosition,
        end: SortedPosition,
    ) -> impl DoubleEndedIterator<Item = T> {
        (start.chunk..=end.chunk).flat_map(move |at| {
            let chunk = self.chunks.get(at).map_or(&[][..], |chunk| &chunk[..]);
            let from = if at == start.chunk { start.offset } else { 0 };
            let to = if at == end.chunk { end.offset } else { chunk.len() };
            chunk.get(from..to).unwrap_or_default().iter().copied()
        })
    }

    fn insert(&mut self, id: T, precedes: impl Fn(T) -> bool) {
        let position = self.position_after(precedes);
        self.insert_at(id, position);
    }

    /// Inserts a record; always `true`, as [`Sorted::remove_at`] if it succeeds.
    pub(super) fn insert_at(&mut self, id: T, mut position: SortedPosition) -> bool {
        if position == self.end() {
            // A record behind all others goes to the end of the last chunk; the end position itself has no chunk.
            let Some(last) = self.chunks.last() else {
                self.chunks.push(Arc::new(vec![id]));
                return true;
            };
            position = SortedPosition { chunk: position.chunk - 1, offset: last.len() };
        }
        let chunk = Arc::make_mut(&mut self.chunks[position.chunk]);
        chunk.insert(position.offset, id);
        if chunk.len() > CHUNK_MAX {
            let second = chunk.split_off(CHUNK_MAX / 2);
            self.chunks.insert(position.chunk + 1, Arc::new(second));
        }
        true
    }

    /// Removes a record; returns whether it was found where its sort key says.
    fn remove(&mut self, id: T, precedes: impl Fn(T) -> bool) -> bool {
        let position = self.position_after(precedes);
        self.remove_at(id, position)
    }

    /// Removes a record; returns whether it was found at this position.
    pub(super) fn remove_at(&mut self, id: T, position: SortedPosition) -> bool {
        let found = self.chunks.get(position.chunk).and_then(|chunk| chunk.get(position.offset));
        if found != Some(&id) {
            return false;
        }
        let chunk = Arc::make_mut(&mut self.chunks[position.chunk]);
        chunk.remove(position.offset);
        if chunk.is_empty() {
            self.chunks.remove(position.chunk);
        }
        true
    }
}

/// A record with its sort value.
type Keyed<'g> = (Option<Value<'g>>, &'g Entity);

fn with_value(order: Order, entity: &Entity) -> Keyed<'_> {
    (order.value(entity), entity)
}

impl Graph {
    /// The records of `kind` in an order; `None` for the order of creation, which is the order of the ids.
    pub(super) fn sorted(&self, kind: Kind, order: Order) -> Option<&Sorted> {
        let slot = slot(order)?;
        Some(self.sorted.lists.0[kind as usize][slot].get_or_init(|| {
            self.sorted.wanted.0[kind as usize][slot].store(true, Ordering::Relaxed);
            // The sort values are taken once per record, not once per comparison.
            let records = self.all[kind as usize].iter().filter_map(|id| self.entity(EntityId(id)));
            let mut keyed_records: Vec<_> = records.map(|entity| with_value(order, entity)).collect();
            keyed_records.sort_unstable_by(|a, b| self.compare(order, a, b));
            Sorted::of(&keyed_records.iter().map(|(_, entity)| entity.id).collect::<Vec<_>>())
        }))
    }

    /// Builds every list that was ever used.
    pub(super) fn build_used_lists(&self) {
        for kind in Kind::ALL {
            for (slot, wanted) in self.sorted.wanted.0[kind as usize].iter().enumerate() {
                // Relaxed: if a flag is seen late, a reader builds the list instead.
                if wanted.load(Ordering::Relaxed) {
                    self.sorted(kind, order(slot));
                }
            }
        }
    }

    /// Adds a record to the lists of its kind that are built.
    pub(super) fn add_to_lists(&mut self, id: EntityId) {
        self.update_lists(id, |graph, order, keyed, list| {
            list.insert(id, |other| graph.precedes(order, other, keyed));
            true
        });
    }

    /// Removes a record from the lists of its kind; its sort key must still be the one with which it was added.
    pub(super) fn remove_from_lists(&mut self, id: EntityId) {
        self.update_lists(id, |graph, order, keyed, list| {
            list.remove(id, |other| graph.precedes(order, other, keyed))
        });
    }

    /// Calls `act` with each list of the record's kind that is built. If `act` returns `false`, the list is
    /// inconsistent; it is dropped and rebuilt on its next use.
    fn update_lists(
        &mut self,
        id: EntityId,
        mut act: impl FnMut(&Self, Order, &Keyed<'_>, &mut Sorted) -> bool,
    ) {
        let Some(kind) = self.entity(id).map(|entity| entity.kind() as usize) else { return };
        for slot in 0..ORDERS {
            // Taken out, since `act` reads the whole graph while it changes the list.
            let Some(mut list) = self.sorted.lists.0[kind][slot].take() else { continue };
            let Some(Some(entity)) = self.nodes.node_weight(node(id)) else { continue };
            let order = order(slot);
            if act(self, order, &with_value(order, entity), &mut list) {
                self.sorted.lists.0[kind][slot] = list.into();
            }
        }
    }

    fn precedes(&self, order: Order, id: EntityId, keyed: &Keyed<'_>) -> bool {
        let other = self.entity(id).map(|entity| with_value(order, entity));
        other.is_some_and(|other| self.compare(order, &other, keyed) == cmp::Ordering::Less)
    }

    /// Compares two records in an order.
    // The key is built only if the values are equal: for assets it takes a lookup of the project.
    fn compare(&self, order: Order, a: &Keyed<'_>, b: &Keyed<'_>) -> cmp::Ordering {
        let by_value = order.compare(a.0.as_ref(), b.0.as_ref());
        by_value.then_with(|| RecordKey::of(self, a.1).cmp(&RecordKey::of(self, b.1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_keeps_its_order_while_it_grows_and_shrinks() {
        let mut list: Sorted = Sorted::default();
        let mut expected = std::collections::BTreeSet::new();
        for step in 0..20_000_u32 {
            let id = EntityId(step.wrapping_mul(2_654_435_761) % 5_000);
            if expected.insert(id) {
                list.insert(id, |other| other < id);
            } else {
                assert!(list.remove(id, |other| other < id));
                assert!(!list.remove(id, |other| other < id));
                expected.remove(&id);
            }
        }
        assert!(list.between(SortedPosition::default(), list.end()).eq(expected.iter().copied()));
        assert!(list.between(SortedPosition::default(), list.end()).rev().eq(expected.iter().rev().copied()));
        for start in [0, 1_000, 4_999, 6_000].map(EntityId) {
            let position = list.position_after(|id| id < start);
            assert!(list.between(position, list.end()).eq(expected.range(start..).copied()));
            assert!(list.between(SortedPosition::default(), position).eq(expected.range(..start).copied()));
        }
    }

    #[test]
    fn every_slot_maps_to_one_order() {
        for at in 0..ORDERS {
            assert_eq!(slot(order(at)), Some(at));
        }
        assert_eq!(slot(Order::default()), None);
    }
}
