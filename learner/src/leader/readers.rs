//! Who reads at which timestamp, so that nothing is collected under a reader.

use std::collections::BTreeMap;
use std::sync::Arc;

use deltatree_storage::types::Timestamp;
use parking_lot::Mutex;

/// Active readers by timestamp. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Readers(Arc<Mutex<BTreeMap<Timestamp, usize>>>);

impl Readers {
    /// Registers a reader at the timestamp that `ts` returns. No safe point is computed meanwhile, so
    /// the timestamp cannot fall below one between being drawn and being registered.
    pub(crate) fn register_at<E>(&self, ts: impl FnOnce() -> Result<Timestamp, E>) -> Result<ReaderGuard, E> {
        let mut readers = self.0.lock();
        let ts = ts()?;
        *readers.entry(ts).or_default() += 1;
        Ok(ReaderGuard { readers: self.clone(), ts })
    }

    /// The oldest timestamp that somebody reads at.
    pub(crate) fn oldest(&self) -> Option<Timestamp> {
        self.0.lock().keys().next().copied()
    }

    /// The safe point that `wanted` allows: never above a reader. `set` runs while nobody can register.
    pub(crate) fn with_safe_point<R>(&self, wanted: Timestamp, set: impl FnOnce(Timestamp) -> R) -> R {
        let readers = self.0.lock();
        let oldest = readers.keys().next().copied();
        set(oldest.map_or(wanted, |o| o.min(wanted)))
    }
}

/// Holds the safe point at or below a timestamp while it lives.
pub struct ReaderGuard {
    readers: Readers,
    ts: Timestamp,
}

impl ReaderGuard {
    /// The timestamp that stays readable.
    pub fn ts(&self) -> Timestamp {
        self.ts
    }
}

impl Drop for ReaderGuard {
    fn drop(&mut self) {
        let mut readers = self.readers.0.lock();
        if let Some(count) = readers.get_mut(&self.ts) {
            *count -= 1;
            if *count == 0 {
                readers.remove(&self.ts);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_reader_holds_the_safe_point() {
        let readers = Readers::default();
        let register = |n| readers.register_at(|| Ok::<_, ()>(Timestamp(n))).unwrap();
        let (old, _new) = (register(5), register(9));
        assert_eq!(readers.with_safe_point(Timestamp(20), |ts| ts), Timestamp(5));
        drop(old);
        assert_eq!(readers.with_safe_point(Timestamp(20), |ts| ts), Timestamp(9));
        assert_eq!(readers.with_safe_point(Timestamp(3), |ts| ts), Timestamp(3));
    }
}
