//! The transactions of a front end that may hold locks at the leader.
//!
//! A request for locks can arrive late, after the transaction has ended and even after the message that gives its
//! locks up. So every sign of life says which transactions there are, and the leader lets go of what the others
//! hold. Requests and signs of life are counted together, so that the leader can tell a transaction that had
//! ended when the sign was given from one that began to lock afterwards.

use std::collections::HashSet;

use parking_lot::Mutex;

/// See the module.
#[derive(Default)]
pub(super) struct Lockers(Mutex<State>);

#[derive(Default)]
struct State {
    sent: u64,
    open: HashSet<u64>,
}

impl Lockers {
    /// A transaction asks for locks. Returns the number to send.
    pub(super) fn asks(&self, transaction: u64) -> u64 {
        let mut state = self.0.lock();
        state.open.insert(transaction);
        state.sent += 1;
        state.sent
    }

    /// It has ended.
    pub(super) fn ended(&self, transaction: u64) {
        self.0.lock().open.remove(&transaction);
    }

    /// What a sign of life says: the number to send, and all that may hold locks.
    pub(super) fn all(&self) -> (u64, Vec<u64>) {
        let mut state = self.0.lock();
        state.sent += 1;
        (state.sent, state.open.iter().copied().collect())
    }
}
