//! What was worked out once and may be asked for again, up to so many bytes.
//!
//! What must stay true: a key says everything that its value depends on, so that a value is never stale. Nothing is
//! taken out because something changed; what is no longer asked for goes as room is needed.

use std::fmt;
use std::hash::RandomState;

use quick_cache::sync::{Cache as Store, DefaultLifecycle};
use quick_cache::{OptionsBuilder, Weighter};

/// The parts of a cache, each with a lock of its own. What takes more than one part's room is not kept.
const PARTS: usize = 8;
/// What the key of a value takes, and the cache's own notes about it.
const ENTRY_BYTES: u64 = 128;

/// A hash that no two different things share.
pub(crate) type Digest = [u8; 32];

/// What knows how much memory it takes.
pub(crate) trait SizeBytes {
    /// In bytes, about.
    fn size_bytes(&self) -> u64;
}

/// Values by the digest of what they depend on; many threads may ask at once.
pub(crate) struct Cache<V>(Store<Digest, V, BySize, RandomState>);

#[derive(Clone)]
struct BySize;

impl<V: SizeBytes> Weighter<Digest, V> for BySize {
    fn weight(&self, _: &Digest, value: &V) -> u64 {
        ENTRY_BYTES + value.size_bytes()
    }
}

impl<V: SizeBytes + Clone> Cache<V> {
    /// One with room for so many bytes, for values that usually take `usual` bytes.
    pub(crate) fn new(room: u64, usual: u64) -> Self {
        let options = OptionsBuilder::new()
            .shards(PARTS)
            .weight_capacity(room)
            .estimated_items_capacity(usize::try_from(room / usual).unwrap_or(usize::MAX))
            .build()
            .expect("both capacities were given");
        Self(Store::with_options(options, BySize, RandomState::new(), DefaultLifecycle::default()))
    }

    pub(crate) fn get(&self, key: &Digest) -> Option<V> {
        self.0.get(key)
    }

    /// What everything that is kept takes, in bytes.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.0.weight()
    }

    /// Keeps a value for as long as there is room for it; not at all, and says so, where there can be none.
    pub(crate) fn keep(&self, key: Digest, value: V) -> bool {
        let fits = BySize.weight(&key, &value) <= self.0.shard_capacity();
        if fits {
            self.0.insert(key, value);
        }
        fits
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

    const ROOM: u64 = 1 << 20;

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
    fn holds_no_more_than_it_has_room_for() {
        let cache = Cache::new(ROOM, 1_000);
        for number in 0..10_000 {
            assert!(cache.keep(key(number), CachedText("x".repeat(1_000))));
            assert!(cache.0.weight() <= ROOM);
        }
        let kept = (0..10_000).filter(|number| cache.get(&key(*number)).is_some()).count();
        assert!((500..=1_000).contains(&kept), "{kept}");
    }

    #[test]
    fn what_is_asked_for_stays_while_what_is_not_comes_and_goes() {
        let cache = Cache::new(ROOM, 1_000);
        cache.keep(key(0), CachedText("often".to_owned()));
        for number in 1..10_000 {
            assert!(cache.get(&key(0)).is_some(), "{number}");
            cache.keep(key(number), CachedText("x".repeat(1_000)));
        }
    }

    #[test]
    fn what_is_too_large_is_not_kept_and_drives_nothing_out() {
        let cache = Cache::new(ROOM, 1_000);
        assert!(cache.keep(key(0), CachedText("small".to_owned())));
        assert!(!cache.keep(key(1), CachedText("x".repeat(1 << 18))));
        assert!(cache.get(&key(1)).is_none());
        assert!(cache.get(&key(0)).is_some());
    }
}
