//! A page of mappings, found in one pass over the matches, in memory for about two pages.

use std::sync::Arc;

use crate::graph::{MappingOrder, MappingRank, Sorted, SortedPosition, View};
use crate::model::mapping::{Mapping, MappingId};
use crate::query::mapping::candidates::Selected;
use crate::query::top_k::Least;

/// Selects a page: the `first` mappings after a given one, or the `last` ones before it.
///
/// ```
/// use clade::query::{MappingFilter, MappingOrder, MappingPageRequest, mappings};
/// use clade::{CreatePerson, Directory};
///
/// let people = ["eve@corp.example", "ada@corp.example"].map(|email| CreatePerson::new(email).under("Corp"));
/// let view = Directory::in_memory()?.apply(people)?.view;
/// let list = |request| mappings(&view, &MappingFilter::default(), MappingOrder::default(), &request);
/// let first = MappingPageRequest { first: Some(1), ..MappingPageRequest::default() };
/// let next = MappingPageRequest { after: Some(list(first)?.mappings[0].id), ..first };
/// assert_eq!(view.label(list(next)?.mappings[0].from), "ada@corp.example");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MappingPageRequest {
    /// Maximum number of mappings from the start; all if both this and `last` are `None`.
    pub first: Option<usize>,
    /// Only mappings after this one, which must match too.
    pub after: Option<MappingId>,
    /// Maximum number of mappings from the end; with `first`, from the end of what `first` selects.
    pub last: Option<usize>,
    /// Only mappings before this one, which must match too.
    pub before: Option<MappingId>,
}

/// One page of mappings.
///
/// ```
/// use clade::query::{MappingFilter, MappingOrder, MappingPageRequest, mappings};
/// use clade::{CreatePerson, Directory};
///
/// let people = ["eve@corp.example", "ada@corp.example"].map(|email| CreatePerson::new(email).under("Corp"));
/// let view = Directory::in_memory()?.apply(people)?.view;
/// let last = MappingPageRequest { last: Some(1), ..MappingPageRequest::default() };
/// let page = mappings(&view, &MappingFilter::default(), MappingOrder::default(), &last)?;
/// assert_eq!((page.count, page.mappings.len()), (2, 1));
/// assert!(page.has_previous && !page.has_next);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct MappingPage {
    /// The total number of matching mappings.
    pub count: u64,
    /// The mappings of the page, in order.
    pub mappings: Vec<Arc<Mapping>>,
    /// Whether there are more mappings after them.
    pub has_next: bool,
    /// Whether there are more mappings before them.
    pub has_previous: bool,
}

/// The cursor of a page is a mapping that is not in the list.
///
/// ```
/// use clade::query::{MappingFilter, MappingOrder, MappingPageRequest, mappings};
///
/// let ada = clade::CreatePerson::new("ada@corp.example").under("Corp");
/// let view = clade::Directory::in_memory()?.apply(ada)?.view;
/// let request = MappingPageRequest { after: Some(view.mappings()[0].id), ..MappingPageRequest::default() };
/// let refusal = mappings(&view, &MappingFilter::nothing(), MappingOrder::default(), &request).unwrap_err();
/// assert_eq!(refusal.field, "after", "the filter does not match this mapping");
/// # Ok::<(), clade::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field} is not a mapping of this list; use the id of a mapping that the same list returned")]
pub struct UnknownCursor {
    /// The argument: `after` or `before`.
    pub field: &'static str,
}

