//! A cache with a maximum size in bytes, for responses and parsed documents.
//!
//! Invariant: a key is a digest of everything that its value depends on (a revision, for one), so a value is never
//! stale. Nothing is ever invalidated; values that are no longer used are evicted when the capacity is needed.

use std::fmt;
use std::hash::RandomState;

use quick_cache::sync::{Cache as Store, DefaultLifecycle, PlaceholderGuard};
use quick_cache::{OptionsBuilder, Weighter};

/// The number of shards, each with a lock and an equal part of the capacity. A value larger than that is not cached.
// More shards mean less waiting for locks, but a smaller maximum value.
const SHARDS: usize = 8;
/// What a key and the cache's own bookkeeping count for, in bytes, in addition to the value.
const ENTRY_BYTES: u64 = 128;

/// A cryptographic hash: two different inputs never have the same one in practice, even if a client tries.
pub(crate) type Digest = [u8; 32];

/// A value that knows how much memory it takes.
pub(crate) trait SizeBytes {
    /// Its approximate size in bytes.
    fn size_bytes(&self) -> u64;
}

/// Values by the digest of what they depend on. Safe for many threads.
pub(crate) struct Cache<V>(Store<Digest, V, BySize, RandomState>);

/// The guard of a missing value, for which others wait. Dropped without a value, it goes to one of those.
pub(crate) struct Making<'c, V>(
    PlaceholderGuard<'c, Digest, V, BySize, RandomState, DefaultLifecycle<Digest, V>>,
);

#[derive(Clone)]
pub(crate) struct BySize;

impl<V: SizeBytes> Weighter<Digest, V> for BySize {
    fn weight(&self, _: &Digest, value: &V) -> u64 {
        ENTRY_BYTES + value.size_bytes()
    }
}

impl<V: SizeBytes + Clone> Cache<V> {
    /// A cache of at most `capacity` bytes, for values that usually take `usual` bytes.
    pub(crate) fn new(capacity: u64, usual: u64) -> Self {
        let options = OptionsBuilder::new()
            .shards(SHARDS)
            .weight_capacity(capacity)
            // Only for the size of its tables and of its memory of evicted keys: the limit is the weight.
            .estimated_items_capacity(usize::try_from(capacity / usual).unwrap_or(usize::MAX))
            .build()
            .expect("both capacities are set");
        Self(Store::with_options(options, BySize, RandomState::new(), DefaultLifecycle::default()))
    }

    pub(crate) fn get(&self, key: &Digest) -> Option<V> {
        self.0.get(key)
    }

    /// The value, once there is one; or the guard of the missing value, if nobody holds that.
    pub(crate) async fn get_or_make(&self, key: &Digest) -> Result<V, Making<'_, V>> {
        self.0.get_value_or_guard_async(key).await.map_err(Making)
    }

    /// The size of all cached values, in bytes.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.0.weight()
    }

    /// Inserts a value; `false`, and nothing is changed, if it is too large to be cached at all.
    pub(crate) fn keep(&self, key: Digest, value: V) -> bool {
        // Checked here, so that the caller learns whether the value was stored.
        let fits = BySize.weight(&key, &value) <= self.0.shard_capacity();
        if fits {
            self.0.insert(key, value);
        }
        fits
    }
}

impl<V: SizeBytes + Clone> Making<'_, V> {
    /// Gives the value to all who wait for it, and caches it unless it is too large for that.
    pub(crate) fn made(self, value: V) {
        // An error means that the key has another value by now; those who wait have got this one all the same.
        let _replaced = self.0.insert(value);
    }
}

impl<V> fmt::Debug for Cache<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAPACITY: u64 = 1 << 20;

    #[derive(Clone)]
    struct CachedText(String);

    impl SizeBytes for CachedText {
        fn size_bytes(&self) -> u64 {
            self.0.len() as u64
        }
    }

    fn key(number: u64) -> Digest {
        *blake3::hash(&number.to_le_bytes()).as_bytes()
    }

    #[test]
    fn the_size_never_exceeds_the_capacity() {
        let cache = Cache::new(CAPACITY, 1_000);
        for number in 0..10_000 {
            assert!(cache.keep(key(number), CachedText("x".repeat(1_000))));
            assert!(cache.0.weight() <= CAPACITY);
        }
        let cached = (0..10_000).filter(|number| cache.get(&key(*number)).is_some()).count();
        assert!((500..=1_000).contains(&cached), "{cached}");
    }

    #[test]
    fn a_value_in_use_stays_while_others_are_evicted() {
        let cache = Cache::new(CAPACITY, 1_000);
        cache.keep(key(0), CachedText("often".to_owned()));
        for number in 1..10_000 {
            assert!(cache.get(&key(0)).is_some(), "{number}");
            cache.keep(key(number), CachedText("x".repeat(1_000)));
        }
    }

    #[tokio::test]
    async fn a_missing_value_is_made_by_one_for_all_who_wait() {
        let cache = Cache::new(CAPACITY, 1_000);
        let key = key(0);
        let Err(making) = cache.get_or_make(&key).await else { panic!("there is none") };
        let waiting = [cache.get_or_make(&key), cache.get_or_make(&key)];
        // Larger than the cache takes: those who wait get it all the same.
        let large = "x".repeat(1 << 20);
        let make = async {
            tokio::task::yield_now().await;
            making.made(CachedText(large.clone()));
        };
        let [first, second] = waiting;
        let (first, second, ()) = tokio::join!(first, second, make);
        assert!([first, second].into_iter().all(|got| got.is_ok_and(|text| text.0 == large)));

        let Err(making) = cache.get_or_make(&key).await else { panic!("it was too large") };
        let give_up = async {
            tokio::task::yield_now().await;
            drop(making);
        };
        let (next, ()) = tokio::join!(cache.get_or_make(&key), give_up);
        assert!(next.is_err(), "the right goes to the next");
    }

    #[test]
    fn a_value_that_is_too_large_is_not_cached_and_evicts_nothing() {
        let cache = Cache::new(CAPACITY, 1_000);
        assert!(cache.keep(key(0), CachedText("small".to_owned())));
        assert!(!cache.keep(key(1), CachedText("x".repeat(1 << 18))));
        assert!(cache.get(&key(1)).is_none());
        assert!(cache.get(&key(0)).is_some());
    }
}
