//! Transactions: snapshot isolation, pessimistic locks, and the order in which commits take effect.

mod conflict;
mod lock_table;
mod request;
mod scan;
mod sequencer;
mod transaction;
mod write_buffer;

pub use scan::TxnScan;
pub(crate) use transaction::LockedKeys;
pub use transaction::{CommitInfo, LockOutcome, Transaction, TxnMode, TxnOptions};
pub use write_buffer::{DirtyEntry, Savepoint};

pub(crate) use lock_table::{Acquire, LockTable, TxnId};
pub(crate) use request::{CheckedMutation, CommitRequest, LockedKey};
pub(crate) use sequencer::{Admission, ProposalId, Sequencer, Settled};
