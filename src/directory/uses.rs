//! When tokens were last used: noted in memory by whoever authenticates, written now and then by the writer.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

use crate::model::time::Timestamp;
use crate::model::token::TokenId;

/// How exact it is told.
const PRECISION_MILLIS: i64 = 60_000;
/// How often what was noted is written.
const WRITE_EVERY: Duration = Duration::from_mins(1);

/// When each token was last used.
#[derive(Debug)]
pub(super) struct Uses(Mutex<Noted>);

#[derive(Debug)]
struct Noted {
    last: FxHashMap<TokenId, Timestamp>,
    /// What is not written yet.
    unwritten: Vec<TokenId>,
    written: Instant,
}

impl Uses {
    pub(super) fn new(known: Vec<(TokenId, Timestamp)>) -> Self {
        let last = known.into_iter().collect();
        Self(Mutex::new(Noted { last, unwritten: Vec::new(), written: Instant::now() }))
    }

    pub(super) fn note(&self, id: &TokenId, now: Timestamp) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = noted.last.get(id);
        if known.is_none_or(|last| now.as_millis().saturating_sub(last.as_millis()) >= PRECISION_MILLIS) {
            noted.last.insert(id.clone(), now);
            if !noted.unwritten.contains(id) {
                noted.unwritten.push(id.clone());
            }
        }
    }

    pub(super) fn last(&self, id: &TokenId) -> Option<Timestamp> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).last.get(id).copied()
    }

    /// Hands out what is not written, once it has waited for long enough.
    pub(super) fn due(&self, now: Instant) -> Vec<(TokenId, Timestamp)> {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(noted.written) < WRITE_EVERY { Vec::new() } else { noted.take(now) }
    }

    /// Takes back what could not be written. What was noted since is newer.
    pub(super) fn take_back(&self, unwritten: &[(TokenId, Timestamp)]) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (id, _) in unwritten {
            if !noted.unwritten.contains(id) {
                noted.unwritten.push(id.clone());
            }
        }
    }

    /// Hands out all that is not written.
    pub(super) fn rest(&self) -> Vec<(TokenId, Timestamp)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take(Instant::now())
    }
}

impl Noted {
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
    fn a_use_is_told_to_the_minute_and_written_once_a_minute() {
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
    fn what_could_not_be_written_is_written_later_as_it_is_then() {
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
