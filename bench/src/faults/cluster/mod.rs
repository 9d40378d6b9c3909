//! A server under test: one process, or a cluster of them, each of which can be killed, paused and cut off.
//!
//! - [`shape`]: which processes there are
//! - [`process`]: one of them
//! - [`machine`]: what one runs on: a clock, a disk
//! - [`links`]: the network between them, which can be cut, stopped and slowed
//! - [`source`]: who opened a connection
//! - [`servers`]: all of it together

pub mod links;
pub mod machine;
pub mod process;
pub mod servers;
pub mod shape;
mod source;

pub use links::{Links, Way};
pub use machine::{Machine, MachineLibrary};
pub use process::Process;
pub use servers::Servers;
pub use shape::{Role, Shape};
