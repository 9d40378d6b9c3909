//! A zone as it will lie in the file: every block, and what the footer says of them. Depends on nothing
//! but the zone's rows, so zones can be encoded side by side.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, UInt8Array};
use arrow::compute::{filter, not};

use super::footer::ZoneFooter;
use super::key_column::keys_to_column;
use super::{PackRows, encoding};
use crate::error::{Error, Result};
use crate::types::{KeyArray, KeyRef, StoredType, TableSchema, Timestamp};
use crate::zone_map::{NdvSketch, ZoneMap};

/// See the module documentation.
pub(super) struct EncodedZone {
    pub(super) footer: ZoneFooter,
    pub(super) keys: Vec<u8>,
    pub(super) commit_ts: Vec<u8>,
    pub(super) tombstones: Vec<u8>,
    pub(super) columns: Vec<EncodedColumn>,
}

/// A column of the zone.
pub(super) struct EncodedColumn {
    /// None if the row keys are its values.
    pub(super) block: Option<Vec<u8>>,
    pub(super) zone_map: ZoneMap,
    pub(super) ndv: NdvSketch,
}

impl EncodedZone {
    /// Encodes rows that fit the schema.
    pub(super) fn new(zone: &PackRows, schema: &TableSchema) -> Result<Self> {
        let commit_ts: ArrayRef = Arc::new(zone.commit_ts.clone());
        let alive = zone.tombstones.as_ref().filter(|t| t.true_count() > 0).map(not).transpose()?;
        let column = |(i, array): (usize, &ArrayRef)| {
            let is_key = schema.key_column == Some(i);
            encode_column(array, schema.columns[i].data_type, is_key.then_some(&zone.keys), alive.as_ref())
        };
        Ok(Self {
            footer: zone_footer(zone),
            keys: encoding::encode_keys(&zone.keys),
            commit_ts: encoding::encode(&commit_ts, StoredType::UInt64)?,
            tombstones: encoding::encode(&tombstone_flags(zone), StoredType::UInt8)?,
            columns: zone.columns.iter().enumerate().map(column).collect::<Result<_>>()?,
        })
    }
}

/// A column; `keys` are given if its values are the row keys.
fn encode_column(
    array: &ArrayRef,
    data_type: StoredType,
    keys: Option<&KeyArray>,
    alive: Option<&BooleanArray>,
) -> Result<EncodedColumn> {
    let counted = alive.map_or_else(|| Ok(array.clone()), |alive| filter(array, alive))?;
    let block = match keys {
        Some(keys) => {
            check_key_column(keys, &counted, alive, data_type)?;
            None
        }
        None => Some(encoding::encode(array, data_type)?),
    };
    let mut ndv = NdvSketch::default();
    ndv.insert_array(&counted);
    Ok(EncodedColumn { block, zone_map: ZoneMap::of(&counted)?, ndv })
}

fn zone_footer(zone: &PackRows) -> ZoneFooter {
    let keys = || (0..zone.len()).map(|i| zone.keys.get(i));
    let first = keys().min().unwrap_or(KeyRef::Int(0));
    let last = keys().max().unwrap_or(KeyRef::Int(0));
    let ts = zone.commit_ts.values();
    ZoneFooter {
        rows: zone.len() as u32,
        tombstones: zone.tombstones.as_ref().map_or(0, BooleanArray::true_count) as u32,
        first_key: first.to_owned(),
        last_key: last.to_owned(),
        min_commit_ts: Timestamp(ts.iter().copied().min().unwrap_or_default()),
        max_commit_ts: Timestamp(ts.iter().copied().max().unwrap_or_default()),
    }
}

fn tombstone_flags(zone: &PackRows) -> ArrayRef {
    Arc::new(match &zone.tombstones {
        Some(flags) => flags.values().iter().map(u8::from).collect::<UInt8Array>(),
        None => UInt8Array::from_value(0, zone.len()),
    })
}

/// A table whose key column disagrees with its keys would change its answers with the access path.
fn check_key_column(
    keys: &KeyArray,
    column: &ArrayRef,
    alive: Option<&BooleanArray>,
    data_type: StoredType,
) -> Result<()> {
    let expected = keys_to_column(keys, data_type).map_err(|e| Error::Internal(e.to_string()))?;
    let expected = alive.map_or_else(|| Ok(expected.clone()), |alive| filter(&expected, alive))?;
    if expected.to_data() == column.to_data() {
        return Ok(());
    }
    Err(Error::Internal("the values of the key column are not the row keys".into()))
}
