//! Where the engine's bytes live: one narrow trait over named files, a real disk, and memory.

mod local;
mod memory;
mod store;

pub use local::LocalStore;
pub use memory::MemoryStore;
pub use store::{FileStore, FileWriter};
