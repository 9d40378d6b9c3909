//! Pessimistic locks, and who waits for whom.
//!
//! Locks live in the leader's memory only: they keep transactions from failing late, they are not
//! needed for correctness (the conflict check at commit is). A key has one owner and a queue of
//! waiters; when the owner ends, the first waiter owns it. A transaction waits for one key at a time,
//! so a deadlock is a circle of keys, found when the last arc of it would be drawn.

use std::collections::{HashMap, HashSet, VecDeque};

use bytes::Bytes;

/// A transaction, as the lock table knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TxnId(pub(crate) u64);

/// Answer to a request for a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Acquire {
    /// The transaction owns the key.
    Granted,
    /// It is in the queue; it will be named by a later [`LockTable::release`].
    Waiting,
    /// Waiting would close a circle. It is not in the queue.
    Deadlock,
}

/// All locks.
///
/// Invariants (see [`LockTable::validate`]): a waiter is in exactly the queue of the key that
/// `waiting` names; an owner does not wait for its own key; no circle of waiters exists.
#[derive(Debug, Default)]
pub(crate) struct LockTable {
    locks: HashMap<Bytes, Lock>,
    owned: HashMap<TxnId, Vec<Bytes>>,
    waiting: HashMap<TxnId, Bytes>,
}

#[derive(Debug)]
struct Lock {
    owner: TxnId,
    waiters: VecDeque<TxnId>,
}

impl LockTable {
    /// Whether nobody holds a lock.
    pub(crate) fn is_empty(&self) -> bool {
        self.locks.is_empty()
    }

    /// Whether somebody other than `txn` owns a key.
    pub(crate) fn is_owned_by_another(&self, txn: TxnId, key: &[u8]) -> bool {
        self.locks.get(key).is_some_and(|l| l.owner != txn)
    }

    /// Asks for a key. The transaction must not be waiting already.
    pub(crate) fn acquire(&mut self, txn: TxnId, key: &Bytes) -> Acquire {
        debug_assert!(!self.waiting.contains_key(&txn), "a transaction waits for one key at a time");
        let Some(lock) = self.locks.get(key) else {
            self.locks.insert(key.clone(), Lock { owner: txn, waiters: VecDeque::new() });
            self.owned.entry(txn).or_default().push(key.clone());
            return Acquire::Granted;
        };
        if lock.owner == txn {
            return Acquire::Granted;
        }
        if self.would_deadlock(txn, lock) {
            return Acquire::Deadlock;
        }
        self.waiting.insert(txn, key.clone());
        if let Some(lock) = self.locks.get_mut(key) {
            lock.waiters.push_back(txn);
        }
        Acquire::Waiting
    }

    /// Whether somebody that `txn` would wait for waits, directly or not, for `txn`.
    fn would_deadlock(&self, txn: TxnId, lock: &Lock) -> bool {
        let ahead = |lock: &Lock, upto: Option<TxnId>| -> Vec<TxnId> {
            let queue = lock.waiters.iter().copied().take_while(|&w| Some(w) != upto);
            std::iter::once(lock.owner).chain(queue).collect()
        };
        let mut seen = HashSet::new();
        let mut open = ahead(lock, None);
        while let Some(other) = open.pop() {
            if other == txn {
                return true;
            }
            if seen.insert(other)
                && let Some(next) = self.waiting.get(&other).and_then(|key| self.locks.get(key))
            {
                open.extend(ahead(next, Some(other)));
            }
        }
        false
    }

    /// Leaves the queue, if `txn` is in one. Returns whether it was.
    pub(crate) fn cancel(&mut self, txn: TxnId) -> bool {
        let Some(key) = self.waiting.remove(&txn) else { return false };
        if let Some(lock) = self.locks.get_mut(&key) {
            lock.waiters.retain(|&w| w != txn);
        }
        true
    }

    /// Gives up all of a transaction's locks and its place in a queue. Returns who owns one now.
    pub(crate) fn release(&mut self, txn: TxnId) -> Vec<TxnId> {
        self.cancel(txn);
        let mut granted = Vec::new();
        for key in self.owned.remove(&txn).unwrap_or_default() {
            let Some(lock) = self.locks.get_mut(&key) else { continue };
            match lock.waiters.pop_front() {
                Some(next) => {
                    lock.owner = next;
                    self.waiting.remove(&next);
                    self.owned.entry(next).or_default().push(key);
                    granted.push(next);
                }
                None => {
                    self.locks.remove(&key);
                }
            }
        }
        granted
    }

