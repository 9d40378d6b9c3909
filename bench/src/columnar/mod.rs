//! The columnar engine by itself: no SQL session, no log, no row store.
//!
//! - [`CountingStore`]: a directory that knows how many bytes were written to it
//! - [`ColumnarTable`]: an engine with one table
//! - [`sql`]: queries over it by DataFusion

mod counting_store;
mod provider;
pub mod sql;
mod table;

pub use counting_store::CountingStore;
pub use table::{ColumnarTable, Footprint, arrow_schema, user_bytes};
