//! The least items of a stream, in memory for about twice as many as are wanted.

use std::cmp::Ordering;

/// Room beside the wanted items, so that a small limit does not sift at every push.
const ROOM_MIN: usize = 64;

/// Keeps the `limit` least of what is pushed, in the order that `compare` gives.
pub(super) struct Least<T, C> {
    limit: usize,
    kept: Vec<T>,
    compare: C,
}

impl<T, C: Fn(&T, &T) -> Ordering> Least<T, C> {
    pub(super) fn new(limit: usize, compare: C) -> Self {
        Self { limit, kept: Vec::new(), compare }
    }

    pub(super) fn push(&mut self, item: T) {
        self.kept.push(item);
        if self.kept.len() >= self.limit.saturating_add(self.limit.max(ROOM_MIN)) {
            self.sift();
        }
    }

    fn sift(&mut self) {
        if self.limit < self.kept.len() {
            self.kept.select_nth_unstable_by(self.limit, &self.compare);
            self.kept.truncate(self.limit);
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
