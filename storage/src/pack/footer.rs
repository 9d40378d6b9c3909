//! The directory of a pack.

use serde::{Deserialize, Serialize};

use super::format::{ALIGNMENT, HEADER_BYTES, Refusal, ZONE_ROWS};
use crate::types::{ColumnId, KeyKind, RowKey, StoredType, TableId, Timestamp};
use crate::zone_map::{NdvSketch, ZoneMap};

/// Everything about a pack but its blocks.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Footer {
    pub(super) table: TableId,
    pub(super) schema_version: u64,
    pub(super) sorted: bool,
    pub(super) key: KeyKind,
    pub(super) zones: Vec<ZoneFooter>,
    pub(super) keys: Vec<BlockPlace>,
    pub(super) commit_ts: Vec<BlockPlace>,
    pub(super) tombstones: Vec<BlockPlace>,
    pub(super) columns: Vec<ColumnFooter>,
}

/// One zone. Bounds count tombstones, too: a tombstone left out of them would not be found.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ZoneFooter {
    pub(super) rows: u32,
    pub(super) tombstones: u32,
    /// Smallest key: the first one if the pack is sorted.
    pub(super) first_key: RowKey,
    /// Largest key: the last one if the pack is sorted.
    pub(super) last_key: RowKey,
    pub(super) min_commit_ts: Timestamp,
    pub(super) max_commit_ts: Timestamp,
}

/// One column of the table.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ColumnFooter {
    pub(super) id: ColumnId,
    pub(super) name: String,
    pub(super) data_type: StoredType,
    pub(super) storage: Storage,
    /// One a zone, over the rows that are no tombstones.
    pub(super) zone_maps: Vec<ZoneMap>,
    pub(super) ndv: NdvSketch,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Storage {
    /// One block a zone.
    Blocks(Vec<BlockPlace>),
    /// The column is the row key.
    Keys,
}

/// Where a block lies, and the checksum of its bytes with their padding.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct BlockPlace {
    pub(super) offset: u64,
    pub(super) len: u32,
    pub(super) checksum: u64,
}

impl BlockPlace {
    /// First byte after the block's padding.
    fn end(&self) -> Option<u64> {
        self.offset.checked_add(u64::from(self.len).next_multiple_of(ALIGNMENT as u64))
    }
}

impl Footer {
    /// Decodes a footer whose checksum is right, and checks all that the reader relies on, so that
    /// even a footer forged with its checksum cannot lead it outside the file. `start` is the
    /// footer's offset.
    pub(super) fn decode(bytes: &[u8], start: usize) -> Result<Self, Refusal> {
        let refuse = |reason: String| (start as u64, reason);
        let (footer, rest) = postcard::take_from_bytes::<Self>(bytes)
            .map_err(|e| refuse(format!("the footer cannot be decoded: {e}")))?;
        if !rest.is_empty() {
            return Err(refuse(format!("{} bytes follow the footer", rest.len())));
        }
        footer.check(start as u64).map_err(refuse)?;
        Ok(footer)
    }

    fn check(&self, start: u64) -> Result<(), String> {
        let zones = self.zones.len();
        let mut rows = 0u32;
        for (i, zone) in self.zones.iter().enumerate() {
            if zone.rows == 0 || zone.rows as usize > ZONE_ROWS || zone.tombstones > zone.rows {
                return Err(format!("zone {i} cannot have {} rows with {} tombstones", zone.rows, zone.tombstones));
            }
            rows = rows.checked_add(zone.rows).ok_or("more rows than can be numbered")?;
            for key in [&zone.first_key, &zone.last_key] {
                if key.kind() != self.key {
                    return Err(format!("zone {i} has a key that is not {:?}", self.key));
                }
            }
            let follows = !self.sorted || i == 0 || self.zones[i - 1].last_key < zone.first_key;
            if zone.first_key > zone.last_key || !follows {
                return Err(format!("the keys of zone {i} are out of order"));
            }
            if zone.min_commit_ts > zone.max_commit_ts {
                return Err(format!("zone {i} ends before it begins"));
            }
        }
        for (name, blocks) in self.blocks() {
            if blocks.len() != zones {
                return Err(format!("column {name} has {} blocks for {zones} zones", blocks.len()));
            }
            for (zone, block) in blocks.iter().enumerate() {
                let inside = block.offset >= HEADER_BYTES as u64 && block.end().is_some_and(|end| end <= start);
                if !inside || !block.offset.is_multiple_of(ALIGNMENT as u64) {
                    return Err(format!("the block of column {name}, zone {zone} lies outside the file"));
                }
            }
        }
        for column in &self.columns {
            if column.zone_maps.len() != zones {
                return Err(format!(
                    "column {} has {} zone maps for {zones} zones",
                    column.name,
                    column.zone_maps.len()
                ));
            }
            let counted = |(map, zone): (&ZoneMap, &ZoneFooter)| {
                map.rows == u64::from(zone.rows - zone.tombstones) && map.null_count <= map.rows
            };
            if !column.zone_maps.iter().zip(&self.zones).all(counted) {
                return Err(format!("the zone maps of column {} are of other rows", column.name));
            }
            if matches!(column.storage, Storage::Keys) && self.key != KeyKind::Int {
                return Err(format!("column {} cannot be the row key", column.name));
            }
        }
        Ok(())
    }

    fn blocks(&self) -> impl Iterator<Item = (&str, &[BlockPlace])> {
        let internal = [("row key", &self.keys), ("commit_ts", &self.commit_ts), ("tombstone", &self.tombstones)];
        let user = self.columns.iter().filter_map(|c| match &c.storage {
            Storage::Blocks(blocks) => Some((c.name.as_str(), blocks.as_slice())),
            Storage::Keys => None,
        });
        internal.into_iter().map(|(name, blocks)| (name, blocks.as_slice())).chain(user)
    }
}
