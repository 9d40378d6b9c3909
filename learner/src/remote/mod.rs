//! A leader in another process: what a stateless front end asks of it, and how it answers.
//!
//! ```text
//!   front end                                   voter that leads
//!   RemoteLeader ── Finder ── gRPC ──────────▶ LeaderService ──▶ Leader
//!    │ readers, definitions, transactions       │
//!    └ every second: alive, oldest reader ────▶ FrontEnds: what is held for whom, until when
//!                  ◀─ status, members ────────┘
//! ```
//!
//! A transaction lives in the front end: its snapshot is a timestamp, its writes are buffered there. The
//! leader knows only its locks, and lets them go when the front end falls silent. So nothing is lost when
//! the leader changes: reads go on at the new one at the same timestamp, and a commit is checked there
//! against the rows. Locks alone are void, as they are whenever a leader resigns; the checks at commit
//! stand in for them.

mod failure;
mod finder;
mod front_ends;
mod leader_client;
mod lockers;
mod membership_client;
mod replicas;
mod row_source;
mod rows;
mod run_copy;
mod runs;
mod service;

pub(crate) use failure::Failure;
pub(crate) use leader_client::{RemoteLeader, RemoteSetup};
pub(crate) use membership_client::MembershipClient;
pub(crate) use row_source::LeaderRows;
pub(crate) use rows::RemoteScan;
pub(crate) use run_copy::{copy_runs, fetch_runs};
pub(crate) use service::leader_service;
