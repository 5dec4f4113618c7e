//! Keyset pagination: a page of a sorted selection, after or before a cursor.
//!
//! Ids are assigned in the order of creation, so the order of creation is the order of a bitmap: a page of it is
//! found by rank and select. For any other order there are two ways. If a good part of the records match, the sorted
//! list of all records is scanned from the cursor on; if few match, these are read and sorted.

use std::cmp::Ordering;

use roaring::RoaringBitmap;

use crate::error::Error;
use crate::graph::order::{Order, OrderBy};
use crate::graph::{Sorted, SortedPosition, Value, View};
use crate::model::entity::{Entity, EntityId};
use crate::query::position::Position;
use crate::query::top_k::Least;

/// The time to read one record, in list entries skipped: skipping takes one bitmap test, reading several cache misses.
const ENTRIES_PER_RECORD_READ: u64 = 16;
/// Maximum number of list entries that a scan may have to skip per match.
const ENTRIES_PER_MATCH_MAX: u64 = 256;

/// Selects a page: the `first` records after a cursor, or the `last` ones before one.
///
/// ```
/// use clade::query::{Order, PageRequest, cursor, page};
/// use clade::{CreatePerson, Directory, Kind};
///
/// let view = Directory::in_memory()?.apply(["eve@corp.example", "ada@corp.example"].map(CreatePerson::new))?.view;
/// let (people, order) = (view.all(Kind::Person), Order::default());
/// let first = PageRequest { first: Some(1), ..PageRequest::default() };
/// let eve = page(&view, people, order, &first)?.ids[0];
/// let next = PageRequest { after: Some(cursor(&view, order, eve)), ..first };
/// assert_eq!(page(&view, people, order, &next)?.ids, [view.person("ada@corp.example")?.id()]);
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// Maximum number of records from the start; all if both this and `last` are `None`.
    pub first: Option<usize>,
    /// Only records after this cursor.
    pub after: Option<String>,
    /// Maximum number of records from the end; with `first`, from the end of what `first` selects.
    pub last: Option<usize>,
    /// Only records before this cursor.
    pub before: Option<String>,
}

/// One page of entities.
///
/// ```
/// use clade::query::{Order, PageRequest, page};
/// use clade::{CreatePerson, Directory, Kind};
///
/// let view = Directory::in_memory()?.apply(["eve@corp.example", "ada@corp.example"].map(CreatePerson::new))?.view;
/// let last = PageRequest { last: Some(1), ..PageRequest::default() };
/// let found = page(&view, view.all(Kind::Person), Order::default(), &last)?;
/// assert_eq!(found.ids, [view.person("ada@corp.example")?.id()]);
/// assert!(found.has_previous && !found.has_next);
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The entities, in order.
    pub ids: Vec<EntityId>,
    /// Whether there are more entities after them.
    pub has_next: bool,
    /// Whether there are more entities before them.
    pub has_previous: bool,
}

/// Returns the requested page of `matches` in `order`.
///
/// # Errors
/// [`Error::Invalid`] for a text that is not a cursor of this order.
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
        OrderBy::Updated | OrderBy::Field(_) => match list_worth_scanning(view, matches, order, request) {
            Some(sorted) => by_list_scan(view, matches, sorted, order, &bounds, request),
            None => by_sorting(view, matches, order, &bounds, request),
        },
    })
}

/// The cursor of the record `id`: opaque, valid for this order alone, and stable across writes. Empty if the record
/// is not visible.
///
/// In the order of creation a cursor remains usable after its record was deleted: the page then begins with the first
/// record of the same millisecond, so that some records may be repeated but none is missed.
#[must_use]
pub fn cursor(view: &View, order: Order, id: EntityId) -> String {
    view.entity(id).map(|entity| Position::of(view, order, entity).cursor(order)).unwrap_or_default()
}

struct Bounds {
    after: Option<Position<'static>>,
    before: Option<Position<'static>>,
}

/// The ranks of a page in its order: from `start` to `end` (exclusive), of `total`.
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
    let after = bounds.after.as_ref().map(|position| Rank::of(view, matches, position));
    let before = bounds.before.as_ref().map(|position| Rank::of(view, matches, position));
    // Ranks always count from the oldest record, so a descending page mirrors them.
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

/// The members of `matches` from rank `start` to `end` (exclusive).
fn ranks(matches: &RoaringBitmap, start: u64, end: u64) -> Vec<EntityId> {
    let count = usize::try_from(end - start).unwrap_or(usize::MAX);
    // One `select` for the first, then iteration: a `select` per record would search the containers each time.
    match u32::try_from(start).ok().and_then(|start| matches.select(start)) {
        Some(first) => matches.range(first..).take(count).map(EntityId).collect(),
        None => Vec::new(),
    }
}

/// The number of records created before the record of a cursor, and up to and including it.
///
/// If that record is gone, `before` counts all of its millisecond and `through` none of it, so a page may repeat these.
#[derive(Clone, Copy)]
struct Rank {
    before: u64,
    through: u64,
}

