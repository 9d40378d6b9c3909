//! The command line: thin verbs over the library.
//!
//! - [`args`]: what can be written after `deltatree`
//! - [`serve`]: the server, or a process of a cluster
//! - `cluster_ssl`: TLS between the processes of a cluster
//! - [`playground`]: a cluster of processes on this machine
//! - [`sql`]: the shell
//! - [`demo`]: the main job in one command
//! - [`inspect`]: a look into the data directory of a stopped server

pub mod args;
mod cluster_ssl;
pub mod demo;
pub mod inspect;
pub mod playground;
pub mod serve;
pub mod sql;

pub use args::main;
