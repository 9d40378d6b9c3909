//! The whole group in one thread, driven by one seed: voters, learners, network, disks, clocks, faults
//! and clients, and checks of everything that the design promises.
//!
//! Real are the services of the leader, Raft, both state machines, the columnar engine, the read gate
//! and the background care. Simulated are what they stand on:
//!
//! ```text
//! faults ─┐            ┌──────────────── voter ───────────────┐     ┌──────── learner ───────┐
//! clients ┼─ history ──┤ leader services · openraft · row store ├─────┤ openraft · engine · gate ├
//! checks ─┘            └──── executor · network · disks · clocks, all of one seed ───────────┘
//! ```
//!
//! [`executor`] runs tasks and lets time pass, [`network`] carries messages, [`disk`] loses what was not
//! synced, [`nodes`] puts the cluster together, [`workload`] and [`query`] are the clients, [`faults`]
//! is the trouble, [`history`] the reference, [`invariants`] the checks, [`run`] one run.

mod clock;
mod columns;
mod disk;
mod executor;
mod faults;
mod history;
mod invariants;
mod network;
mod nodes;
mod query;
mod random;
mod row_source;
mod run;
mod session;
mod switch_runtime;
mod tests;
mod witness;
mod workload;

pub(crate) use disk::{Change, Pairs as SimPairs, SimDisk, range as pairs_in_range};
pub(crate) use switch_runtime::SwitchRuntime;
