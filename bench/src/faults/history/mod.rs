//! What clients asked of the server and what came back, in the order in which it happened.
//!
//! - [`event`]: one moment of one operation
//! - [`recorder`]: all of them, of one workload
//! - [`client`]: who asks
//! - [`outcome`]: how a transaction ends, as far as its client can know

pub mod client;
pub mod event;
pub mod outcome;
pub mod recorder;

pub use client::{Client, Path, Surroundings};
pub use event::{Event, Kind, Operation, operations};
pub use outcome::{Failure, transact, write};
pub use recorder::Recorder;
