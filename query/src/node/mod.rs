//! The composition root: the one place where leader group, query engine and sessions meet.
//!
//! - [`composition`]: opening, sessions, shutdown
//! - [`connections`]: who is connected, and how to interrupt them
//! - [`orphans`]: what processes have left when they died
//! - [`runtimes`]: the threads on which queries run

mod composition;
mod connections;
mod orphans;
mod runtimes;

pub use composition::{Node, NodeConfig};
pub(crate) use connections::{ConnectionEntry, Interruption};
