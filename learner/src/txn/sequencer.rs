//! The order of commits: pure decisions about timestamps, conflicts and what may be read.
//!
//! A commit goes through three states. *Waiting*: nothing is decided. *In flight*: it was admitted, has
//! its commit timestamp, and is in a proposed log entry that is not yet applied. *Applied*: readers see
//! it.
//!
//! Admission and the drawing of the timestamp happen in one step under the leader's lock, and entries
//! are proposed in that order, so log order is commit order (invariant 9). Keys of admitted commits are
//! remembered at once, so whoever comes next is checked against what is in flight as well.
//!
//! The *read timestamp* must not see half of what is in flight. With nothing in flight it is a fresh
//! timestamp; otherwise it is the newest applied commit, which covers everything that was ever
//! acknowledged, since commits are acknowledged after they are applied. So beginning a transaction
//! never waits.

use std::collections::BTreeMap;

use deltatree_storage::types::{TableId, Timestamp};

use super::conflict::{Recent, RecentCommits, key_hash};
use super::{CommitRequest, LockTable};
use crate::error::Error;
use crate::tso::{Oracle, WindowExhausted};

/// Keys that the conflict check remembers.
const RECENT_KEYS: usize = 1 << 20;

/// A proposed log entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ProposalId(u64);

#[derive(Debug)]
struct InFlight {
    first_ts: Timestamp,
    last_ts: Timestamp,
    changes_schema: bool,
}

/// What becomes of a commit request.
#[derive(Debug)]
pub(crate) enum Admission {
    /// It is in the open proposal, with this timestamp.
    Admitted(Timestamp),
    /// Ask again when an entry in flight was applied.
    Hold,
    /// A key is locked by another transaction: wait for the lock, then ask again.
    Locked {
        /// Position of the mutation.
        mutation: usize,
    },
    /// A key was checked at a timestamp that memory does not reach back to: check the row store anew.
    CheckAgain,
    /// The oracle's window must be extended first.
    Window(WindowExhausted),
    /// It cannot commit.
    Rejected(Error),
}

/// Whether everything at or below a timestamp is applied, for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    /// It is.
    Yes,
    /// A commit at or below it may be in flight: ask again when one has finished.
    InFlight,
    /// Its time has not come.
    Future,
}

/// The leader's view of commits, for one term of leadership.
pub(crate) struct Sequencer {
    oracle: Oracle,
    recent: RecentCommits,
    in_flight: BTreeMap<ProposalId, InFlight>,
    open: Option<InFlight>,
    next_proposal: u64,
    applied: Timestamp,
}

impl Sequencer {
    /// All commits up to `floor` are applied, and no timestamp above it was ever handed out.
    pub(crate) fn new(floor: Timestamp) -> Self {
        Self {
            oracle: Oracle::new(floor),
            recent: RecentCommits::new(floor, RECENT_KEYS),
            in_flight: BTreeMap::new(),
            open: None,
            next_proposal: 0,
            applied: floor,
        }
    }

    /// Timestamps below `upto` were agreed on.
    pub(crate) fn extend_window(&mut self, upto: Timestamp) {
        self.oracle.extend(upto);
    }

    /// See [`Oracle::wants_extension`].
    pub(crate) fn wants_window(&self, now_ms: u64) -> Option<WindowExhausted> {
        self.oracle.wants_extension(now_ms)
    }

    /// A timestamp at which everything acknowledged is visible and nothing else will become so.
    pub(crate) fn read_ts(&mut self, now_ms: u64) -> Result<Timestamp, WindowExhausted> {
        if self.in_flight.is_empty() {
            self.applied = self.oracle.next(now_ms)?;
        }
        Ok(self.applied)
    }

    /// The newest timestamp up to which all commits are applied.
    pub(crate) fn applied(&self) -> Timestamp {
        self.applied
    }

    /// Whether everything at or below `ts` is applied and nothing at or below it will ever come.
    pub(crate) fn settled(&mut self, ts: Timestamp, now_ms: u64) -> Result<Settled, WindowExhausted> {
        if ts <= self.applied {
            return Ok(Settled::Yes);
        }
        match self.in_flight.first_key_value() {
            Some((_, oldest)) if ts < oldest.first_ts => Ok(Settled::Yes),
            Some(_) => Ok(Settled::InFlight),
            None => Ok(if ts <= self.read_ts(now_ms)? { Settled::Yes } else { Settled::Future }),
        }
    }

    /// Number of proposals in flight.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// The newest commit of a key that memory knows of, in flight or applied.
    pub(crate) fn newest_commit_of(&self, key: &[u8]) -> Option<Timestamp> {
        self.recent.newest(key_hash(key))
    }

