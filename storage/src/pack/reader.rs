//! An open pack and what is known of it without reading a block.

use std::collections::HashMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use bytes::Bytes;

use super::footer::{BlockPlace, ColumnFooter, Footer, Storage};
use super::format::{file_name, locate_footer};
use crate::error::{Error, Result};
use crate::file::FileStore;
use crate::types::{ColumnId, ColumnSchema, FileId, KeyKind, KeyRef, TableId, TableSchema, Timestamp};
use crate::zone_map::{NdvSketch, ZoneMap};

/// An immutable file of rows, open for reading. Shared by `Arc`; all methods may be called from
/// several threads at once. Rows are numbered from 0 over the whole pack, and within a zone from 0
/// where a method says "in the zone".
///
/// The file stays readable while the pack is held, even if it is removed from its store.
#[derive(Debug)]
pub struct Pack {
    pub(super) file: FileId,
    pub(super) path: PathBuf,
    pub(super) bytes: Bytes,
    pub(super) footer: Footer,
    /// First row of each zone, and the number of rows at the end.
    pub(super) starts: Vec<u32>,
    /// Positions in `footer.columns`.
    pub(super) positions: HashMap<ColumnId, usize>,
    /// One a column of the footer: the bounds over all zones.
    column_maps: Vec<ZoneMap>,
    /// One bit a block: whether it was found sound. See [`super::blocks`].
    pub(super) verified: Box<[AtomicU64]>,
}

impl Pack {
    /// Opens a pack and checks header and footer; blocks are checked when they are first read.
    /// Damage is [`Error::Corrupt`], a missing file [`Error::Io`].
    pub fn open(store: Arc<dyn FileStore>, file: FileId) -> Result<Arc<Self>> {
        let name = file_name(file);
        let path = store.path(&name);
        let bytes = store.open(&name)?;
        let refused = |(offset, reason)| Error::corrupt(&path, offset, reason);
        let place = locate_footer(&bytes, file).map_err(refused)?;
        let footer = Footer::decode(&bytes[place.clone()], place.start).map_err(refused)?;
        let mut starts = vec![0];
        let mut rows = 0;
        for zone in &footer.zones {
            rows += zone.rows;
            starts.push(rows);
        }
        let column_maps = footer.columns.iter().map(|c| whole(&c.zone_maps)).collect();
        let positions = footer.columns.iter().enumerate().map(|(i, c)| (c.id, i)).collect();
        let blocks = (3 + footer.columns.len()) * footer.zones.len();
        let verified = (0..blocks.div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        Ok(Arc::new(Self { file, path, bytes, footer, starts, positions, column_maps, verified }))
    }

    /// The file.
    pub fn file(&self) -> FileId {
        self.file
    }

    /// The table whose rows these are.
    pub fn table(&self) -> TableId {
        self.footer.table
    }

    /// The schema version under which the pack was written.
    pub fn schema_version(&self) -> u64 {
        self.footer.schema_version
    }

    /// What the row keys are.
    pub fn key_kind(&self) -> KeyKind {
        self.footer.key
    }

    /// Whether rows are in strictly ascending key order.
    pub fn sorted(&self) -> bool {
        self.footer.sorted
    }

    /// Size of the file.
    pub fn bytes_on_disk(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Number of rows.
    pub fn rows(&self) -> u32 {
        self.starts.last().copied().unwrap_or_default()
    }

    /// Number of tombstones among the rows.
    pub fn tombstones(&self) -> u32 {
        self.footer.zones.iter().map(|z| z.tombstones).sum()
    }

    /// Number of zones.
    pub fn zone_count(&self) -> usize {
        self.footer.zones.len()
    }

    /// Rows of a zone. Most zones have [`super::ZONE_ROWS`]; the last one, and zones of long text,
    /// have fewer. Panics if there is no such zone, as do all methods that take one.
    pub fn zone_rows(&self, zone: usize) -> Range<u32> {
        self.starts[zone]..self.starts[zone + 1]
    }

    /// The zone that holds a row. Panics if the pack has no such row.
    pub fn zone_of(&self, row: u32) -> usize {
        assert!(row < self.rows(), "row {row} of a pack of {}", self.rows());
        self.starts.partition_point(|start| *start <= row) - 1
    }

    /// Tombstones among a zone's rows.
    pub fn zone_tombstones(&self, zone: usize) -> u32 {
        self.footer.zones[zone].tombstones
    }

    /// The smallest key, that of a tombstone included. `None` if the pack is empty.
    pub fn first_key(&self) -> Option<KeyRef<'_>> {
        (0..self.zone_count()).map(|zone| self.zone_first_key(zone)).min()
    }

    /// The largest key, that of a tombstone included. `None` if the pack is empty.
    pub fn last_key(&self) -> Option<KeyRef<'_>> {
        (0..self.zone_count()).map(|zone| self.zone_last_key(zone)).max()
    }

