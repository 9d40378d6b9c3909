//! Reading the blocks of a pack.
//!
//! A block's checksum is compared, and its text checked to be UTF-8, when the block is first read.
//! If both hold, that is remembered in one bit a block, and later reads trust the bytes: the file is
//! immutable, and mapped read-only. Two threads may both be first; they come to the same result.
//! Everything else about a block (lengths, offsets, codes) is checked at every read, so that no byte
//! whatever leads a reader outside of the block.

use std::sync::atomic::Ordering;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, UInt32Array, UInt64Array};
use arrow::buffer::BooleanBuffer;
use arrow::compute::take;
use arrow::datatypes::{UInt8Type, UInt64Type};
use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_64;

use super::Pack;
use super::encoding::{self, Coded, Damage, Trust};
use super::footer::{BlockPlace, Storage};
use super::format::ALIGNMENT;
use super::key_column::keys_to_column;
use crate::error::{Error, Result};
use crate::types::{ColumnSchema, KeyArray, StoredType, repeat};

/// Which of a zone's blocks.
#[derive(Clone, Copy, Debug)]
pub(super) enum Slot {
    Keys,
    CommitTs,
    Tombstones,
    /// Position in the footer's columns.
    Column(usize),
}

impl Pack {
    /// The row keys of a zone.
    pub fn read_keys(&self, zone: usize) -> Result<KeyArray> {
        let rows = self.rows_in(zone);
        self.read(Slot::Keys, zone, |block, _| encoding::decode_keys(block, self.footer.key, rows))
    }

    /// The commit timestamps of a zone.
    pub fn read_commit_ts(&self, zone: usize) -> Result<UInt64Array> {
        Ok(self.read_internal(Slot::CommitTs, zone, StoredType::UInt64)?.as_primitive::<UInt64Type>().clone())
    }

    /// Which rows of a zone are tombstones.
    pub fn read_tombstones(&self, zone: usize) -> Result<BooleanArray> {
        let rows = self.rows_in(zone);
        if self.zone_tombstones(zone) == 0 {
            return Ok(BooleanArray::new(BooleanBuffer::new_unset(rows), None));
        }
        let flags = self.read_internal(Slot::Tombstones, zone, StoredType::UInt8)?;
        let flags = flags.as_primitive::<UInt8Type>().values();
        Ok(BooleanArray::new(BooleanBuffer::collect_bool(rows, |i| flags[i] != 0), None))
    }

    /// The values of a column in a zone, tombstones included (what they hold means nothing). The
    /// column's default if the pack was written without the column.
    pub fn read_column(&self, column: &ColumnSchema, zone: usize) -> Result<ArrayRef> {
        let Some(position) = self.positions.get(&column.id).copied() else {
            return repeat(&column.default, column.data_type, self.rows_in(zone));
        };
        self.check_type(column, position)?;
        match self.footer.columns[position].storage {
            Storage::Blocks(_) => self.read_array(Slot::Column(position), zone, column.data_type),
            Storage::Keys => self.read_key_column(zone, column.data_type),
        }
    }

    /// Like [`Pack::read_column`], but only the given rows, numbered in the zone and ascending.
    pub fn read_column_rows(&self, column: &ColumnSchema, zone: usize, rows: &[u32]) -> Result<ArrayRef> {
        let total = self.rows_in(zone);
        let picked = |all: ArrayRef| -> Result<ArrayRef> { Ok(take(&all, &UInt32Array::from(rows.to_vec()), None)?) };
        let Some(position) = self.positions.get(&column.id).copied() else {
            return repeat(&column.default, column.data_type, rows.len());
        };
        if let Storage::Keys = self.footer.columns[position].storage {
            return picked(self.read_column(column, zone)?);
        }
        self.check_type(column, position)?;
        let slot = Slot::Column(position);
        let some = self.read(slot, zone, |block, trust| match trust {
            Trust::Checked => encoding::decode_rows(block, column.data_type, total, rows).map(Ok),
            Trust::Fresh => encoding::decode(block, column.data_type, total, trust).map(Err),
        })?;
        some.or_else(picked)
    }

    /// A column of a zone as codes into its distinct values; `None` if its block has no dictionary.
    pub(crate) fn read_coded(&self, column: &ColumnSchema, zone: usize) -> Result<Option<Coded>> {
        let Some(position) = self.positions.get(&column.id).copied() else { return Ok(None) };
        let (Storage::Blocks(_), StoredType::Utf8 | StoredType::Binary) =
            (&self.footer.columns[position].storage, column.data_type)
        else {
            return Ok(None);
        };
        self.check_type(column, position)?;
        let rows = self.rows_in(zone);
        self.read(Slot::Column(position), zone, |block, trust| {
            if trust == Trust::Fresh {
                encoding::decode(block, column.data_type, rows, trust)?;
            }
            encoding::decode_coded(block, column.data_type, rows)
        })
    }

