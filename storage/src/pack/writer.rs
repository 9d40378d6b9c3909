//! Writing a pack: rows are gathered into zones, each zone's columns encoded to blocks, blocks
//! written front to back, and last the footer. Until the trailer is there and synced, the file is
//! no pack, and a reader says so.

use std::sync::Arc;

use arrow::array::AsArray;
use rayon::ThreadPool;
use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::encoded_zone::EncodedZone;
use super::footer::{BlockPlace, ColumnFooter, Footer, Storage};
use super::format::{ALIGNMENT, TRAILER_BYTES, ZONE_ROWS, file_name, header, trailer};
use super::rearrange::concat_rows;
use super::{Pack, PackRows};
use crate::error::{Error, Result};
use crate::file::{FileStore, FileWriter};
use crate::types::{FileId, KeyArray, RowKey, TableSchema};
use crate::zone_map::NdvSketch;

/// A zone with more text than this is closed before it has [`ZONE_ROWS`] rows.
const ZONE_TEXT_BYTES: usize = 32 << 20;

/// What kind of pack to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackOptions {
    /// Rows come by strictly ascending key (a stable pack). Otherwise in any order, with any number
    /// of versions of a key (a delta chunk).
    pub sorted: bool,
}

/// Writes one pack. Dropped before [`PackWriter::finish`], it removes its file.
#[derive(Debug)]
pub struct PackWriter {
    store: Arc<dyn FileStore>,
    file: FileId,
    /// None once finished.
    out: Option<Box<dyn FileWriter>>,
    schema: TableSchema,
    footer: Footer,
    /// Rows not yet in a zone.
    pending: Vec<PackRows>,
    pending_rows: usize,
    pending_text: usize,
    rows: u32,
    /// Zones not yet encoded.
    waiting: Vec<PackRows>,
    /// Last key of the zones so far, if rows are sorted.
    last_key: Option<RowKey>,
    /// Who encodes zones with the caller.
    helpers: Option<Arc<ThreadPool>>,
}

impl PackWriter {
    /// Starts the file of a pack, which must not exist.
    pub fn create(store: Arc<dyn FileStore>, file: FileId, schema: &TableSchema, options: PackOptions) -> Result<Self> {
        let columns = schema.columns.iter().enumerate().map(|(i, column)| ColumnFooter {
            id: column.id,
            name: column.name.clone(),
            data_type: column.data_type,
            storage: if schema.key_column == Some(i) { Storage::Keys } else { Storage::Blocks(Vec::new()) },
            zone_maps: Vec::new(),
            ndv: NdvSketch::default(),
        });
        let footer = Footer {
            table: schema.table,
            schema_version: schema.version,
            sorted: options.sorted,
            key: schema.key,
            zones: Vec::new(),
            keys: Vec::new(),
            commit_ts: Vec::new(),
            tombstones: Vec::new(),
            columns: columns.collect(),
        };
        let mut out = store.create(&file_name(file))?;
        out.write(&header(file))?;
        Ok(Self {
            store,
            file,
            out: Some(out),
            schema: schema.clone(),
            footer,
            pending: Vec::new(),
            pending_rows: 0,
            pending_text: 0,
            rows: 0,
            waiting: Vec::new(),
            last_key: None,
            helpers: None,
        })
    }

    /// Lets the threads of a pool encode zones side by side. The file is the same as without.
    pub fn with_helpers(mut self, helpers: Option<Arc<ThreadPool>>) -> Self {
        self.helpers = helpers;
        self
    }

    /// Adds rows, of any number. Encodes and writes the zones that they fill, or leaves a few of them for
    /// the next call.
    pub fn write(&mut self, rows: PackRows) -> Result<()> {
        rows.check(&self.schema)?;
        let Some(total) = u32::try_from(rows.len()).ok().and_then(|n| self.rows.checked_add(n)) else {
            return Err(Error::Internal(format!("pack {} would have more rows than can be numbered", self.file)));
        };
        self.rows = total;
        let text = text_lengths(&rows);
        let mut start = 0;
        for row in 0..rows.len() {
            self.pending_rows += 1;
            self.pending_text += text.as_ref().map_or(0, |t| t[row]);
            if self.pending_rows == ZONE_ROWS || self.pending_text >= ZONE_TEXT_BYTES {
                self.pending.push(rows.slice(start, row + 1 - start));
                self.close_zone()?;
                start = row + 1;
            }
        }
        if start < rows.len() {
            self.pending.push(rows.slice(start, rows.len() - start));
        }
        Ok(())
    }

    /// Rows written so far.
    pub fn rows(&self) -> u32 {
        self.rows
    }

