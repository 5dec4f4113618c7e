//! The least items of a stream, in memory for about twice as many as are wanted.

use std::cmp::Ordering;

/// Room beside the wanted items, so that a small limit does not sift at every push.
const ROOM_MIN: usize = 64;

/// Keeps the `limit` least of what is pushed, in the order that `compare` gives.
pub(super) struct Least<T, C> {
    limit: usize,
    /// Once it was sifted, the first `limit` of these are the least so far, and the last of those is the greatest of them.
    kept: Vec<T>,
    is_sifted: bool,
    compare: C,
}

impl<T, C: Fn(&T, &T) -> Ordering> Least<T, C> {
    pub(super) fn new(limit: usize, compare: C) -> Self {
        Self { limit, kept: Vec::new(), is_sifted: false, compare }
    }

    pub(super) fn push(&mut self, item: T) {
        // Most of a long stream goes no further than this, and all of one that comes in order.
        if self.is_sifted && self.greatest().is_none_or(|greatest| (self.compare)(&item, greatest).is_ge()) {
            return;
        }
        self.kept.push(item);
        if self.kept.len() >= self.limit.saturating_add(self.limit.max(ROOM_MIN)) {
            self.sift();
        }
    }

    fn greatest(&self) -> Option<&T> {
        self.limit.checked_sub(1).and_then(|at| self.kept.get(at))
    }

    fn sift(&mut self) {
        if self.limit < self.kept.len() {
            if let Some(greatest) = self.limit.checked_sub(1) {
                self.kept.select_nth_unstable_by(greatest, &self.compare);
            }
            self.kept.truncate(self.limit);
            self.is_sifted = true;
        }
    }

    pub(super) fn into_sorted(mut self) -> Vec<T> {
        self.sift();
        self.kept.sort_unstable_by(&self.compare);
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_least_of_many_in_order() {
        for limit in [0, 1, 3, 200, 2000, usize::MAX] {
            let mut least = Least::new(limit, u32::cmp);
            (0..1000_u32).for_each(|n| least.push(n.wrapping_mul(389) % 1000));
            let wanted: Vec<_> = (0..1000).take(limit).collect();
            assert_eq!(least.into_sorted(), wanted, "{limit}");
        }
    }
}
