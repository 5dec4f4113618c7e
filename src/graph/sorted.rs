//! The records of a kind in an order, so that a page is found without reading the others.
//!
//! What must stay true: a list has every record of its kind, each before those that come after it in its order. It
//! is built when it is first asked for, and kept by every change from then on but for a very large one.

use std::cmp;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use crate::graph::order::{Order, OrderBy, RecordKey, Value};
use crate::graph::{Graph, node};
use crate::model::entity::{Entity, EntityId, Kind};
use crate::model::field::Field;

/// At most so many records stand together. Two graphs share what neither has changed since they were equal.
const CHUNK_MAX: usize = 1024;
/// The orders there can be of one kind: by update and by each field, in both directions.
const ORDERS: usize = 2 * (1 + Field::ALL.len());

/// A list for each kind and order that was asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct SortedLists {
    lists: ByOrder<OnceLock<Sorted>>,
    /// Which were ever asked for, at whatever revision.
    wanted: Arc<ByOrder<AtomicBool>>,
}

/// One of each kind and order.
#[derive(Debug, Clone)]
struct ByOrder<T>([[T; ORDERS]; Kind::ALL.len()]);

impl<T: Default> Default for ByOrder<T> {
    fn default() -> Self {
        Self(std::array::from_fn(|_| std::array::from_fn(|_| T::default())))
    }
}

/// Records in an order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sorted {
    /// None of them is empty.
    chunks: Vec<Arc<Vec<EntityId>>>,
}

/// Between two records of a list, or at an end of it. The default is the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct SortedPosition {
    chunk: usize,
    offset: usize,
}

impl SortedLists {
    /// Takes over the lists that an equal graph has built and this one has not.
    pub(super) fn adopt(&mut self, equal: &Self) {
        for (own, built) in self.lists.0.iter_mut().flatten().zip(equal.lists.0.iter().flatten()) {
            if let (None, Some(list)) = (own.get(), built.get()) {
                *own = list.clone().into();
            }
        }
    }

    /// Forgets the lists, but not which were asked for.
    pub(super) fn clear(&mut self) {
        self.lists = ByOrder::default();
    }
}

/// The place of an order among [`ORDERS`]; none for that of creation, which is the numbers' own.
fn slot(order: Order) -> Option<usize> {
    let by = match order.by {
        OrderBy::Created => return None,
        OrderBy::Updated => 0,
        OrderBy::Field(field) => 1 + field as usize,
    };
    Some(2 * by + usize::from(order.descending))
}

/// As [`slot`], the other way.
fn order(slot: usize) -> Order {
    let by =
        slot.checked_sub(2).map_or(OrderBy::Updated, |of_field| OrderBy::Field(Field::ALL[of_field / 2]));
    Order { by, descending: slot % 2 == 1 }
}

impl Sorted {
    fn of(ids: &[EntityId]) -> Self {
        // Room for as many again in each.
        Self { chunks: ids.chunks(CHUNK_MAX / 2).map(|chunk| Arc::new(chunk.to_vec())).collect() }
    }

    /// The place behind all that `precede`, which are the first of the list.
    pub(crate) fn place_behind(&self, precedes: impl Fn(EntityId) -> bool) -> SortedPosition {
        let is_passed = |chunk: &Arc<Vec<EntityId>>| chunk.last().is_some_and(|id| precedes(*id));
        let chunk = self.chunks.partition_point(is_passed);
        let offset = self.chunks.get(chunk).map_or(0, |chunk| chunk.partition_point(|id| precedes(*id)));
        SortedPosition { chunk, offset }
    }

    /// The place behind everything.
    pub(crate) fn end(&self) -> SortedPosition {
        SortedPosition { chunk: self.chunks.len(), offset: 0 }
    }

    /// What stands between two places.
    pub(crate) fn between(
        &self,
        start: SortedPosition,
        end: SortedPosition,
    ) -> impl DoubleEndedIterator<Item = EntityId> {
        (start.chunk..=end.chunk).flat_map(move |at| {
            let chunk = self.chunks.get(at).map_or(&[][..], |chunk| &chunk[..]);
            let from = if at == start.chunk { start.offset } else { 0 };
            let to = if at == end.chunk { end.offset } else { chunk.len() };
            chunk.get(from..to).unwrap_or_default().iter().copied()
        })
    }

    fn insert(&mut self, id: EntityId, precedes: impl Fn(EntityId) -> bool) {
        let mut place = self.place_behind(precedes);
        if place == self.end() {
            let Some(last) = self.chunks.last() else { return self.chunks.push(Arc::new(vec![id])) };
            place = SortedPosition { chunk: place.chunk - 1, offset: last.len() };
        }
        let chunk = Arc::make_mut(&mut self.chunks[place.chunk]);
        chunk.insert(place.offset, id);
        if chunk.len() > CHUNK_MAX {
            let second = chunk.split_off(CHUNK_MAX / 2);
            self.chunks.insert(place.chunk + 1, Arc::new(second));
        }
    }

