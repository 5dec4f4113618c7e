//! Last-used times of tokens: recorded in memory on authentication, stored periodically by the writer thread.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

use crate::model::time::Timestamp;
use crate::model::token::TokenId;

/// The precision of last-used times.
// Coarse, so that a token in constant use costs one write per minute and not one per request.
const PRECISION_MILLIS: i64 = 60_000;
/// The minimum time between two writes.
const WRITE_EVERY: Duration = Duration::from_mins(1);

/// When each token was last used.
#[derive(Debug)]
pub(super) struct Uses(Mutex<Recorded>);

#[derive(Debug)]
struct Recorded {
    last: FxHashMap<TokenId, Timestamp>,
    /// Tokens with a time that is not stored yet, each once.
    unwritten: Vec<TokenId>,
    /// When times were last handed out for storing.
    written: Instant,
}

impl Uses {
    pub(super) fn new(known: Vec<(TokenId, Timestamp)>) -> Self {
        let last = known.into_iter().collect();
        Self(Mutex::new(Recorded { last, unwritten: Vec::new(), written: Instant::now() }))
    }

    pub(super) fn note(&self, id: &TokenId, now: Timestamp) {
        let mut recorded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = recorded.last.get(id);
        if known.is_none_or(|last| now.as_millis().saturating_sub(last.as_millis()) >= PRECISION_MILLIS) {
            recorded.last.insert(id.clone(), now);
            // A linear search, over the few tokens that were used in the last minute.
            if !recorded.unwritten.contains(id) {
                recorded.unwritten.push(id.clone());
            }
        }
    }

    pub(super) fn last(&self, id: &TokenId) -> Option<Timestamp> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).last.get(id).copied()
    }

    /// Takes the times to be stored; empty if the last write is less than a minute ago.
    pub(super) fn due(&self, now: Instant) -> Vec<(TokenId, Timestamp)> {
        let mut recorded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(recorded.written) < WRITE_EVERY {
            Vec::new()
        } else {
            recorded.take(now)
        }
    }

    /// Marks times that could not be stored as unwritten again.
    pub(super) fn take_back(&self, unwritten: &[(TokenId, Timestamp)]) {
        let mut recorded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Only the ids: `last` still has the times, or newer ones.
        for (id, _) in unwritten {
            if !recorded.unwritten.contains(id) {
                recorded.unwritten.push(id.clone());
            }
        }
    }

    /// Takes all times to be stored.
    pub(super) fn rest(&self) -> Vec<(TokenId, Timestamp)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take(Instant::now())
    }
}

impl Recorded {
    fn take(&mut self, now: Instant) -> Vec<(TokenId, Timestamp)> {
        self.written = now;
        let unwritten = std::mem::take(&mut self.unwritten).into_iter();
        unwritten.filter_map(|id| self.last.get(&id).map(|at| (id, *at))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_have_minute_precision_and_are_written_once_a_minute() {
        let [known, new] = ["aaaaaaaa", "bbbbbbbb"].map(|id| TokenId::parse(id).unwrap());
        let at = |millis| Timestamp::from_millis(1_700_000_000_000 + millis);
        let uses = Uses::new(vec![(known.clone(), at(0))]);
        assert_eq!((uses.last(&known), uses.last(&new)), (Some(at(0)), None));
        uses.note(&known, at(PRECISION_MILLIS - 1));
        uses.note(&new, at(1));
        uses.note(&new, at(2));
        assert_eq!((uses.last(&known), uses.last(&new)), (Some(at(0)), Some(at(1))));
        let began = Instant::now();
        assert_eq!(uses.due(began), []);
        assert_eq!(uses.due(began + WRITE_EVERY), [(new.clone(), at(1))]);
        uses.note(&known, at(PRECISION_MILLIS));
        uses.note(&known, at(3 * PRECISION_MILLIS));
        assert_eq!(uses.due(began + WRITE_EVERY + WRITE_EVERY / 2), [], "half a minute after the last");
        assert_eq!(uses.due(began + 2 * WRITE_EVERY), [(known, at(3 * PRECISION_MILLIS))]);
        uses.note(&new, at(2 * PRECISION_MILLIS));
        assert_eq!(uses.rest(), [(new, at(2 * PRECISION_MILLIS))]);
        assert_eq!(uses.rest(), []);
    }

    #[test]
    fn uses_that_could_not_be_written_are_written_later_with_their_newest_time() {
        let id = TokenId::parse("aaaaaaaa").unwrap();
        let at = |millis| Timestamp::from_millis(1_700_000_000_000 + millis);
        let uses = Uses::new(Vec::new());
        uses.note(&id, at(0));
        let (began, failed) = (Instant::now(), uses.rest());
        assert_eq!(failed, [(id.clone(), at(0))]);
        uses.note(&id, at(PRECISION_MILLIS));
        uses.take_back(&failed);
        assert_eq!(uses.due(began), [], "not at once");
        assert_eq!(uses.rest(), [(id, at(PRECISION_MILLIS))]);
    }
}
