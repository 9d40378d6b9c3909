//! From a rewritten `SELECT` to a stream of batches: DataFusion with our tables, rules and paths.

mod context;
mod stream;

pub use context::{Engine, Engines, ReadContext, TransactionOverlay};
pub use stream::QueryStream;
