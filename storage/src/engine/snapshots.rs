//! Who is reading, and at which timestamp: what versions must be kept.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::error::{Error, Result};
use crate::types::Timestamp;

/// The active snapshots of an engine and the safe point that its owner set.
#[derive(Debug, Default)]
pub(crate) struct Snapshots {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    safe_point: Timestamp,
    active: BTreeMap<Timestamp, usize>,
}

impl Snapshots {
    /// Raises the safe point.
    pub(crate) fn set_safe_point(&self, ts: Timestamp) {
        let mut state = self.state.lock();
        state.safe_point = state.safe_point.max(ts);
    }

    /// Registers a reader at `ts`, unless versions it needs may be gone: `collected` is the table's
    /// mark, see [`Snapshots::collect`].
    pub(crate) fn register(self: &Arc<Self>, ts: Timestamp, collected: &AtomicU64) -> Result<ActiveSnapshot> {
        let mut state = self.state.lock();
        let oldest = collected.load(Ordering::SeqCst);
        if ts.0 < oldest {
            return Err(Error::Invalid(format!("snapshot {ts} is too old: versions before {oldest} are collected")));
        }
        *state.active.entry(ts).or_default() += 1;
        Ok(ActiveSnapshot { snapshots: self.clone(), ts })
    }

    /// The timestamp up to which versions may be dropped now: the safe point, or the oldest reader
    /// if that is older. Raises `collected` to it, so that no older reader comes afterwards.
    pub(crate) fn collect(&self, collected: &AtomicU64) -> Timestamp {
        let state = self.state.lock();
        let ts = safe(&state);
        collected.fetch_max(ts.0, Ordering::SeqCst);
        ts
    }

    /// Like [`Snapshots::collect`], without promising anything.
    pub(crate) fn safe_point(&self) -> Timestamp {
        safe(&self.state.lock())
    }
}

fn safe(state: &State) -> Timestamp {
    state.active.keys().next().map_or(state.safe_point, |oldest| state.safe_point.min(*oldest))
}

/// A registered reader; gone when dropped.
#[derive(Debug)]
pub(crate) struct ActiveSnapshot {
    snapshots: Arc<Snapshots>,
    ts: Timestamp,
}

impl Drop for ActiveSnapshot {
    fn drop(&mut self) {
        let mut state = self.snapshots.state.lock();
        if let Some(count) = state.active.get_mut(&self.ts) {
            *count -= 1;
            if *count == 0 {
                state.active.remove(&self.ts);
            }
        }
    }
}