    /// Writes what is left and the footer, makes the file and its name durable, and opens it.
    pub fn finish(mut self) -> Result<Arc<Pack>> {
        if self.pending_rows > 0 {
            self.close_zone()?;
        }
        self.write_zones()?;
        let footer = postcard::to_stdvec(&self.footer)
            .map_err(|e| Error::Internal(format!("the footer of pack {} cannot be encoded: {e}", self.file)))?;
        let out = self.out()?;
        let mut end = footer;
        let trailer: [u8; TRAILER_BYTES] = trailer(out.len(), &end);
        end.extend_from_slice(&trailer);
        out.write(&end)?;
        out.sync()?;
        self.store.sync_dir()?;
        let pack = Pack::open(self.store.clone(), self.file)?;
        self.out = None;
        Ok(pack)
    }

    fn out(&mut self) -> Result<&mut Box<dyn FileWriter>> {
        self.out.as_mut().ok_or_else(|| Error::Internal("a pack writer was used after its end".into()))
    }

    /// Takes the gathered rows as a zone. Writes the zones that wait once there is one for each
    /// helper to encode.
    fn close_zone(&mut self) -> Result<()> {
        let zone = concat_rows(&std::mem::take(&mut self.pending))?;
        (self.pending_rows, self.pending_text) = (0, 0);
        if self.footer.sorted {
            self.check_order(&zone.keys)?;
            self.last_key = Some(zone.keys.get(zone.len() - 1).to_owned());
        }
        self.waiting.push(zone);
        let enough = self.helpers.as_ref().map_or(1, |pool| 2 * pool.current_num_threads());
        if self.waiting.len() >= enough { self.write_zones() } else { Ok(()) }
    }

    /// Encodes the zones that wait, side by side if there are helpers, and writes them in their order.
    fn write_zones(&mut self) -> Result<()> {
        let zones = std::mem::take(&mut self.waiting);
        let encode = |zone: &PackRows| EncodedZone::new(zone, &self.schema);
        let encoded: Vec<EncodedZone> = match &self.helpers {
            Some(pool) if zones.len() > 1 => pool.install(|| zones.par_iter().map(encode).collect::<Result<_>>())?,
            Some(_) | None => zones.iter().map(encode).collect::<Result<_>>()?,
        };
        encoded.into_iter().try_for_each(|zone| self.write_zone(zone))
    }

    fn write_zone(&mut self, zone: EncodedZone) -> Result<()> {
        self.footer.zones.push(zone.footer);
        let place = self.write_block(zone.keys)?;
        self.footer.keys.push(place);
        let place = self.write_block(zone.commit_ts)?;
        self.footer.commit_ts.push(place);
        let place = self.write_block(zone.tombstones)?;
        self.footer.tombstones.push(place);
        for (i, encoded) in zone.columns.into_iter().enumerate() {
            let place = encoded.block.map(|block| self.write_block(block)).transpose()?;
            let column = &mut self.footer.columns[i];
            if let (Storage::Blocks(blocks), Some(place)) = (&mut column.storage, place) {
                blocks.push(place);
            }
            column.zone_maps.push(encoded.zone_map);
            column.ndv.merge(&encoded.ndv);
        }
        Ok(())
    }

    fn write_block(&mut self, mut bytes: Vec<u8>) -> Result<BlockPlace> {
        let len = u32::try_from(bytes.len())
            .map_err(|_| Error::Invalid(format!("a zone's column of {} bytes is too large to store", bytes.len())))?;
        bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
        let checksum = xxh3_64(&bytes);
        let out = self.out()?;
        let offset = out.len();
        out.write(&bytes)?;
        Ok(BlockPlace { offset, len, checksum })
    }

    fn check_order(&self, keys: &KeyArray) -> Result<()> {
        let follows = self.last_key.as_ref().is_none_or(|last| last.as_ref() < keys.get(0));
        if follows && (1..keys.len()).all(|i| keys.get(i - 1) < keys.get(i)) {
            return Ok(());
        }
        Err(Error::Internal(format!("the rows for sorted pack {} are not in strict key order", self.file)))
    }
}

impl Drop for PackWriter {
    fn drop(&mut self) {
        if self.out.take().is_some() {
            // Nobody knows of the file yet; if it cannot be removed, recovery finds an orphan.
            let _ = self.store.remove(&file_name(self.file));
        }
    }
}

/// Bytes of text in each row; none if no column can be long.
fn text_lengths(rows: &PackRows) -> Option<Vec<usize>> {
    let mut lengths: Option<Vec<usize>> = None;
    let mut add = |views: &[u128]| {
        let lengths = lengths.get_or_insert_with(|| vec![0; rows.len()]);
        // The low half word of a view is the length of its value.
        lengths.iter_mut().zip(views).for_each(|(sum, view)| *sum += *view as u32 as usize);
    };
    for column in &rows.columns {
        if let Some(text) = column.as_string_view_opt() {
            add(text.views());
        } else if let Some(bytes) = column.as_binary_view_opt() {
            add(bytes.views());
        }
    }
    lengths
}
