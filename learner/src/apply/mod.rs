//! From committed log entries to the columnar engine.

mod columnar;
mod error;
mod keys;
mod packs;
mod sink;

pub use columnar::ColumnarApplier;
pub use error::ApplyError;
pub use packs::{PackRows, RowVersion, rows_to_packs};
pub use sink::{ColumnarSink, RowSource};
