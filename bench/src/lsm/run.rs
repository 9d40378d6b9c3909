//! A sorted run, in memory or as a pack.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array};
use deltatree_storage::pack::{Pack, PackRows};
use deltatree_storage::types::{KeyArray, KeyRef, TableSchema};

use super::rows::{keys_of, memory_bytes};

/// Rows with distinct keys in ascending order, divided into zones. A run in memory is one zone.
#[derive(Clone, Debug)]
pub(super) enum Run {
    /// May still be joined with newer ones.
    Memory(Arc<PackRows>),
    /// In memory, and being written out.
    Frozen(Arc<PackRows>),
    File(Arc<Pack>),
}

impl Run {
    pub(super) fn rows(&self) -> u64 {
        match self {
            Self::Memory(rows) | Self::Frozen(rows) => rows.len() as u64,
            Self::File(pack) => u64::from(pack.rows()),
        }
    }

    pub(super) fn memory_bytes(&self) -> u64 {
        match self {
            Self::Memory(rows) | Self::Frozen(rows) => memory_bytes(rows),
            Self::File(_) => 0,
        }
    }

    /// Whether this is the very same run, frozen or not.
    pub(super) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Memory(a) | Self::Frozen(a), Self::Memory(b) | Self::Frozen(b)) => Arc::ptr_eq(a, b),
            (Self::File(a), Self::File(b)) => Arc::ptr_eq(a, b),
            (_, _) => false,
        }
    }

    pub(super) fn zone_count(&self) -> usize {
        match self {
            Self::Memory(_) | Self::Frozen(_) => 1,
            Self::File(pack) => pack.zone_count(),
        }
    }

    pub(super) fn zone_rows(&self, zone: usize) -> usize {
        match self {
            Self::Memory(rows) | Self::Frozen(rows) => rows.len(),
            Self::File(pack) => pack.zone_rows(zone).len(),
        }
    }

    /// The zones that may have keys of the range.
    pub(super) fn zones_of(&self, keys: &Range<i64>) -> Range<usize> {
        match self {
            Self::Memory(_) | Self::Frozen(_) => 0..1,
            Self::File(pack) => {
                let zones = pack.zone_count();
                let start = partition_point(zones, |zone| pack.zone_last_key(zone) < KeyRef::Int(keys.start));
                let end = partition_point(zones, |zone| pack.zone_first_key(zone) < KeyRef::Int(keys.end));
                start..end.max(start)
            }
        }
    }

    /// Smallest and largest key of a zone, from metadata.
    pub(super) fn zone_bounds(&self, zone: usize) -> anyhow::Result<(i64, i64)> {
        match self {
            Self::Memory(rows) | Self::Frozen(rows) => {
                let keys = keys_of(rows)?.values();
                Ok((keys.first().copied().unwrap_or(i64::MAX), keys.last().copied().unwrap_or(i64::MIN)))
            }
            Self::File(pack) => match (pack.zone_first_key(zone), pack.zone_last_key(zone)) {
                (KeyRef::Int(first), KeyRef::Int(last)) => Ok((first, last)),
                (_, _) => anyhow::bail!("the baseline has integer keys only"),
            },
        }
    }

    pub(super) fn read_keys(&self, zone: usize) -> anyhow::Result<Int64Array> {
        match self {
            Self::Memory(rows) | Self::Frozen(rows) => Ok(keys_of(rows)?.clone()),
            Self::File(pack) => match pack.read_keys(zone)? {
                KeyArray::Int(keys) => Ok(keys),
                KeyArray::Bytes(_) => anyhow::bail!("the baseline has integer keys only"),
            },
        }
    }

    /// Which rows of a zone delete their key; `None` if none does.
    pub(super) fn read_tombstones(&self, zone: usize) -> anyhow::Result<Option<BooleanArray>> {
        match self {
            Self::Memory(rows) | Self::Frozen(rows) => Ok(rows.tombstones.clone()),
            Self::File(pack) if pack.zone_tombstones(zone) == 0 => Ok(None),
            Self::File(pack) => Ok(Some(pack.read_tombstones(zone)?)),
        }
    }

    pub(super) fn read_column(&self, schema: &TableSchema, column: usize, zone: usize) -> anyhow::Result<ArrayRef> {
        match self {
            Self::Memory(rows) | Self::Frozen(rows) => Ok(rows.columns[column].clone()),
            Self::File(pack) => Ok(pack.read_column(&schema.columns[column], zone)?),
        }
    }

    /// All of a zone.
    pub(super) fn read_zone(&self, schema: &TableSchema, zone: usize) -> anyhow::Result<PackRows> {
        let commit_ts = match self {
            Self::Memory(rows) | Self::Frozen(rows) => rows.commit_ts.clone(),
            Self::File(pack) => pack.read_commit_ts(zone)?,
        };
        let columns = (0..schema.columns.len()).map(|column| self.read_column(schema, column, zone));
        Ok(PackRows {
            keys: KeyArray::Int(self.read_keys(zone)?),
            commit_ts,
            tombstones: self.read_tombstones(zone)?,
            columns: columns.collect::<anyhow::Result<_>>()?,
        })
    }
}

fn partition_point(len: usize, below: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, len);
    while low < high {
        let middle = low + (high - low) / 2;
        if below(middle) { low = middle + 1 } else { high = middle }
    }
    low
}
