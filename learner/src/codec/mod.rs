//! Bytes of keys and rows in the row store and in the log.

mod arrow;
mod cell;
mod encode_batch;
mod error;
mod index_key;
mod key;
mod row;

pub use arrow::{RowsToArrow, arrow_row, arrow_schema, arrow_value};
pub use cell::fits;
pub use encode_batch::{EncodedBatch, encode_batch, encode_rows, row_keys};
pub use error::{CodecError, Result};
pub use index_key::{IndexEntry, decode_index_entry, index_key, index_prefix, index_range};
pub(crate) use key::runs_complete_key;
pub use key::{
    KeyShape, append_row_key, decode_row_key, handle_of, key_shape, key_values, meta_range, prefix_end, row_key,
    row_range, table_range,
};
pub(crate) use row::RowLayout;
pub use row::{RowView, decode_row, encode_row};

#[cfg(test)]
mod tests;