    /// The smallest key of a zone, that of a tombstone included.
    pub fn zone_first_key(&self, zone: usize) -> KeyRef<'_> {
        self.footer.zones[zone].first_key.as_ref()
    }

    /// The largest key of a zone, that of a tombstone included.
    pub fn zone_last_key(&self, zone: usize) -> KeyRef<'_> {
        self.footer.zones[zone].last_key.as_ref()
    }

    /// The earliest commit; [`Timestamp::MAX`] if the pack is empty.
    pub fn min_commit_ts(&self) -> Timestamp {
        self.footer.zones.iter().map(|z| z.min_commit_ts).min().unwrap_or(Timestamp::MAX)
    }

    /// The latest commit; [`Timestamp::ZERO`] if the pack is empty.
    pub fn max_commit_ts(&self) -> Timestamp {
        self.footer.zones.iter().map(|z| z.max_commit_ts).max().unwrap_or(Timestamp::ZERO)
    }

    /// The earliest commit of a zone, tombstones included.
    pub fn zone_min_commit_ts(&self, zone: usize) -> Timestamp {
        self.footer.zones[zone].min_commit_ts
    }

    /// The latest commit of a zone, tombstones included.
    pub fn zone_max_commit_ts(&self, zone: usize) -> Timestamp {
        self.footer.zones[zone].max_commit_ts
    }

    /// Whether these are rows of a table with that schema, or with one that it came from.
    pub(crate) fn is_of(&self, schema: &TableSchema) -> bool {
        let same_type = |c: &ColumnSchema| self.column(c.id).is_none_or(|stored| stored.data_type == c.data_type);
        self.table() == schema.table && self.key_kind() == schema.key && schema.columns.iter().all(same_type)
    }

    /// Whether the pack was written with this column.
    pub fn has_column(&self, column: ColumnId) -> bool {
        self.positions.contains_key(&column)
    }

    /// Bounds of a column over the rows of a zone that are no tombstones. `None` if the pack lacks
    /// the column: all its rows then hold the column's default.
    pub fn zone_map(&self, column: ColumnId, zone: usize) -> Option<&ZoneMap> {
        self.column(column).map(|c| &c.zone_maps[zone])
    }

    /// Bounds of a column over the whole pack; see [`Pack::zone_map`].
    pub fn column_zone_map(&self, column: ColumnId) -> Option<&ZoneMap> {
        self.positions.get(&column).map(|i| &self.column_maps[*i])
    }

    /// Encoded bytes of a column in a zone: what reading it touches. 0 if the pack lacks it.
    pub fn column_bytes(&self, column: ColumnId, zone: usize) -> u64 {
        self.column(column).map_or(0, |c| u64::from(self.places(c)[zone].len))
    }

    /// The sketch of a column's distinct values, tombstones left out. `None` if the pack lacks it.
    pub fn ndv_sketch(&self, column: ColumnId) -> Option<&NdvSketch> {
        self.column(column).map(|c| &c.ndv)
    }

    pub(super) fn column(&self, id: ColumnId) -> Option<&ColumnFooter> {
        self.positions.get(&id).map(|i| &self.footer.columns[*i])
    }

    pub(super) fn places<'a>(&'a self, column: &'a ColumnFooter) -> &'a [BlockPlace] {
        match &column.storage {
            Storage::Blocks(blocks) => blocks,
            Storage::Keys => &self.footer.keys,
        }
    }
}

/// What the zone maps say together.
fn whole(zones: &[ZoneMap]) -> ZoneMap {
    let mut whole = ZoneMap::default();
    zones.iter().for_each(|map| whole.merge(map));
    whole
}
