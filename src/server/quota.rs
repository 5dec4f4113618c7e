//! Quotas: a number of permits in all, and no more than a share of them for one holder.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Permits for all holders, and a maximum for each. Clones share the permits.
#[derive(Debug)]
pub(super) struct Quota<K> {
    all: Arc<Semaphore>,
    used: Arc<Mutex<HashMap<K, usize>>>,
    each: usize,
}

impl<K> Clone for Quota<K> {
    fn clone(&self) -> Self {
        Self { all: Arc::clone(&self.all), used: Arc::clone(&self.used), each: self.each }
    }
}

/// What one holder has of a quota, given back on drop.
#[derive(Debug)]
pub(super) struct Permit<K: Eq + Hash> {
    key: K,
    quota: Quota<K>,
    of_all: OwnedSemaphorePermit,
}

/// Why a permit is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exhausted {
    /// All holders together have everything.
    All,
    /// This holder has its maximum.
    Own,
}

impl<K: Clone + Eq + Hash> Quota<K> {
    pub(super) fn new(all: usize, each: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all.min(Semaphore::MAX_PERMITS))), used: Arc::default(), each }
    }

    /// Waits for one permit of all, whose holder is not known yet.
    pub(super) async fn one(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.all).acquire_owned().await.expect("the semaphore is never closed")
    }

    /// Turns a permit of all into one of `key`'s.
    pub(super) fn assign(&self, key: &K, of_all: OwnedSemaphorePermit) -> Result<Permit<K>, Exhausted> {
        self.count(key, of_all.num_permits())?;
        Ok(Permit { key: key.clone(), quota: self.clone(), of_all })
    }

    /// So many permits for `key`, if there are as many, without waiting.
    pub(super) fn take(&self, key: &K, amount: usize) -> Result<Permit<K>, Exhausted> {
        self.assign(key, self.of_all(amount)?)
    }

    fn of_all(&self, amount: usize) -> Result<OwnedSemaphorePermit, Exhausted> {
        let amount = u32::try_from(amount).map_err(|_| Exhausted::All)?;
        Arc::clone(&self.all).try_acquire_many_owned(amount).map_err(|_| Exhausted::All)
    }

    fn count(&self, key: &K, amount: usize) -> Result<(), Exhausted> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let own = used.get(key).copied().unwrap_or_default().saturating_add(amount);
        if own > self.each {
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
    /// Takes `amount` more.
    pub(super) fn grow(&mut self, amount: usize) -> Result<(), Exhausted> {
        let more = self.quota.of_all(amount)?;
        self.quota.count(&self.key, amount)?;
        self.of_all.merge(more);
        Ok(())
    }

    /// Gives back all but `amount`.
    pub(super) fn shrink_to(&mut self, amount: usize) {
        let surplus = self.of_all.num_permits().saturating_sub(amount);
        if let Some(back) = self.of_all.split(surplus) {
            self.quota.give_back(&self.key, back.num_permits());
        }
    }

    #[cfg(test)]
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
    async fn no_holder_takes_more_than_its_maximum_and_all_of_it_is_given_back() {
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
