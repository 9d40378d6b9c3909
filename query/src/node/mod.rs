//! The composition root: the one place where leader group, query engine and sessions meet.
//!
//! - [`composition`]: opening, sessions, shutdown
//! - [`commit_gate`]: holding commits back for a while
//! - [`connections`]: who is connected, and how to interrupt them
//! - [`runtime`]: the threads on which analytical queries run

mod commit_gate;
mod composition;
mod connections;
mod runtime;

pub use composition::{Node, NodeConfig};
pub(crate) use connections::{ConnectionEntry, Interruption};
