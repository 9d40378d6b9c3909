//! Which encoding a block gets, and the way back.

use arrow::array::{Array, ArrayRef, new_null_array};
use bytes::Bytes;

use super::block::{self, Encoding, Nulls};
use super::{Damage, Trust, plain, zstd};
use crate::error::Result;
use crate::types::StoredType;

/// The block of one zone's column.
pub(crate) fn encode(array: &ArrayRef, data_type: StoredType) -> Result<Vec<u8>> {
    if array.null_count() == array.len() {
        return Ok(block::begin(Encoding::Plain, array, 0));
    }
    let mut payload = Vec::new();
    plain::encode(&mut payload, array, data_type);
    Ok(match zstd::encode(&payload) {
        Some(compressed) => {
            let mut out = block::begin(Encoding::Zstd, array, payload.len() as u64);
            out.extend_from_slice(&compressed);
            out
        }
        None => {
            let mut out = block::begin(Encoding::Plain, array, 0);
            out.extend_from_slice(&payload);
            out
        }
    })
}

/// The `rows` values of a block.
pub(crate) fn decode(bytes: &Bytes, data_type: StoredType, rows: usize, trust: Trust) -> Result<ArrayRef, Damage> {
    let block = block::open(bytes, rows)?;
    let nulls = match &block.nulls {
        Nulls::All => return Ok(new_null_array(&data_type.arrow(), rows)),
        Nulls::Some(nulls) => nulls.clone(),
    };
    match block.encoding {
        Encoding::Plain => plain::decode(&block, &block.payload, data_type, nulls, trust),
        Encoding::Zstd => plain::decode(&block, &zstd::decode(&block.payload, block.word)?, data_type, nulls, trust),
        Encoding::Constant => Err(Damage::new("constant")),
    }
}