    /// Decides about a commit. If it is admitted it belongs to the open proposal, which the caller must
    /// [`Sequencer::seal`] and propose before anybody else gets at the sequencer.
    pub(crate) fn admit(
        &mut self,
        request: &CommitRequest,
        locks: &LockTable,
        schema_version: impl Fn(TableId) -> Option<u64>,
        now_ms: u64,
    ) -> Admission {
        let schema_in_flight = self.in_flight.values().chain(&self.open).any(|p| p.changes_schema);
        if schema_in_flight && !request.schemas.is_empty() {
            return Admission::Hold;
        }
        for &(table, planned) in &request.schemas {
            if schema_version(table) != Some(planned) {
                return Admission::Rejected(Error::SchemaChanged { table: table.0, planned });
            }
        }
        for (i, m) in request.mutations.iter().enumerate() {
            if !locks.is_empty() && locks.is_owned_by_another(request.txn, m.key()) {
                return Admission::Locked { mutation: i };
            }
            match self.recent.changed_since(m.hash, m.unchanged_since) {
                Recent::Unchanged => {}
                Recent::Forgotten => return Admission::CheckAgain,
                Recent::Changed(ts) if m.must_be_new && ts > self.applied => return Admission::Hold,
                Recent::Changed(_) if m.must_be_new => return Admission::CheckAgain,
                Recent::Changed(_) => {
                    let start_ts = m.unchanged_since.0;
                    return Admission::Rejected(Error::WriteConflict { key: m.key().clone(), start_ts });
                }
            }
        }
        for locked in &request.locked {
            match self.recent.changed_since(locked.hash, locked.unchanged_since) {
                Recent::Unchanged => {}
                Recent::Forgotten => return Admission::CheckAgain,
                Recent::Changed(_) => {
                    let start_ts = locked.unchanged_since.0;
                    return Admission::Rejected(Error::WriteConflict { key: locked.key.clone(), start_ts });
                }
            }
        }
        let commit_ts = match self.oracle.next(now_ms) {
            Ok(ts) => ts,
            Err(exhausted) => return Admission::Window(exhausted),
        };
        self.recent.insert(commit_ts, request.mutations.iter().map(|m| m.hash).collect(), self.applied);
        let open = self.open.get_or_insert(InFlight { first_ts: commit_ts, last_ts: commit_ts, changes_schema: false });
        open.last_ts = commit_ts;
        open.changes_schema |= request.changes_schema;
        Admission::Admitted(commit_ts)
    }

    /// Closes the open proposal, which is in flight from now on. `None` if nothing was admitted.
    pub(crate) fn seal(&mut self) -> Option<ProposalId> {
        let open = self.open.take()?;
        let id = ProposalId(self.next_proposal);
        self.next_proposal += 1;
        self.in_flight.insert(id, open);
        Some(id)
    }

