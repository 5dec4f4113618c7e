//! Decides whether a history is linearizable, by the search of Wing and Gong with the memoization of Lowe: operations are
//! carried out one by one in every order that their times allow, and a set of operations that led to a state is tried
//! once.
//!
//! A history is searched in parts: between two parts no operation was pending, so the states that one part can end in are
//! all that the next can begin in.

use std::collections::{HashMap, HashSet};
use std::fmt::Debug;
use std::hash::Hash;

/// More than this in one part would take minutes: the test runs too many clients at once.
const CONFIGURATIONS_MAX: usize = 4_000_000;

/// What a correct server does, one operation after the other.
pub(crate) trait Model {
    type State: Clone + Eq + Hash + Debug;
    type Op: Clone;

    /// The states after the operation with its answer; none if the answer is wrong in `state`.
    fn steps(state: &Self::State, op: &Self::Op) -> Vec<Self::State>;

    /// The same operation with an unknown outcome; `None` if it changes nothing anyway.
    fn with_unknown_outcome(op: &Self::Op) -> Option<Self::Op>;

    /// Whether `answer` shows something that `write` may have written.
    fn shows(answer: &Self::Op, write: &Self::Op) -> bool;
}

/// An operation, called and returned at these moments.
#[derive(Debug, Clone)]
pub(crate) struct Timed<O> {
    pub(crate) id: usize,
    pub(crate) call: u64,
    pub(crate) ret: u64,
    /// The operation that must come before, although it overlaps.
    pub(crate) after: Option<usize>,
    pub(crate) op: O,
}

/// Operations that no order explains, from any of the states that those before them can have led to.
#[derive(Debug)]
pub(crate) struct Counterexample<M: Model> {
    pub(crate) starts: HashSet<M::State>,
    pub(crate) ops: Vec<Timed<M::Op>>,
    /// Changes that do not help, whether they were made or not.
    needless: Vec<Timed<M::Op>>,
}

/// Searches the history; returns the number of configurations, or the part that cannot be explained.
pub(crate) fn check<M: Model>(
    start: M::State,
    mut ops: Vec<Timed<M::Op>>,
) -> Result<usize, Counterexample<M>> {
    ops.sort_by_key(|op| op.call);
    let mut starts = HashSet::from([start]);
    let mut searched = 0;
    for part in parts(ops) {
        let (ends, configurations) = search::<M>(&starts, &part);
        searched += configurations;
        if ends.is_empty() {
            return Err(Counterexample { starts, ops: part, needless: Vec::new() });
        }
        starts = ends;
    }
    Ok(searched)
}

/// Cuts operations, sorted by call, wherever none is pending.
fn parts<O>(ops: Vec<Timed<O>>) -> Vec<Vec<Timed<O>>> {
    let mut parts: Vec<Vec<Timed<O>>> = Vec::new();
    let mut pending_until = 0;
    for op in ops {
        if parts.is_empty() || op.call > pending_until {
            parts.push(Vec::new());
        }
        pending_until = pending_until.max(op.ret);
        parts.last_mut().unwrap().push(op);
    }
    parts
}

/// All states in which the operations, sorted by call, can end, and the number of configurations.
fn search<M: Model>(starts: &HashSet<M::State>, ops: &[Timed<M::Op>]) -> (HashSet<M::State>, usize) {
    let places: HashMap<usize, usize> = ops.iter().enumerate().map(|(place, op)| (op.id, place)).collect();
    let none = Done(vec![0; ops.len().div_ceil(64)]);
    let mut stack: Vec<(Done, M::State)> = starts.iter().map(|start| (none.clone(), start.clone())).collect();
    let mut tried: HashSet<(Done, M::State)> = stack.iter().cloned().collect();
    let mut ends = HashSet::new();
    while let Some((done, state)) = stack.pop() {
        let candidates = candidates(ops, &done);
        if candidates.is_empty() {
            ends.insert(state);
            continue;
        }
        for place in candidates {
            let before = ops[place].after.and_then(|before| places.get(&before));
            if before.is_some_and(|before| !done.has(*before)) {
                continue;
            }
            for next in M::steps(&state, &ops[place].op) {
                let next = (done.with(place), next);
                if tried.insert(next.clone()) {
                    stack.push(next);
                }
            }
        }
        assert!(tried.len() < CONFIGURATIONS_MAX, "too many orders of {} operations", ops.len());
    }
    (ends, tried.len())
}

