//! What only the leader does: ordering commits, locks, timestamps, leadership itself.

mod confirm;
mod readers;
#[path = "services.rs"]
mod services;

pub use readers::ReaderGuard;

pub(crate) use readers::Readers;
pub(crate) use services::Leader;
