//! A page of a sorted selection, by keyset cursor.
//!
//! Numbers are given in the order of creation, so that order is a bitmap's own: a page of it is found by rank
//! and select. In any other order there is a list of all records of the kind, which is walked from the cursor on where
//! the selection is a good part of it; few records are read and sorted instead.

use std::cmp::Ordering;

use roaring::RoaringBitmap;

use crate::error::Error;
use crate::graph::order::{Order, OrderBy};
use crate::graph::{Sorted, SortedPosition, Value, View};
use crate::model::entity::{Entity, EntityId};
use crate::query::position::Position;
use crate::query::top_k::Least;

/// So many records of a list are passed in the time in which one is read.
const WALKED_WHILE_ONE_IS_READ: u64 = 16;
/// At most so many of a list are passed for each that matches.
const WALKED_AT_WORST: u64 = 256;

/// Which page: `first` after a cursor, or `last` before one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// At most so many from the start. All of them when neither this nor `last` is given.
    pub first: Option<usize>,
    /// Those after this cursor.
    pub after: Option<String>,
    /// At most so many from the end; with `first`, from the end of what that leaves.
    pub last: Option<usize>,
    /// Those before this cursor.
    pub before: Option<String>,
}

/// One page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The entities, in order.
    pub ids: Vec<EntityId>,
    /// Whether there are more after them.
    pub has_next: bool,
    /// Whether there are more before them.
    pub has_previous: bool,
}

/// The page that `request` asks for, of `matches` in `order`.
///
/// # Errors
/// [`Error::Invalid`] for a cursor that is none of this order's.
pub fn page(
    view: &View,
    matches: &RoaringBitmap,
    order: Order,
    request: &PageRequest,
) -> Result<Page, Error> {
    let read = |field, cursor: &Option<String>| {
        cursor.as_ref().map(|cursor| Position::read(order, field, cursor)).transpose()
    };
    let bounds = Bounds { after: read("after", &request.after)?, before: read("before", &request.before)? };
    Ok(match order.by {
        OrderBy::Created => by_creation(view, matches, order.descending, &bounds, request),
        OrderBy::Updated | OrderBy::Field(_) => match worth_walking(view, matches, order, request) {
            Some(sorted) => by_walking(view, matches, sorted, order, &bounds, request),
            None => by_reading(view, matches, order, &bounds, request),
        },
    })
}

/// The cursor that stands at `id`: opaque, valid for this order alone, and stable across writes. Empty for
/// what is out of sight.
///
/// In the order of creation a cursor outlives its record: where that is gone, the page begins with the first
/// record of the same millisecond, so that some may come twice but none is missed.
#[must_use]
pub fn cursor(view: &View, order: Order, id: EntityId) -> String {
    view.entity(id).map(|entity| Position::of(view, order, entity).cursor(order)).unwrap_or_default()
}

struct Bounds {
    after: Option<Position<'static>>,
    before: Option<Position<'static>>,
}

/// The ranks of a page in its order: from `start` to just before `end`, of `total`.
#[derive(Clone, Copy)]
struct Window {
    start: u64,
    end: u64,
    total: u64,
}

impl Window {
    fn limited(self, request: &PageRequest) -> Self {
        let count = |limit: usize| u64::try_from(limit).unwrap_or(u64::MAX);
        let end = match request.first {
            Some(first) => self.end.min(self.start.saturating_add(count(first))),
            None => self.end,
        };
        let start = match request.last {
            Some(last) => self.start.max(end.saturating_sub(count(last))),
            None => self.start,
        };
        Self { start, end, ..self }
    }

    fn page(self, ids: Vec<EntityId>) -> Page {
        Page { ids, has_next: self.end < self.total, has_previous: self.start > 0 }
    }
}

fn by_creation(
    view: &View,
    matches: &RoaringBitmap,
    descending: bool,
    bounds: &Bounds,
    request: &PageRequest,
) -> Page {
    let total = matches.len();
    let after = bounds.after.as_ref().map(|place| Rank::of(view, matches, place));
    let before = bounds.before.as_ref().map(|place| Rank::of(view, matches, place));
    let (start, end) = if descending {
        (after.map_or(0, |rank| total - rank.before), before.map_or(total, |rank| total - rank.through))
    } else {
        (after.map_or(0, |rank| rank.through), before.map_or(total, |rank| rank.before))
    };
    let window = Window { start, end: end.max(start), total }.limited(request);
    let ids = if descending {
        let mut ids = ranks(matches, total - window.end, total - window.start);
        ids.reverse();
        ids
    } else {
        ranks(matches, window.start, window.end)
    };
    window.page(ids)
}

/// The members of `matches` from rank `start` to just before `end`.
fn ranks(matches: &RoaringBitmap, start: u64, end: u64) -> Vec<EntityId> {
    let count = usize::try_from(end - start).unwrap_or(usize::MAX);
    match u32::try_from(start).ok().and_then(|start| matches.select(start)) {
        Some(first) => matches.range(first..).take(count).map(EntityId).collect(),
        None => Vec::new(),
    }
}

/// How many of a selection were made before the record at a cursor, and before or with it. Where that record
/// is gone, those of its millisecond count neither as before an end nor as through a start.
#[derive(Clone, Copy)]
struct Rank {
    before: u64,
    through: u64,
}

