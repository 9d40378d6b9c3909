//! Where the engine's bytes live: one narrow trait over named files, a real disk, and memory.

mod directory_lock;
#[cfg(any(test, feature = "testing"))]
mod faulty;
mod local;
mod memory;
mod store;

pub use directory_lock::lock_directory;
pub(crate) use directory_lock::share_directory;
#[cfg(any(test, feature = "testing"))]
pub use faulty::{FaultPlan, FaultyStore};
pub use local::LocalStore;
pub use memory::MemoryStore;
pub use store::{FileStore, FileWriter};

#[cfg(test)]
mod tests;
