//! Isolation under faults: clients run transactions while processes are killed, stopped and cut off, clocks jump and
//! disks are slow, and their histories are checked.
//!
//! A run has three kinds of parts, each of which can be chosen by name:
//!
//! - [`cluster`]: the server under test, as real processes
//! - [`workload`]: what clients do, and what must hold of their histories
//! - [`fault`]: what goes wrong meanwhile
//!
//! [`phase`] puts them together, [`whole`] says what must hold when nothing is wrong any more, and [`recovery`]
//! measures how long a loss is felt.
//!
//! Clients write down what they ask and what they are told ([`history`]). At the end everything is made whole,
//! the server must serve again within a bound, last reads are made through every front end and on both access
//! paths, and the checkers look for what no right server does ([`check`]). Nothing is assumed of the server but
//! what its clients can see: no switch in it makes it fail, no hook tells what happened inside. Even clocks
//! and disks go wrong outside of it, in a library that is put under it ([`cluster::machine`]).

pub mod check;
pub mod cluster;
pub mod fault;
pub mod history;
pub mod phase;
pub mod recovery;
pub mod run;
pub mod whole;
pub mod workload;
