//! A simulated disk in memory that tracks which bytes survive a power loss, and fails on demand.
//!
//! Each sector of 512 bytes that was written and not synced survives at random. A sync that fails discards what it did
//! not write, but reads still return it, as operating systems do.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use redb::StorageBackend;

/// Bytes that a disk writes atomically.
const SECTOR: usize = 512;

/// A kind of call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Read,
    Write,
    Sync,
    SetLen,
}

impl Call {
    pub(crate) const ALL: [Self; 4] = [Self::Read, Self::Write, Self::Sync, Self::SetLen];
}

/// The way a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failing {
    Input,
    NoSpace,
    Short,
    /// The backend panics, as a bug would.
    Panic,
}

/// A fault to inject.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) call: Call,
    pub(crate) how: Failing,
    /// Calls of this kind that succeed before.
    pub(crate) after: u64,
    /// Whether all later calls of this kind fail too.
    pub(crate) lasts: bool,
}

/// How much of the data that is not synced survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Survives {
    All,
    /// All but a few sectors.
    Mostly,
    Nothing,
    ByChance,
}

impl Survives {
    const ALL: [Self; 4] = [Self::All, Self::Mostly, Self::Nothing, Self::ByChance];
}

enum Unsynced {
    Write { at: usize, data: Vec<u8> },
    SetLen(usize),
}

struct State {
    /// The bytes that reads return.
    shown: Vec<u8>,
    /// The bytes that are durable.
    durable: Vec<u8>,
    unsynced: Vec<Unsynced>,
    survives: Survives,
    fault: Option<Fault>,
    has_failed: bool,
    /// Calls until the power loss; `None` if there is none.
    calls_left: Option<u64>,
    random: StdRng,
}

/// A simulated disk. Clones share its state.
#[derive(Clone)]
pub(crate) struct Disk(Arc<Mutex<State>>);

impl std::fmt::Debug for Disk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a disk in memory")
    }
}

impl Disk {
    pub(crate) fn new(seed: u64) -> Self {
        Self::of(Vec::new(), StdRng::seed_from_u64(seed))
    }

    fn of(bytes: Vec<u8>, random: StdRng) -> Self {
        Self(Arc::new(Mutex::new(State {
            shown: bytes.clone(),
            durable: bytes,
            unsynced: Vec::new(),
            survives: Survives::ByChance,
            fault: None,
            has_failed: false,
            calls_left: None,
            random,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Schedules a power loss after this many more calls.
    pub(crate) fn cut_after(&self, calls: u64) {
        self.state().calls_left = Some(calls);
    }

    pub(crate) fn is_off(&self) -> bool {
        self.state().calls_left == Some(0)
    }

    /// The disk after the power loss, with the surviving bytes. This one stays off.
    pub(crate) fn power_lost(&self) -> Self {
        let mut state = self.state();
        state.calls_left = Some(0);
        state.survives = Survives::ALL[state.random.random_range(0..4)];
        state.settle();
        let random = StdRng::seed_from_u64(state.random.random());
        Self::of(state.durable.clone(), random)
    }

    pub(crate) fn fails(&self, fault: Fault) {
        let mut state = self.state();
        (state.fault, state.has_failed) = (Some(fault), false);
    }

    /// Ends the fault; returns whether it had occurred.
    pub(crate) fn is_well(&self) -> bool {
        let mut state = self.state();
        state.fault = None;
        state.has_failed
    }

    pub(crate) fn survives(&self, how: Survives) {
        self.state().survives = how;
    }

    fn begin(&self, call: Call) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        match &mut state.calls_left {
            Some(0) => return Err(io::Error::other("the power is off")),
            Some(left) => *left -= 1,
            None => {}
        }
        let Some(fault) = state.failing(call) else { return Ok(state) };
        if call == Call::Sync {
            state.settle();
        }
        drop(state);
        Err(match fault {
            Failing::Input => io::Error::from_raw_os_error(5),
            Failing::NoSpace => io::Error::from_raw_os_error(28),
            Failing::Short => io::ErrorKind::UnexpectedEof.into(),
            Failing::Panic => panic!("the disk panics, as it was told"),
        })
    }
}

impl State {
    /// The failure of this call, if any.
    fn failing(&mut self, call: Call) -> Option<Failing> {
        let fault = self.fault.as_mut().filter(|fault| fault.call == call)?;
        if fault.after > 0 {
            fault.after -= 1;
            return None;
        }
        let how = fault.how;
        if !fault.lasts {
            self.fault = None;
        }
        self.has_failed = true;
        Some(how)
    }

    /// Applies or discards each write that is not synced.
    fn settle(&mut self) {
        for unsynced in std::mem::take(&mut self.unsynced) {
            match unsynced {
                Unsynced::SetLen(len) => {
                    if self.has_luck() {
                        self.durable.resize(len, 0);
                    }
                }
                Unsynced::Write { at, data } => self.settle_write(at, &data),
            }
        }
    }

    /// Kept, dropped or torn writes.
    fn settle_write(&mut self, at: usize, data: &[u8]) {
        let is_torn = match self.survives {
            Survives::Mostly => true,
            Survives::ByChance => self.random.random_ratio(1, 3),
            Survives::All | Survives::Nothing => false,
        };
        let is_kept = self.has_luck();
        let mut from = 0;
        while from < data.len() {
            let to = data.len().min(from + SECTOR - (at + from) % SECTOR);
            let survives = if is_torn { self.has_luck() } else { is_kept };
            if survives {
                put(&mut self.durable, at + from, &data[from..to]);
            }
            from = to;
        }
    }

    fn has_luck(&mut self) -> bool {
        match self.survives {
            Survives::All => true,
            Survives::Mostly => !self.random.random_ratio(1, 64),
            Survives::Nothing => false,
            Survives::ByChance => self.random.random(),
        }
    }

    fn write(&mut self, at: usize, data: &[u8]) {
        put(&mut self.shown, at, data);
        self.unsynced.push(Unsynced::Write { at, data: data.to_vec() });
    }
}

fn put(bytes: &mut Vec<u8>, at: usize, data: &[u8]) {
    if bytes.len() < at + data.len() {
        bytes.resize(at + data.len(), 0);
    }
    bytes[at..at + data.len()].copy_from_slice(data);
}

fn place(offset: u64) -> usize {
    offset.try_into().unwrap()
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state().shown.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.begin(Call::Read)?;
        let found = state.shown.get(place(offset)..place(offset) + out.len());
        out.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.begin(Call::SetLen)?;
        state.shown.resize(place(len), 0);
        state.unsynced.push(Unsynced::SetLen(place(len)));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.begin(Call::Sync)?;
        let survives = std::mem::replace(&mut state.survives, Survives::All);
        state.settle();
        state.survives = survives;
        Ok(())
    }

    /// A failed write may have written a part, or all if the disk is not full.
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        match self.begin(Call::Write) {
            Ok(mut state) => {
                state.write(place(offset), data);
                Ok(())
            }
            Err(failure) => {
                let mut state = self.state();
                if !data.is_empty() && state.calls_left != Some(0) {
                    let most = if failure.raw_os_error() == Some(28) { data.len() - 1 } else { data.len() };
                    let part = state.random.random_range(0..=most);
                    state.write(place(offset), &data[..part]);
                }
                Err(failure)
            }
        }
    }
}
