//! A page of mappings: one look at each that matches, with no more of them held than the page shows.

use std::sync::Arc;

use crate::model::mapping::{Mapping, MappingId};
use crate::query::mapping::candidates::Selected;
use crate::query::top_k::Least;

/// Which page: `first` after a mapping, or `last` before one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MappingPageRequest {
    /// At most so many from the start. All of them when neither this nor `last` is given.
    pub first: Option<usize>,
    /// Those after this mapping, which must match too.
    pub after: Option<MappingId>,
    /// At most so many from the end; with `first`, from the end of what that leaves.
    pub last: Option<usize>,
    /// Those before this mapping, which must match too.
    pub before: Option<MappingId>,
}

/// One page.
#[derive(Debug, Clone, PartialEq)]
pub struct MappingPage {
    /// How many mappings match in all.
    pub count: u64,
    /// Those of the page, in order.
    pub mappings: Vec<Arc<Mapping>>,
    /// Whether there are more after them.
    pub has_next: bool,
    /// Whether there are more before them.
    pub has_previous: bool,
}

/// A page begins or ends at a mapping that is not in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field} is no mapping of this list")]
pub struct UnknownCursor {
    /// `after` or `before`.
    pub field: &'static str,
}

/// The page of what is selected, sorted by `key` and then by id.
pub(super) fn paged<'v, K: Ord>(
    selected: &Selected<'v, '_>,
    request: &MappingPageRequest,
    descending: bool,
    key: impl Fn(&'v Mapping) -> K,
) -> Result<MappingPage, UnknownCursor> {
    let rank = |mapping: &'v Mapping| (key(mapping), mapping.id);
    let compare = |a: &(K, MappingId), b: &(K, MappingId)| if descending { b.cmp(a) } else { a.cmp(b) };
    let bound = |field, id: Option<MappingId>| {
        let Some(id) = id else { return Ok(None) };
        let found = selected.view().mapping(&id).filter(|mapping| selected.matches(mapping));
        found.map(|mapping| Some(rank(mapping))).ok_or(UnknownCursor { field })
    };
    let (after, before) = (bound("after", request.after)?, bound("before", request.before)?);
    let from_end = request.first.is_none() && request.last.is_some();
    let limit = request.first.or(request.last).unwrap_or(usize::MAX);
    let mut inside = Least::new(
        limit,
        |a: &(_, &'v Arc<Mapping>), b: &(_, &'v Arc<Mapping>)| {
            if from_end { compare(&b.0, &a.0) } else { compare(&a.0, &b.0) }
        },
    );
    let (mut count, mut begin, mut behind) = (0, 0, 0);
    selected.each(|mapping| {
        let rank = rank(mapping);
        count += 1;
        if after.as_ref().is_some_and(|after| compare(&rank, after).is_le()) {
            begin += 1;
        } else if before.as_ref().is_some_and(|before| compare(&rank, before).is_ge()) {
            behind += 1;
        } else {
            inside.push((rank, mapping));
        }
    });
    let mut page = inside.into_sorted();
    let end = if from_end { count - behind } else { begin + page.len() };
    if from_end {
        page.reverse();
    } else {
        // With both limits, `first` chose and `last` keeps the end of it.
        page.drain(..page.len().saturating_sub(request.last.unwrap_or(usize::MAX)));
    }
    Ok(MappingPage {
        count: count as u64,
        has_next: end < count,
        has_previous: end > page.len(),
        mappings: page.into_iter().map(|(_, mapping)| Arc::clone(mapping)).collect(),
    })
}