    /// Checks the invariants.
    #[cfg(test)]
    fn validate(&self) {
        for (txn, key) in &self.waiting {
            let lock = &self.locks[key];
            assert_ne!(lock.owner, *txn);
            assert_eq!(lock.waiters.iter().filter(|w| *w == txn).count(), 1);
        }
        let queued: usize = self.locks.values().map(|l| l.waiters.len()).sum();
        assert_eq!(queued, self.waiting.len());
        let owned: usize = self.owned.values().map(Vec::len).sum();
        assert_eq!(owned, self.locks.len());
        // No circle: taking away those who wait for nobody, again and again, takes away everybody.
        let mut left: HashMap<TxnId, HashSet<TxnId>> = HashMap::new();
        for (txn, key) in &self.waiting {
            let lock = &self.locks[key];
            let ahead = lock.waiters.iter().copied().take_while(|w| w != txn);
            left.insert(*txn, std::iter::once(lock.owner).chain(ahead).collect());
        }
        loop {
            let free: Vec<TxnId> =
                left.iter().filter(|(_, on)| on.iter().all(|o| !left.contains_key(o))).map(|(t, _)| *t).collect();
            if free.is_empty() {
                break;
            }
            free.iter().for_each(|t| drop(left.remove(t)));
        }
        assert!(left.is_empty(), "circle of waiters: {left:?}");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const A: TxnId = TxnId(1);
    const B: TxnId = TxnId(2);
    const C: TxnId = TxnId(3);

    fn k(name: &'static str) -> Bytes {
        Bytes::from_static(name.as_bytes())
    }

    #[test]
    fn waiters_are_served_in_order() {
        let mut t = LockTable::default();
        assert_eq!(t.acquire(A, &k("x")), Acquire::Granted);
        assert_eq!(t.acquire(B, &k("x")), Acquire::Waiting);
        assert_eq!(t.acquire(C, &k("x")), Acquire::Waiting);
        assert_eq!(t.release(A), [B]);
        assert_eq!(t.release(B), [C]);
        assert_eq!(t.release(C), []);
        assert!(t.is_empty());
    }

    #[test]
    fn a_circle_of_three_is_found_at_its_last_arc() {
        let mut t = LockTable::default();
        for (txn, key) in [(A, "x"), (B, "y"), (C, "z")] {
            t.acquire(txn, &k(key));
        }
        assert_eq!(t.acquire(A, &k("y")), Acquire::Waiting);
        assert_eq!(t.acquire(B, &k("z")), Acquire::Waiting);
        assert_eq!(t.acquire(C, &k("x")), Acquire::Deadlock);
        assert_eq!(t.release(C), [B]);
    }

    #[test]
    fn a_circle_through_the_queue_is_found() {
        // C waits behind B for x; A owns x. B owns y. If C owned z and A waited for z: circle A-C-A.
        let mut t = LockTable::default();
        t.acquire(A, &k("x"));
        t.acquire(C, &k("z"));
        assert_eq!(t.acquire(B, &k("x")), Acquire::Waiting);
        assert_eq!(t.acquire(C, &k("x")), Acquire::Waiting);
        assert_eq!(t.acquire(A, &k("z")), Acquire::Deadlock);
    }

    #[test]
    fn a_cancelled_waiter_is_not_served() {
        let mut t = LockTable::default();
        t.acquire(A, &k("x"));
        t.acquire(B, &k("x"));
        assert!(t.cancel(B));
        assert!(!t.cancel(B));
        assert_eq!(t.release(A), []);
    }

    proptest! {
        #[test]
        fn invariants_hold(ops in prop::collection::vec((0u8..4, 0u64..6, 0u8..5), 0..200)) {
            let mut t = LockTable::default();
            for (op, txn, key) in ops {
                let txn = TxnId(txn);
                match op {
                    0 | 1 if !t.waiting.contains_key(&txn) => {
                        t.acquire(txn, &Bytes::copy_from_slice(&[key]));
                    }
                    2 => drop(t.release(txn)),
                    _ => drop(t.cancel(txn)),
                }
                t.validate();
            }
        }
    }
}