impl Rank {
    fn of(view: &View, matches: &RoaringBitmap, position: &Position<'_>) -> Self {
        if let Some(id) = position.record(view) {
            let through = matches.rank(id.0);
            return Self { before: through - u64::from(matches.contains(id.0)), through };
        }
        let millis = position.created_millis().unwrap_or_default();
        Self {
            // Deliberately the wrong way round: either bound then includes the whole millisecond in the page.
            before: created_before(view, matches, millis.saturating_add(1)),
            through: created_before(view, matches, millis),
        }
    }
}

/// The number of records created before `millis` (milliseconds since the Unix epoch). A binary search, since ids are
/// assigned in the order of creation.
fn created_before(view: &View, matches: &RoaringBitmap, millis: i64) -> u64 {
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

/// The sorted list of this order, if scanning it for a page takes less time than reading and sorting all matches.
fn list_worth_scanning<'v>(
    view: &'v View,
    matches: &RoaringBitmap,
    order: Order,
    request: &PageRequest,
) -> Option<&'v Sorted> {
    let kind = view.entity(EntityId(matches.min()?))?.kind();
    let limit = request.first.or(request.last).and_then(|limit| u64::try_from(limit).ok());
    let records = view.count_of(kind);
    // Matches are assumed to be spread evenly: one in every `records / matches` entries.
    let scanned = records.min(limit.unwrap_or(records).saturating_mul(records / matches.len()));
    // In the worst case all matches are at the far end, so the scan of the whole list is bounded too.
    let is_cheaper = scanned / ENTRIES_PER_RECORD_READ <= matches.len()
        && records / ENTRIES_PER_MATCH_MAX <= matches.len();
    if is_cheaper { view.sorted(kind, order) } else { None }
}

fn by_list_scan(
    view: &View,
    matches: &RoaringBitmap,
    sorted: &Sorted,
    order: Order,
    bounds: &Bounds,
    request: &PageRequest,
) -> Page {
    let begin = SortedPosition::default();
    let start = bounds.after.as_ref().map_or(begin, |after| {
        sorted.position_after(|id| after.compare_record(view, id, order) != Ordering::Greater)
    });
    let end = bounds.before.as_ref().map_or(sorted.end(), |before| {
        sorted.position_after(|id| before.compare_record(view, id, order) == Ordering::Less).max(start)
    });
    let matching = |from, to| sorted.between(from, to).filter(|id| matches.contains(id.0));
    let (mut has_next, mut has_previous) =
        (matching(end, sorted.end()).next().is_some(), matching(begin, start).next_back().is_some());
    // One more than wanted is taken, to learn whether there are more.
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
        // With both limits, `first` selects and `last` keeps the end of that.
        let surplus = request.last.map_or(0, |last| ids.len().saturating_sub(last));
        has_previous |= surplus > 0;
        ids.drain(..surplus);
    }
    Page { ids, has_next, has_previous }
}

fn by_sorting(
    view: &View,
    matches: &RoaringBitmap,
    order: Order,
    bounds: &Bounds,
    request: &PageRequest,
) -> Page {
    let from_end = request.first.is_none() && request.last.is_some();
    let limit = request.first.or(request.last).unwrap_or(usize::MAX);
    let (mut total, mut start, mut behind) = (0, 0, 0);
    // Keys are built only if values are equal: see `Graph::compare`.
    let mut inside =
        Least::new(limit, |a: &(Option<Value<'_>>, &Entity), b: &(Option<Value<'_>>, &Entity)| {
            let by_value = order.compare(a.0.as_ref(), b.0.as_ref());
            let forwards = by_value.then_with(|| view.record_key(a.1).cmp(&view.record_key(b.1)));
            if from_end { forwards.reverse() } else { forwards }
        });
    for entity in matches.iter().filter_map(|id| view.entity(EntityId(id))) {
        let value = order.value(entity);
        let compared = |position: &Position<'_>| position.compare_record(view, entity.id, order);
        total += 1;
        if bounds.after.as_ref().is_some_and(|after| compared(after) != Ordering::Greater) {
            start += 1;
        } else if bounds.before.as_ref().is_some_and(|before| compared(before) != Ordering::Less) {
            behind += 1;
        } else {
            inside.push((value, &**entity));
        }
    }
    // `start` and `behind` count the matches outside the cursors, which gives the ranks without sorting them.
    let window = Window { start, end: total - behind, total }.limited(request);
    let mut ids: Vec<_> = inside.into_sorted().into_iter().map(|(_, entity)| entity.id).collect();
    if from_end {
        ids.reverse();
    } else {
        // With both limits, `first` selects and `last` keeps the end of that.
        let surplus = usize::try_from(window.start - start).unwrap_or(usize::MAX);
        ids.drain(..surplus.min(ids.len()));
    }
    window.page(ids)
}
