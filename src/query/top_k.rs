//! Top-k selection: the smallest items of a stream, in memory for about twice the limit and in linear time.

use std::cmp::Ordering;

/// Minimum number of extra items in the buffer, so that a small limit does not prune at every push.
const SLACK_MIN: usize = 64;

/// Keeps the `limit` smallest of the pushed items, in the order of `compare`.
pub(super) struct Least<T, C> {
    limit: usize,
    /// After pruning, the first `limit` items are the smallest so far, and the last of those is the greatest of them.
    items: Vec<T>,
    is_pruned: bool,
    compare: C,
}

impl<T, C: Fn(&T, &T) -> Ordering> Least<T, C> {
    pub(super) fn new(limit: usize, compare: C) -> Self {
        Self { limit, items: Vec::new(), is_pruned: false, compare }
    }

    pub(super) fn push(&mut self, item: T) {
        // The fast path: most items of a long stream are greater than all that are wanted.
        if self.is_pruned && self.greatest().is_none_or(|greatest| (self.compare)(&item, greatest).is_ge()) {
            return;
        }
        self.items.push(item);
        if self.items.len() >= self.limit.saturating_add(self.limit.max(SLACK_MIN)) {
            self.prune();
        }
    }

    fn greatest(&self) -> Option<&T> {
        self.limit.checked_sub(1).and_then(|at| self.items.get(at))
    }

    fn prune(&mut self) {
        // A partial selection instead of a sort: linear in the buffer, and it runs once per `limit` pushes or more
        // rarely, so a push takes constant time on average. A heap would take log(limit) comparisons for each.
        if self.limit < self.items.len() {
            if let Some(greatest) = self.limit.checked_sub(1) {
                self.items.select_nth_unstable_by(greatest, &self.compare);
            }
            self.items.truncate(self.limit);
            self.is_pruned = true;
        }
    }

    pub(super) fn into_sorted(mut self) -> Vec<T> {
        self.prune();
        self.items.sort_unstable_by(&self.compare);
        self.items
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_least_items_in_order() {
        for limit in [0, 1, 3, 200, 2000, usize::MAX] {
            let mut least = Least::new(limit, u32::cmp);
            (0..1000_u32).for_each(|n| least.push(n.wrapping_mul(389) % 1000));
            let wanted: Vec<_> = (0..1000).take(limit).collect();
            assert_eq!(least.into_sorted(), wanted, "{limit}");
        }
    }
}
