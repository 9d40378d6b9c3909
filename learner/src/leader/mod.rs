//! What only the leader does: ordering commits, locks, timestamps, ids, and leading itself.

mod checks;
mod commit;
mod confirm;
mod disk_space;
mod ids;
mod leadership;
mod locking;
mod membership;
mod proposer;
mod readers;
mod services;

pub use membership::Member;
pub use readers::ReaderGuard;

pub(crate) use readers::Readers;
pub(crate) use services::{Leader, LeaderLimits};
