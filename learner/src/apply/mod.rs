//! From committed log entries to the columnar engine.

mod columnar;
mod engine;
mod error;
mod keys;
mod packs;
mod sink;

pub use columnar::ColumnarApplier;
pub use error::ApplyError;
pub use packs::{RowVersion, rows_to_packs};
pub use sink::{ColumnarSink, RowSource};

#[cfg(test)]
mod tests;
