//! Arrays of fixed width out of buffers of decoded values.

use arrow::array::{ArrayData, ArrayRef, make_array};
use arrow::buffer::{Buffer, NullBuffer};

use super::Damage;
use crate::types::StoredType;

/// Bytes of a value; `None` for text and binary.
pub(super) fn width(data_type: StoredType) -> Option<usize> {
    data_type.arrow().primitive_width()
}

/// An array of `rows` values out of `values`, which hold them in Arrow's layout.
pub(super) fn array(
    data_type: StoredType,
    rows: usize,
    values: Buffer,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef, Damage> {
    let data = ArrayData::builder(data_type.arrow())
        .len(rows)
        .add_buffer(values)
        .nulls(nulls)
        // Copies values that lie askew, as they may in files held in memory; mapped blocks never do.
        .align_buffers(true)
        .build()
        .map_err(|e| Damage::new(format!("the values are no array of {data_type:?}: {e}")))?;
    Ok(make_array(data))
}