    /// Whether it was there to be taken out.
    fn remove(&mut self, id: EntityId, precedes: impl Fn(EntityId) -> bool) -> bool {
        let place = self.place_behind(precedes);
        let found = self.chunks.get(place.chunk).and_then(|chunk| chunk.get(place.offset));
        if found != Some(&id) {
            return false;
        }
        let chunk = Arc::make_mut(&mut self.chunks[place.chunk]);
        chunk.remove(place.offset);
        if chunk.is_empty() {
            self.chunks.remove(place.chunk);
        }
        true
    }
}

/// Where a record stands in an order.
type Standing<'g> = (Option<Value<'g>>, &'g Entity);

impl Graph {
    /// The records of `kind` in an order; none for that of creation, which is the numbers' own.
    pub(super) fn sorted(&self, kind: Kind, order: Order) -> Option<&Sorted> {
        let slot = slot(order)?;
        Some(self.sorted.lists.0[kind as usize][slot].get_or_init(|| {
            self.sorted.wanted.0[kind as usize][slot].store(true, Ordering::Relaxed);
            let everyone = self.all[kind as usize].iter().filter_map(|id| self.entity(EntityId(id)));
            let mut standings: Vec<_> = everyone.map(|entity| self.standing(order, entity)).collect();
            standings.sort_unstable_by(|a, b| self.compare(order, a, b));
            Sorted::of(&standings.iter().map(|(_, entity)| entity.id).collect::<Vec<_>>())
        }))
    }

    /// Builds every list that was ever asked for.
    pub(super) fn build_wanted_lists(&self) {
        for kind in Kind::ALL {
            for (slot, wanted) in self.sorted.wanted.0[kind as usize].iter().enumerate() {
                if wanted.load(Ordering::Relaxed) {
                    self.sorted(kind, order(slot));
                }
            }
        }
    }

    /// Enters a record in the lists of its kind.
    pub(super) fn enter_lists(&mut self, id: EntityId) {
        self.each_list(id, |graph, order, standing, list| {
            list.insert(id, |other| graph.precedes(order, other, standing));
            true
        });
    }

    /// Takes a record out of the lists of its kind, while it is as it was entered.
    pub(super) fn leave_lists(&mut self, id: EntityId) {
        self.each_list(id, |graph, order, standing, list| {
            list.remove(id, |other| graph.precedes(order, other, standing))
        });
    }

    /// Does something to each list of the record's kind that was built. Where that fails, the list is not as it
    /// should be, and will be built anew.
    fn each_list(
        &mut self,
        id: EntityId,
        mut act: impl FnMut(&Self, Order, &Standing<'_>, &mut Sorted) -> bool,
    ) {
        let Some(kind) = self.entity(id).map(|entity| entity.kind() as usize) else { return };
        for slot in 0..ORDERS {
            let Some(mut list) = self.sorted.lists.0[kind][slot].take() else { continue };
            let Some(Some(entity)) = self.nodes.node_weight(node(id)) else { continue };
            let order = order(slot);
            if act(self, order, &self.standing(order, entity), &mut list) {
                self.sorted.lists.0[kind][slot] = list.into();
            }
        }
    }

    fn standing<'g>(&'g self, order: Order, entity: &'g Entity) -> Standing<'g> {
        (order.value(self, entity), entity)
    }

    fn precedes(&self, order: Order, id: EntityId, standing: &Standing<'_>) -> bool {
        let other = self.entity(id).map(|entity| self.standing(order, entity));
        other.is_some_and(|other| self.compare(order, &other, standing) == cmp::Ordering::Less)
    }

    /// Keys are looked at only where values are equal.
    fn compare(&self, order: Order, a: &Standing<'_>, b: &Standing<'_>) -> cmp::Ordering {
        let by_value = order.compare(a.0.as_ref(), b.0.as_ref());
        by_value.then_with(|| RecordKey::of(self, a.1).cmp(&RecordKey::of(self, b.1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_keeps_its_order_while_it_grows_and_shrinks() {
        let mut list = Sorted::default();
        let mut twin = std::collections::BTreeSet::new();
        for step in 0..20_000_u32 {
            let id = EntityId(step.wrapping_mul(2_654_435_761) % 5_000);
            if twin.insert(id) {
                list.insert(id, |other| other < id);
            } else {
                assert!(list.remove(id, |other| other < id));
                assert!(!list.remove(id, |other| other < id));
                twin.remove(&id);
            }
        }
        assert!(list.between(SortedPosition::default(), list.end()).eq(twin.iter().copied()));
        assert!(list.between(SortedPosition::default(), list.end()).rev().eq(twin.iter().rev().copied()));
        for start in [0, 1_000, 4_999, 6_000].map(EntityId) {
            let place = list.place_behind(|id| id < start);
            assert!(list.between(place, list.end()).eq(twin.range(start..).copied()));
            assert!(list.between(SortedPosition::default(), place).eq(twin.range(..start).copied()));
        }
    }

    #[test]
    fn every_slot_is_of_one_order() {
        for at in 0..ORDERS {
            assert_eq!(slot(order(at)), Some(at));
        }
        assert_eq!(slot(Order::default()), None);
    }
}