/// The page of all mappings, from the list of this order. The same as [`paged`] without a filter, found by binary search.
pub(super) fn page_of(
    view: &View,
    sorted: &Sorted<MappingId>,
    order: MappingOrder,
    request: &MappingPageRequest,
) -> Result<MappingPage, UnknownCursor> {
    let rank = |id: &MappingId| view.mapping(id).map(|mapping| view.mapping_rank(order.by, mapping));
    let bound = |field, id: &Option<MappingId>| match id {
        None => Ok(None),
        Some(id) => rank(id).map(Some).ok_or(UnknownCursor { field }),
    };
    let (after, before) = (bound("after", &request.after)?, bound("before", &request.before)?);
    // The list is ascending, so in a descending order the cursors change their sides.
    let (lower, upper) = if order.descending { (before, after) } else { (after, before) };
    let begin = lower.map_or_else(SortedPosition::default, |lower| {
        sorted.position_after(|id| rank(&id).is_some_and(|rank| rank <= lower))
    });
    let end = upper.map_or_else(
        || sorted.end(),
        |upper| sorted.position_after(|id| rank(&id).is_some_and(|rank| rank < upper)),
    );
    // `after` counts where the cursors cross, as in `paged`.
    let (begin, end) = if order.descending { (begin.min(end), end) } else { (begin, end.max(begin)) };
    let mut inside = sorted.between(begin, end);
    let mut next =
        |from_end: bool| if from_end == order.descending { inside.next() } else { inside.next_back() };
    let from_end = request.first.is_none() && request.last.is_some();
    let limit = request.first.or(request.last).unwrap_or(usize::MAX);
    let mut page: Vec<_> = std::iter::from_fn(|| next(from_end)).take(limit).collect();
    let (is_first, is_last) = (begin == SortedPosition::default(), end == sorted.end());
    let (is_first, is_last) = if order.descending { (is_last, is_first) } else { (is_first, is_last) };
    let has_more = next(from_end).is_some();
    let mut has_previous = !is_first || from_end && has_more;
    let has_next = !is_last || !from_end && has_more;
    if from_end {
        page.reverse();
    } else {
        // With both limits, `first` selects and `last` keeps the end of that.
        let dropped = page.len().saturating_sub(request.last.unwrap_or(usize::MAX));
        has_previous |= dropped > 0;
        page.drain(..dropped);
    }
    Ok(MappingPage {
        count: view.mapping_count(),
        mappings: page.iter().filter_map(|id| view.mapping(id).cloned()).collect(),
        has_next,
        has_previous,
    })
}

/// The page of the selected mappings.
pub(super) fn paged(
    selected: &Selected<'_, '_>,
    request: &MappingPageRequest,
    order: MappingOrder,
) -> Result<MappingPage, UnknownCursor> {
    let rank = |mapping| selected.view().mapping_rank(order.by, mapping);
    let compare =
        |a: &MappingRank<'_>, b: &MappingRank<'_>| if order.descending { b.cmp(a) } else { a.cmp(b) };
    let bound = |field, id: Option<MappingId>| {
        let Some(id) = id else { return Ok(None) };
        let found = selected.view().mapping(&id).filter(|mapping| selected.matches(mapping));
        found.map(|mapping| Some(rank(mapping))).ok_or(UnknownCursor { field })
    };
    let (after, before) = (bound("after", request.after)?, bound("before", request.before)?);
    let from_end = request.first.is_none() && request.last.is_some();
    let limit = request.first.or(request.last).unwrap_or(usize::MAX);
    let mut inside = Least::new(limit, |a: &(_, &Arc<Mapping>), b: &(_, &Arc<Mapping>)| {
        // `Least` keeps the smallest items, so a page from the end keeps the smallest of the reversed order.
        if from_end { compare(&b.0, &a.0) } else { compare(&a.0, &b.0) }
    });
    let (mut count, mut begin, mut after_page) = (0, 0, 0);
    selected.for_each(|mapping| {
        let rank = rank(mapping);
        count += 1;
        if after.as_ref().is_some_and(|after| compare(&rank, after).is_le()) {
            begin += 1;
        } else if before.as_ref().is_some_and(|before| compare(&rank, before).is_ge()) {
            after_page += 1;
        } else {
            inside.push((rank, mapping));
        }
    });
    let mut page = inside.into_sorted();
    // The ranks of the page follow from the counts outside the cursors, so the other matches are never stored.
    let end = if from_end { count - after_page } else { begin + page.len() };
    if from_end {
        page.reverse();
    } else {
        // With both limits, `first` selects and `last` keeps the end of that.
        page.drain(..page.len().saturating_sub(request.last.unwrap_or(usize::MAX)));
    }
    Ok(MappingPage {
        count: count as u64,
        has_next: end < count,
        has_previous: end > page.len(),
        mappings: page.into_iter().map(|(_, mapping)| Arc::clone(mapping)).collect(),
    })
}