/// The operations that can come next: those called before any other that is not done returned.
fn candidates<O>(ops: &[Timed<O>], done: &Done) -> Vec<usize> {
    let mut first_return = u64::MAX;
    let mut found = Vec::new();
    for (place, op) in ops.iter().enumerate().skip(done.first_missing()) {
        if op.call > first_return {
            break;
        }
        if !done.has(place) {
            first_return = first_return.min(op.ret);
            found.push(place);
        }
    }
    found.retain(|place| ops[*place].call <= first_return);
    found
}

/// A set of operations.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Done(Vec<u64>);

impl Done {
    fn has(&self, place: usize) -> bool {
        self.0[place / 64] >> (place % 64) & 1 == 1
    }

    fn with(&self, place: usize) -> Self {
        let mut more = self.clone();
        more.0[place / 64] |= 1 << (place % 64);
        more
    }

    fn first_missing(&self) -> usize {
        let word = self.0.iter().position(|word| *word != u64::MAX).unwrap_or(self.0.len());
        word * 64 + self.0.get(word).map_or(0, |word| word.trailing_ones() as usize)
    }
}

impl<M: Model> Counterexample<M> {
    fn fails(&self, ops: &[Timed<M::Op>]) -> bool {
        let mut all = [ops, &self.needless].concat();
        all.sort_by_key(|op| op.call);
        search::<M>(&self.starts, &all).0.is_empty()
    }

    /// A short counterexample within this one. Every step is one that a linearizable history survives: cutting off the
    /// end, leaving out an operation that changes nothing, not knowing whether a change was made. A change that does not
    /// help, made or not, is left out, unless an answer seems to show it: without it, that answer would seem to be the fault.
    pub(crate) fn shrunk(mut self) -> Self {
        self.ops = self.shortest_prefix();
        loop {
            let before = self.ops.len();
            for place in (0..before).rev() {
                self.leave_out(place);
            }
            if self.ops.len() == before {
                return self;
            }
        }
    }

    /// What had happened at the earliest moment from which on nothing explains it.
    fn shortest_prefix(&self) -> Vec<Timed<M::Op>> {
        let mut returns: Vec<u64> = self.ops.iter().map(|op| op.ret).collect();
        returns.sort_unstable();
        // Once a prefix cannot be explained, no longer one can.
        let explained = returns.partition_point(|end| !self.fails(&self.until(*end)));
        returns.get(explained).map_or_else(|| self.ops.clone(), |end| self.until(*end))
    }

    fn until(&self, end: u64) -> Vec<Timed<M::Op>> {
        let known = |op: &Timed<M::Op>| {
            if op.ret <= end {
                return Some(op.clone());
            }
            Some(Timed { op: M::with_unknown_outcome(&op.op)?, ..op.clone() })
        };
        self.ops.iter().filter(|op| op.call <= end).filter_map(known).collect()
    }

    fn leave_out(&mut self, place: usize) {
        let mut fewer = self.ops.clone();
        let removed = fewer.remove(place);
        let needless = M::with_unknown_outcome(&removed.op).map(|op| Timed { op, ..removed.clone() });
        if needless.is_some() && fewer.iter().any(|other| M::shows(&other.op, &removed.op)) {
            return;
        }
        let count = self.needless.len();
        self.needless.extend(needless);
        if self.fails(&fewer) {
            self.ops = fewer;
        } else {
            self.needless.truncate(count);
        }
    }
}