    /// Reads the whole file and checks everything. Blocks for as long as the disk takes.
    pub fn verify(&self) -> Result<()> {
        for zone in 0..self.zone_count() {
            self.read_keys(zone)?;
            self.read_commit_ts(zone)?;
            self.read_internal(Slot::Tombstones, zone, StoredType::UInt8)?;
            for (i, column) in self.footer.columns.iter().enumerate() {
                match column.storage {
                    Storage::Blocks(_) => drop(self.read_array(Slot::Column(i), zone, column.data_type)?),
                    Storage::Keys => drop(self.read_key_column(zone, column.data_type)?),
                }
            }
        }
        Ok(())
    }

    fn read_key_column(&self, zone: usize, data_type: StoredType) -> Result<ArrayRef> {
        keys_to_column(&self.read_keys(zone)?, data_type).map_err(|damage| self.damaged(Slot::Keys, zone, damage))
    }

    fn check_type(&self, column: &ColumnSchema, position: usize) -> Result<()> {
        let stored = self.footer.columns[position].data_type;
        if stored == column.data_type {
            return Ok(());
        }
        Err(Error::Internal(format!(
            "column {} is stored as {stored:?} in pack {}, not {:?}",
            column.name, self.file, column.data_type
        )))
    }

    fn rows_in(&self, zone: usize) -> usize {
        self.zone_rows(zone).len()
    }

    fn read_array(&self, slot: Slot, zone: usize, data_type: StoredType) -> Result<ArrayRef> {
        let rows = self.rows_in(zone);
        self.read(slot, zone, |block, trust| encoding::decode(block, data_type, rows, trust))
    }

    /// What the engine keeps of each row beside the columns.
    fn read_internal(&self, slot: Slot, zone: usize, data_type: StoredType) -> Result<ArrayRef> {
        let array = self.read_array(slot, zone, data_type)?;
        match array.null_count() {
            0 => Ok(array),
            nulls => Err(self.damaged(slot, zone, Damage::new(format!("{nulls} values are NULL")))),
        }
    }

    /// Hands a block, known to be what was written, to `decode`.
    pub(super) fn read<T>(
        &self,
        slot: Slot,
        zone: usize,
        decode: impl FnOnce(&Bytes, Trust) -> Result<T, Damage>,
    ) -> Result<T> {
        let place = self.place(slot, zone);
        let (start, end) = (place.offset as usize, place.offset as usize + place.len as usize);
        let (word, bit) = self.verified_bit(slot, zone);
        if self.verified[word].load(Ordering::Acquire) & bit != 0 {
            return decode(&self.bytes.slice(start..end), Trust::Checked).map_err(|d| self.damaged(slot, zone, d));
        }
        // The footer was checked: the padded block lies inside the file.
        if xxh3_64(&self.bytes[start..end.next_multiple_of(ALIGNMENT)]) != place.checksum {
            return Err(self.damaged(slot, zone, Damage::new("the checksum does not match")));
        }
        let decoded = decode(&self.bytes.slice(start..end), Trust::Fresh).map_err(|d| self.damaged(slot, zone, d))?;
        self.verified[word].fetch_or(bit, Ordering::Release);
        Ok(decoded)
    }

    fn place(&self, slot: Slot, zone: usize) -> BlockPlace {
        match slot {
            Slot::Keys => self.footer.keys[zone],
            Slot::CommitTs => self.footer.commit_ts[zone],
            Slot::Tombstones => self.footer.tombstones[zone],
            Slot::Column(i) => self.places(&self.footer.columns[i])[zone],
        }
    }

    fn verified_bit(&self, slot: Slot, zone: usize) -> (usize, u64) {
        let column = match slot {
            Slot::Keys => 0,
            Slot::CommitTs => 1,
            Slot::Tombstones => 2,
            Slot::Column(i) => 3 + i,
        };
        let block = column * self.zone_count() + zone;
        (block / 64, 1 << (block % 64))
    }

    fn damaged(&self, slot: Slot, zone: usize, damage: Damage) -> Error {
        let column = match slot {
            Slot::Keys => "row key",
            Slot::CommitTs => "commit_ts",
            Slot::Tombstones => "tombstone",
            Slot::Column(i) => self.footer.columns[i].name.as_str(),
        };
        Error::corrupt(&self.path, self.place(slot, zone).offset, format!("column {column}, zone {zone}: {damage}"))
    }
}
