//! Room that all take of, and no one more than a share.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// So much in all, and so much for each. Clones share the room.
#[derive(Debug)]
pub(super) struct Shares<K> {
    all: Arc<Semaphore>,
    taken: Arc<Mutex<HashMap<K, usize>>>,
    each: usize,
}

impl<K> Clone for Shares<K> {
    fn clone(&self) -> Self {
        Self { all: Arc::clone(&self.all), taken: Arc::clone(&self.taken), each: self.each }
    }
}

/// What one has taken, given back once this is dropped.
#[derive(Debug)]
pub(super) struct Share<K: Eq + Hash> {
    key: K,
    shares: Shares<K>,
    of_all: OwnedSemaphorePermit,
}

/// Why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// All of them together have everything.
    All,
    /// This one has its share.
    Share,
}

impl<K: Clone + Eq + Hash> Shares<K> {
    pub(super) fn new(all: usize, each: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all.min(Semaphore::MAX_PERMITS))), taken: Arc::default(), each }
    }

    /// One of all, as soon as one is free.
    pub(super) async fn one(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.all).acquire_owned().await.expect("the room is never closed")
    }

    /// `of_all` for `key`, unless that has its share already.
    pub(super) fn give(&self, key: &K, of_all: OwnedSemaphorePermit) -> Result<Share<K>, Full> {
        self.count(key, of_all.num_permits())?;
        Ok(Share { key: key.clone(), shares: self.clone(), of_all })
    }

    /// So much for `key`, if it is there.
    pub(super) fn take(&self, key: &K, amount: usize) -> Result<Share<K>, Full> {
        self.give(key, self.of_all(amount)?)
    }

    fn of_all(&self, amount: usize) -> Result<OwnedSemaphorePermit, Full> {
        let amount = u32::try_from(amount).map_err(|_| Full::All)?;
        Arc::clone(&self.all).try_acquire_many_owned(amount).map_err(|_| Full::All)
    }

    fn count(&self, key: &K, amount: usize) -> Result<(), Full> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let its = taken.get(key).copied().unwrap_or_default().saturating_add(amount);
        if its > self.each {
            return Err(Full::Share);
        }
        taken.insert(key.clone(), its);
        Ok(())
    }
}

impl<K: Eq + Hash> Shares<K> {
    fn give_back(&self, key: &K, amount: usize) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(its) = taken.get_mut(key) {
            *its -= amount;
            if *its == 0 {
                taken.remove(key);
            }
        }
    }
}

impl<K: Clone + Eq + Hash> Share<K> {
    /// Takes so much more.
    pub(super) fn grow(&mut self, amount: usize) -> Result<(), Full> {
        let more = self.shares.of_all(amount)?;
        self.shares.count(&self.key, amount)?;
        self.of_all.merge(more);
        Ok(())
    }

    /// Gives back all but so much.
    pub(super) fn shrink_to(&mut self, amount: usize) {
        let surplus = self.of_all.num_permits().saturating_sub(amount);
        if let Some(back) = self.of_all.split(surplus) {
            self.shares.give_back(&self.key, back.num_permits());
        }
    }

    pub(super) fn key(&self) -> &K {
        &self.key
    }
}

impl<K: Eq + Hash> Drop for Share<K> {
    fn drop(&mut self) {
        self.shares.give_back(&self.key, self.of_all.num_permits());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nobody_takes_more_than_a_share_and_all_of_it_is_given_back() {
        let shares = Shares::new(5, 3);
        let mut ada = shares.take(&"ada", 2).unwrap();
        assert_eq!(ada.grow(2).unwrap_err(), Full::Share);
        assert_eq!(shares.take(&"ada", 2).unwrap_err(), Full::Share);
        ada.grow(1).unwrap();
        assert_eq!(shares.give(&"ada", shares.one().await).unwrap_err(), Full::Share);
        let bob = shares.take(&"bob", 2).unwrap();
        assert_eq!(shares.take(&"cy", 1).unwrap_err(), Full::All);
        ada.shrink_to(1);
        assert!(ada.grow(2).is_ok() && shares.take(&"cy", 1).is_err());
        drop(ada);
        assert_eq!(shares.give(&"cy", shares.one().await).unwrap().key(), &"cy");
        drop(bob);
        assert!(shares.taken.lock().unwrap().is_empty() && shares.all.available_permits() == 5);
    }
}
