//! Quotas: a number of permits in all, and a maximum for each key (a caller, an address).
//!
//! Invariant: the permits of a key, and those of all keys together, never exceed their maximum. Each is given back
//! exactly once, on drop.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Permits for all keys, and a maximum for each. Clones share the permits.
#[derive(Debug)]
pub(super) struct Quota<K> {
    all: Arc<Semaphore>,
    /// The permits in use by each key. A key without any is removed, so that clients that left take no memory.
    used: Arc<Mutex<HashMap<K, usize>>>,
    per_key: usize,
}

// Not derived: that would need `K: Clone`.
impl<K> Clone for Quota<K> {
    fn clone(&self) -> Self {
        Self { all: Arc::clone(&self.all), used: Arc::clone(&self.used), per_key: self.per_key }
    }
}

/// Permits of one key, given back on drop.
#[derive(Debug)]
pub(super) struct Permit<K: Eq + Hash> {
    key: K,
    quota: Quota<K>,
    // Its number of permits is also what the key has in `used`: both always change together.
    of_all: OwnedSemaphorePermit,
}

/// Why a permit is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exhausted {
    /// All permits are in use.
    All,
    /// The key has its maximum.
    Own,
}

impl<K: Clone + Eq + Hash> Quota<K> {
    pub(super) fn new(all: usize, per_key: usize) -> Self {
        // Operators may set any number, and tokio panics beyond its maximum.
        Self { all: Arc::new(Semaphore::new(all.min(Semaphore::MAX_PERMITS))), used: Arc::default(), per_key }
    }

    /// Waits for one permit whose key is not known yet.
    // For connections: the permit comes before `accept`, and the address after it.
    pub(super) async fn one(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.all).acquire_owned().await.expect("the semaphore is never closed")
    }

    /// Assigns a permit to `key`.
    pub(super) fn assign(&self, key: &K, of_all: OwnedSemaphorePermit) -> Result<Permit<K>, Exhausted> {
        // On a refusal `of_all` is dropped here, and so given back.
        self.count(key, of_all.num_permits())?;
        Ok(Permit { key: key.clone(), quota: self.clone(), of_all })
    }

    /// Takes `amount` permits for `key`, all or none, without waiting.
    pub(super) fn take(&self, key: &K, amount: usize) -> Result<Permit<K>, Exhausted> {
        self.assign(key, self.of_all(amount)?)
    }

    fn of_all(&self, amount: usize) -> Result<OwnedSemaphorePermit, Exhausted> {
        // tokio counts the permits of one call in 32 bits. Not even the memory budget has as many.
        let amount = u32::try_from(amount).map_err(|_| Exhausted::All)?;
        Arc::clone(&self.all).try_acquire_many_owned(amount).map_err(|_| Exhausted::All)
    }

    fn count(&self, key: &K, amount: usize) -> Result<(), Exhausted> {
        // A poisoned lock is used on: nothing can panic between two changes that belong together.
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let own = used.get(key).copied().unwrap_or_default().saturating_add(amount);
        if own > self.per_key {
            return Err(Exhausted::Own);
        }
        used.insert(key.clone(), own);
        Ok(())
    }
}

impl<K: Eq + Hash> Quota<K> {
    fn give_back(&self, key: &K, amount: usize) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = used.get_mut(key) {
            *own -= amount;
            if *own == 0 {
                used.remove(key);
            }
        }
    }
}

impl<K: Clone + Eq + Hash> Permit<K> {
    /// Takes `amount` more permits, all or none.
    pub(super) fn grow(&mut self, amount: usize) -> Result<(), Exhausted> {
        // Of all first: if the key has its maximum, `more` gives itself back on return. In the other order the count
        // would have to be undone.
        let more = self.quota.of_all(amount)?;
        self.quota.count(&self.key, amount)?;
        self.of_all.merge(more);
        Ok(())
    }

    /// Gives back all permits but `amount`.
    pub(super) fn shrink_to(&mut self, amount: usize) {
        let surplus = self.of_all.num_permits().saturating_sub(amount);
        if let Some(back) = self.of_all.split(surplus) {
            self.quota.give_back(&self.key, back.num_permits());
        }
    }

    /// The number of its permits.
    pub(super) fn amount(&self) -> usize {
        self.of_all.num_permits()
    }

    pub(super) fn key(&self) -> &K {
        &self.key
    }
}

impl<K: Eq + Hash> Drop for Permit<K> {
    fn drop(&mut self) {
        self.quota.give_back(&self.key, self.of_all.num_permits());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_key_exceeds_its_maximum_and_all_permits_are_given_back() {
        let quota = Quota::new(5, 3);
        let mut ada = quota.take(&"ada", 2).unwrap();
        assert_eq!(ada.grow(2).unwrap_err(), Exhausted::Own);
        assert_eq!(quota.take(&"ada", 2).unwrap_err(), Exhausted::Own);
        ada.grow(1).unwrap();
        assert_eq!(quota.assign(&"ada", quota.one().await).unwrap_err(), Exhausted::Own);
        let bob = quota.take(&"bob", 2).unwrap();
        assert_eq!(quota.take(&"cy", 1).unwrap_err(), Exhausted::All);
        ada.shrink_to(1);
        assert!(ada.grow(2).is_ok() && quota.take(&"cy", 1).is_err());
        drop(ada);
        assert_eq!(quota.assign(&"cy", quota.one().await).unwrap().key(), &"cy");
        drop(bob);
        assert!(quota.used.lock().unwrap().is_empty() && quota.all.available_permits() == 5);
    }
}