    /// A proposal was applied.
    pub(crate) fn finish(&mut self, id: ProposalId) {
        if let Some(proposal) = self.in_flight.remove(&id) {
            self.applied = self.applied.max(proposal.last_ts);
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::txn::{CheckedMutation, LockedKey, TxnId};

    fn sequencer() -> Sequencer {
        let mut s = Sequencer::new(Timestamp(100));
        s.extend_window(Timestamp(u64::MAX));
        s
    }

    fn write(start: Timestamp, key: &'static str, must_be_new: bool) -> CommitRequest {
        let m = CheckedMutation::new(Bytes::from_static(key.as_bytes()), Some(Bytes::new()), start, must_be_new);
        CommitRequest::new(TxnId(1), start, vec![m], vec![])
    }

    fn admit(s: &mut Sequencer, r: &CommitRequest) -> Admission {
        s.admit(r, &LockTable::default(), |_| Some(1), 0)
    }

    fn commit(s: &mut Sequencer, r: &CommitRequest) -> (Timestamp, ProposalId) {
        let Admission::Admitted(ts) = admit(s, r) else { panic!("not admitted") };
        (ts, s.seal().unwrap())
    }

    #[test]
    fn second_writer_of_a_key_conflicts_with_the_first_in_flight() {
        let mut s = sequencer();
        let start = s.read_ts(0).unwrap();
        commit(&mut s, &write(start, "k", false));
        assert!(matches!(admit(&mut s, &write(start, "k", false)), Admission::Rejected(Error::WriteConflict { .. })));
        assert!(matches!(admit(&mut s, &write(start, "other", false)), Admission::Admitted(_)));
    }

    #[test]
    fn a_reader_that_begins_during_flight_does_not_claim_to_have_seen_it() {
        let mut s = sequencer();
        let first = s.read_ts(0).unwrap();
        let (commit_ts, id) = commit(&mut s, &write(first, "k", false));
        let during = s.read_ts(0).unwrap();
        assert!(during < commit_ts);
        assert!(matches!(admit(&mut s, &write(during, "k", false)), Admission::Rejected(_)));
        s.finish(id);
        let after = s.read_ts(0).unwrap();
        assert!(after > commit_ts);
        assert!(matches!(admit(&mut s, &write(after, "k", false)), Admission::Admitted(_)));
    }

    #[test]
    fn acknowledged_commits_are_seen_while_others_fly() {
        let mut s = sequencer();
        let start = s.read_ts(0).unwrap();
        let (first, id) = commit(&mut s, &write(start, "a", false));
        commit(&mut s, &write(start, "b", false));
        s.finish(id);
        assert_eq!(s.read_ts(0).unwrap(), first);
    }

    #[test]
    fn an_insert_waits_to_know_what_a_writer_in_flight_did() {
        let mut s = sequencer();
        let start = s.read_ts(0).unwrap();
        let (_, id) = commit(&mut s, &write(start, "k", true));
        assert!(matches!(admit(&mut s, &write(start, "k", true)), Admission::Hold));
        s.finish(id);
        assert!(matches!(admit(&mut s, &write(start, "k", true)), Admission::CheckAgain));
    }

    #[test]
    fn data_waits_for_a_schema_change_in_flight_and_then_sees_its_version() {
        let mut s = sequencer();
        let start = s.read_ts(0).unwrap();
        let ddl = CommitRequest { changes_schema: true, ..write(start, "mt", false) };
        let data = CommitRequest { schemas: vec![(TableId(1), 1)], ..write(start, "k", false) };
        let (_, id) = commit(&mut s, &ddl);
        assert!(matches!(admit(&mut s, &data), Admission::Hold));
        s.finish(id);
        let decided = s.admit(&data, &LockTable::default(), |_| Some(2), 0);
        assert!(matches!(decided, Admission::Rejected(Error::SchemaChanged { .. })));
    }

    #[test]
    fn a_key_locked_by_another_is_not_written() {
        let mut s = sequencer();
        let mut locks = LockTable::default();
        locks.acquire(TxnId(9), &Bytes::from_static(b"k"));
        let start = s.read_ts(0).unwrap();
        assert!(matches!(s.admit(&write(start, "k", false), &locks, |_| None, 0), Admission::Locked { mutation: 0 }));
    }

    #[test]
    fn a_timestamp_is_settled_once_nothing_below_it_flies() {
        let mut s = sequencer();
        let start = s.read_ts(0).unwrap();
        let (commit_ts, id) = commit(&mut s, &write(start, "k", false));
        let below = Timestamp(commit_ts.0 - 1);
        assert_eq!(s.settled(start, 0), Ok(Settled::Yes));
        assert_eq!(s.settled(below, 0), Ok(Settled::Yes));
        assert_eq!(s.settled(commit_ts, 0), Ok(Settled::InFlight));
        s.finish(id);
        assert_eq!(s.settled(commit_ts, 0), Ok(Settled::Yes));
        assert_eq!(s.settled(Timestamp(commit_ts.0 + 1_000), 0), Ok(Settled::Future));
    }

    #[test]
    fn what_was_locked_and_not_written_must_be_as_it_was() {
        let mut s = sequencer();
        let start = s.read_ts(0).unwrap();
        let relying = |since| {
            let locked = vec![LockedKey::new(Bytes::from_static(b"read"), since)];
            write(start, "written", false).with_locked(locked)
        };
        let before_this_term = relying(Timestamp(99));
        assert!(matches!(admit(&mut s, &before_this_term), Admission::CheckAgain));
        assert!(matches!(admit(&mut s, &relying(start)), Admission::Admitted(_)));
        let (other, _) = commit(&mut s, &write(start, "read", false));
        assert!(matches!(admit(&mut s, &relying(start)), Admission::Rejected(Error::WriteConflict { .. })));
        let later = CommitRequest { mutations: Vec::new(), ..relying(other) };
        assert!(matches!(admit(&mut s, &later), Admission::Admitted(_)));
    }

    #[test]
    fn commit_order_is_timestamp_order() {
        let mut s = sequencer();
        let start = s.read_ts(0).unwrap();
        let mut last = start;
        for key in ["a", "b", "c"] {
            let Admission::Admitted(ts) = admit(&mut s, &write(start, key, false)) else { panic!("not admitted") };
            assert!(ts > last);
            last = ts;
        }
        assert!(s.seal().is_some());
        assert!(s.seal().is_none());
    }
}