impl Rank {
    fn of(view: &View, matches: &RoaringBitmap, place: &Position<'_>) -> Self {
        if let Some(id) = place.record(view) {
            let through = matches.rank(id.0);
            return Self { before: through - u64::from(matches.contains(id.0)), through };
        }
        let millis = place.created_millis().unwrap_or_default();
        Self {
            before: made_before(view, matches, millis.saturating_add(1)),
            through: made_before(view, matches, millis),
        }
    }
}

/// How many were made before a moment, found by halving: numbers are given in the order of creation.
fn made_before(view: &View, matches: &RoaringBitmap, millis: i64) -> u64 {
    let is_before = |rank: u64| {
        let id = u32::try_from(rank).ok().and_then(|rank| matches.select(rank));
        let entity = id.and_then(|id| view.entity(EntityId(id)));
        entity.is_some_and(|entity| entity.stamps.created_at.as_millis() < millis)
    };
    let (mut low, mut high) = (0, matches.len());
    while low < high {
        let middle = low + (high - low) / 2;
        if is_before(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

/// The list of the order, where walking it for a page of `matches` takes less than reading all of them.
fn worth_walking<'v>(
    view: &'v View,
    matches: &RoaringBitmap,
    order: Order,
    request: &PageRequest,
) -> Option<&'v Sorted> {
    let kind = view.entity(EntityId(matches.min()?))?.kind();
    let limit = request.first.or(request.last).and_then(|limit| u64::try_from(limit).ok());
    let everyone = view.count_of(kind);
    let walked = everyone.min(limit.unwrap_or(everyone).saturating_mul(everyone / matches.len()));
    // At the worst, all that match stand at the far end.
    let is_worth =
        walked / WALKED_WHILE_ONE_IS_READ <= matches.len() && everyone / WALKED_AT_WORST <= matches.len();
    if is_worth { view.sorted(kind, order) } else { None }
}

fn by_walking(
    view: &View,
    matches: &RoaringBitmap,
    sorted: &Sorted,
    order: Order,
    bounds: &Bounds,
    request: &PageRequest,
) -> Page {
    let begin = SortedPosition::default();
    let start = bounds.after.as_ref().map_or(begin, |after| {
        sorted.place_behind(|id| after.compare_record(view, id, order) != Ordering::Greater)
    });
    let end = bounds.before.as_ref().map_or(sorted.end(), |before| {
        sorted.place_behind(|id| before.compare_record(view, id, order) == Ordering::Less).max(start)
    });
    let matching = |from, to| sorted.between(from, to).filter(|id| matches.contains(id.0));
    let (mut has_next, mut has_previous) =
        (matching(end, sorted.end()).next().is_some(), matching(begin, start).next_back().is_some());
    let mut ids: Vec<_>;
    if let (None, Some(last)) = (request.first, request.last) {
        ids = matching(start, end).rev().take(last.saturating_add(1)).collect();
        has_previous |= ids.len() > last;
        ids.truncate(last);
        ids.reverse();
    } else {
        let first = request.first.unwrap_or(usize::MAX);
        ids = matching(start, end).take(first.saturating_add(1)).collect();
        has_next |= ids.len() > first;
        ids.truncate(first);
        // With both limits, `first` chose and `last` keeps the end of it.
        let surplus = request.last.map_or(0, |last| ids.len().saturating_sub(last));
        has_previous |= surplus > 0;
        ids.drain(..surplus);
    }
    Page { ids, has_next, has_previous }
}

fn by_reading(
    view: &View,
    matches: &RoaringBitmap,
    order: Order,
    bounds: &Bounds,
    request: &PageRequest,
) -> Page {
    let from_end = request.first.is_none() && request.last.is_some();
    let limit = request.first.or(request.last).unwrap_or(usize::MAX);
    let (mut total, mut start, mut behind) = (0, 0, 0);
    // Keys are looked at only where values are equal.
    let mut inside =
        Least::new(limit, |a: &(Option<Value<'_>>, &Entity), b: &(Option<Value<'_>>, &Entity)| {
            let by_value = order.compare(a.0.as_ref(), b.0.as_ref());
            let forwards = by_value.then_with(|| view.record_key(a.1).cmp(&view.record_key(b.1)));
            if from_end { forwards.reverse() } else { forwards }
        });
    for entity in matches.iter().filter_map(|id| view.entity(EntityId(id))) {
        let value = view.value(order, entity);
        let stands = |place: &Position<'_>| place.compare_record(view, entity.id, order);
        total += 1;
        if bounds.after.as_ref().is_some_and(|after| stands(after) != Ordering::Greater) {
            start += 1;
        } else if bounds.before.as_ref().is_some_and(|before| stands(before) != Ordering::Less) {
            behind += 1;
        } else {
            inside.push((value, &**entity));
        }
    }
    let window = Window { start, end: total - behind, total }.limited(request);
    let mut ids: Vec<_> = inside.into_sorted().into_iter().map(|(_, entity)| entity.id).collect();
    if from_end {
        ids.reverse();
    } else {
        // With both limits, `first` chose and `last` keeps the end of it.
        let surplus = usize::try_from(window.start - start).unwrap_or(usize::MAX);
        ids.drain(..surplus.min(ids.len()));
    }
    window.page(ids)
}
