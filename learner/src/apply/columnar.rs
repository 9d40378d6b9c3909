//! Committed transactions to columnar batches.
//!
//! ```text
//! commit 7: put t5_r1   put t9_r4   ─┐  table 5: (1, ts 7) (1, ts 8)      ─┐
//! commit 8: put t5_r1   del t9_r4    ├► table 9: (4, ts 7) (4, ts 8, gone) ├► engine.apply, once a table
//! commit 9: put m_table_5            │  flush, then engine.put_table(5)    ─┘
//! commit 10: put t5_r2              ─┘  rows from here on under the new definition
//! ```
//!
//! Mutations of several commits are collected by table, in commit order, and handed over by
//! [`ColumnarApplier::flush`]. One key may be there several times: the engine keeps every version. A
//! commit that changes a definition first flushes what came before it, so no batch mixes two
//! definitions.
//!
//! **Replay.** After a restart the log is read again from the engine's replay position, with a
//! catalog that may be ahead of it (it comes from the row store). Definitions that it holds already
//! are recognised by the schema version, which every schema change writes, and not taken back. Rows
//! are then decoded under a definition newer than their place in the log, which is harmless: rows name
//! their columns by id, the newest definition reads them all, and a table that is gone needs none of
//! its rows. A columnar table that the engine lacks at that point was created or made columnar after
//! the replay position; in the second case its older rows are not in the log that is left, so it is
//! built from the row store. Replayed rows that the table has by then are recognised by the engine.
//!
//! **Damage.** A table whose files are damaged is built again from the row store, as of the newest
//! commit taken in.
//!
//! **Late builds.** The row store keeps old versions for a while only. A replica that is further behind
//! than that cannot build a table at its place in the log. It goes on without the table, which nobody can
//! read meanwhile, and tries again with every flush: at the latest at the end of the log it succeeds,
//! since no voter collects what the newest commit shows.
//!
//! Index entries are not columnar and are passed over. Nothing here reads a clock or depends on
//! anything but the commits: two replicas that apply one log hand the same batches to their engines.
//! Only the boundaries of batches differ, and they are invisible.
//!
//! A commit becomes visible table by table. Whoever moves the applied position, which readers wait
//! for, must do so only after the flush that covers it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{BooleanArray, UInt64Array};
use bytes::Bytes;
use deltatree_storage::api::TableBatch;
use deltatree_storage::error::{Error as StorageError, ErrorKind as StorageErrorKind};
use deltatree_storage::types::{TableId, Timestamp};

use super::keys::KeyBuilder;
use super::{ApplyError, ColumnarSink, RowSource, rows_to_packs};
use crate::catalog::{CatalogSnapshot, TableInfo};
use crate::codec::{CodecError, KeyShape, RowsToArrow, decode_row_key, key_shape};

/// Rows collected for one table before they are decoded into larger arrays than help.
const EXPECTED_ROWS: usize = 1024;

/// Feeds one columnar engine from the log. One thread owns it.
pub struct ColumnarApplier {
    sink: Arc<dyn ColumnarSink>,
    rows: Arc<dyn RowSource>,
    catalog: Arc<CatalogSnapshot>,
    pending: BTreeMap<TableId, PendingRows>,
    pending_rows: usize,
    pending_bytes: usize,
    /// Newest commit taken in.
    taken_in: Timestamp,
    /// Columnar tables that are still to be built. The engine has nothing of them.
    unbuilt: BTreeSet<TableId>,
}

impl ColumnarApplier {
    /// An applier that starts from `catalog`, which must be at least as new as what the engine has
    /// applied. `at` is the timestamp of the newest commit that `rows` holds. Brings the engine's
    /// tables in line with the catalog; builds those that it lacks from `rows`, so this may block for
    /// long.
    ///
    /// # Errors
    /// If the engine refuses a table, or one cannot be built.
    pub fn new(
        sink: Arc<dyn ColumnarSink>,
        rows: Arc<dyn RowSource>,
        catalog: Arc<CatalogSnapshot>,
        at: Timestamp,
    ) -> Result<Self, ApplyError> {
        let mut applier = Self {
            sink,
            rows,
            catalog,
            pending: BTreeMap::new(),
            pending_rows: 0,
            pending_bytes: 0,
            taken_in: at,
            unbuilt: BTreeSet::new(),
        };
        let known: BTreeSet<_> = applier.sink.tables().into_iter().collect();
        let wanted: BTreeMap<_, _> =
            applier.catalog.tables().filter(|t| t.columnar).map(|t| (t.id, t.clone())).collect();
        for &table in known.iter().filter(|t| !wanted.contains_key(t)) {
            applier.drop_table(table)?;
        }
        for (table, info) in &wanted {
            if known.contains(table) {
                applier.put_table(info)?;
            } else {
                applier.build(*table, at)?;
            }
        }
        Ok(applier)
    }

    /// Definitions as of the last commit taken in.
    pub fn catalog(&self) -> &Arc<CatalogSnapshot> {
        &self.catalog
    }

    /// Whether tables are still to be built.
    pub(crate) fn lacks_tables(&self) -> bool {
        !self.unbuilt.is_empty()
    }

    /// Rows taken in and not yet flushed.
    pub fn pending_rows(&self) -> usize {
        self.pending_rows
    }

    /// Roughly the bytes taken in and not yet flushed. Nothing here bounds them: the caller flushes.
    pub fn pending_bytes(&self) -> usize {
        self.pending_bytes
    }

    /// Takes in the mutations of one committed transaction (`None` deletes the key). Transactions
    /// must come in commit order. Only a change of definitions blocks on the engine; one that makes a
    /// table columnar builds it from the row store.
    ///
    /// # Errors
    /// If a mutation is damaged or the engine refuses. The applier must then be dropped.
    pub fn commit<'a>(
        &mut self,
        commit_ts: Timestamp,
        mutations: impl IntoIterator<Item = (&'a Bytes, Option<&'a Bytes>)> + Clone,
    ) -> Result<(), ApplyError> {
        let is_meta = |key: &[u8]| matches!(key_shape(key), Some(KeyShape::Meta));
        let meta = mutations.clone().into_iter().filter(|(key, _)| is_meta(key));
        let after = self.catalog.apply(meta.map(|(k, v)| (&k[..], v.map(|v| &v[..]))))?;
        if let Some(catalog) = after.filter(|c| c.version() > self.catalog.version()) {
            self.change_catalog(Arc::new(catalog), commit_ts)?;
        }
        self.taken_in = self.taken_in.max(commit_ts);
        for (key, value) in mutations {
            if let Some(KeyShape::Row { table, .. }) = key_shape(key) {
                self.row(table, key, value, commit_ts)?;
            }
        }
        Ok(())
    }

    fn row(&mut self, table: TableId, key: &[u8], value: Option<&Bytes>, ts: Timestamp) -> Result<(), ApplyError> {
        let pending = match self.pending.entry(table) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                let lacking = self.unbuilt.contains(&table);
                match self.catalog.table_by_id(table).filter(|t| t.columnar && !lacking) {
                    Some(info) => entry.insert(PendingRows::new(info.clone())),
                    None => return Ok(()),
                }
            }
        };
        pending.push(key, value.map(|v| &v[..]), ts)?;
        self.pending_rows += 1;
        self.pending_bytes += key.len() + value.map_or(0, Bytes::len);
        Ok(())
    }

    /// Hands everything collected to the engine. Afterwards all commits taken in are in it. A table
    /// that the engine finds damaged is built anew, which may block for long.
    ///
    /// # Errors
    /// If the engine refuses; the error names the table. The applier must then be dropped.
    pub fn flush(&mut self) -> Result<(), ApplyError> {
        self.pending_rows = 0;
        self.pending_bytes = 0;
        for (table, mut rows) in std::mem::take(&mut self.pending) {
            match self.sink.apply(rows.finish()) {
                Ok(()) => {}
                Err(e) if e.kind() == StorageErrorKind::Corrupt => {
                    tracing::warn!(%table, error = %e, "building a damaged columnar table anew");
                    self.build(table, self.taken_in)?;
                }
                Err(source) => return Err(ApplyError::Storage { table, source }),
            }
        }
        for table in self.unbuilt.clone() {
            self.build(table, self.taken_in)?;
        }
        Ok(())
    }

    /// Builds a table as of `at`, or, if the row store has no versions as old as that, later.
    fn build(&mut self, table: TableId, at: Timestamp) -> Result<(), ApplyError> {
        match self.rebuild(table, at) {
            Err(e @ ApplyError::RowsGone { .. }) => {
                if self.unbuilt.insert(table) {
                    tracing::warn!(%table, error = %e, "a columnar table is built when this replica has caught up");
                    self.drop_table(table)?;
                }
                Ok(())
            }
            built => {
                built?;
                self.unbuilt.remove(&table);
                Ok(())
            }
        }
    }

    /// Builds a table anew from the row store, as of `at`, in place of what the engine has of it:
    /// after damage, or when a table becomes columnar. Commits after `at` must be taken in (again)
    /// afterwards. Blocks until the table is built.
    ///
    /// # Errors
    /// If the table is unknown or not columnar, the row store cannot be read or the engine refuses.
    pub fn rebuild(&self, table: TableId, at: Timestamp) -> Result<(), ApplyError> {
        let storage = |source| ApplyError::Storage { table, source };
        let Some(info) = self.catalog.table_by_id(table).filter(|t| t.columnar) else {
            return Err(storage(StorageError::Invalid("it is not a columnar table".into())));
        };
        let mut failure = None;
        let mut packs = rows_to_packs(info, self.rows.rows_at(table, at)?).map(|piece| {
            piece.map_err(|e| {
                let stop = StorageError::Internal(e.to_string());
                failure = Some(e);
                stop
            })
        });
        let built = self.sink.bulk_build(info.columnar_schema(), at, &mut packs);
        drop(packs);
        match failure {
            Some(cause) => Err(cause),
            None => built.map_err(storage),
        }
    }

    fn change_catalog(&mut self, new: Arc<CatalogSnapshot>, at: Timestamp) -> Result<(), ApplyError> {
        self.flush()?;
        let old = std::mem::replace(&mut self.catalog, new.clone());
        for before in old.tables().filter(|t| t.columnar) {
            if !new.table_by_id(before.id).is_some_and(|t| t.columnar) {
                self.unbuilt.remove(&before.id);
                self.drop_table(before.id)?;
            }
        }
        for table in new.tables().filter(|t| t.columnar) {
            match old.table_by_id(table.id) {
                Some(before) if before == table => {}
                Some(before) if !before.columnar => self.build(table.id, at)?,
                Some(_) if self.unbuilt.contains(&table.id) => {}
                // Rows of an import are not in the log; they may have been built here while it ran.
                None if table.loaded.is_some() && !self.sink.tables().contains(&table.id) => {
                    self.build(table.id, at)?
                }
                Some(_) | None => self.put_table(table)?,
            }
        }
        Ok(())
    }

    fn put_table(&self, info: &TableInfo) -> Result<(), ApplyError> {
        let table = info.id;
        self.sink.put_table(info.columnar_schema()).map_err(|source| ApplyError::Storage { table, source })
    }

    fn drop_table(&self, table: TableId) -> Result<(), ApplyError> {
        self.sink.drop_table(table).map_err(|source| ApplyError::Storage { table, source })
    }
}

/// Rows of one table in commit order, decoded as they come.
struct PendingRows {
    info: Arc<TableInfo>,
    keys: KeyBuilder,
    commit_ts: Vec<u64>,
    deleted: Vec<bool>,
    columns: RowsToArrow,
}

impl PendingRows {
    fn new(info: Arc<TableInfo>) -> Self {
        Self {
            keys: KeyBuilder::new(info.key_kind()),
            commit_ts: Vec::new(),
            deleted: Vec::new(),
            columns: RowsToArrow::stored(&info, EXPECTED_ROWS),
            info,
        }
    }

    fn push(&mut self, key: &[u8], value: Option<&[u8]>, ts: Timestamp) -> Result<(), CodecError> {
        let (_, handle) = decode_row_key(key, self.info.key_kind())?;
        match value {
            Some(value) => self
                .columns
                .push(value)
                .map_err(|e| CodecError(format!("damaged row {handle:?} of table {}: {e}", self.info.name)))?,
            None => self.columns.push_blank(),
        }
        self.keys.push(handle.as_ref());
        self.commit_ts.push(ts.0);
        self.deleted.push(value.is_none());
        Ok(())
    }

    fn finish(&mut self) -> TableBatch {
        TableBatch {
            table: self.info.id,
            schema_version: self.info.schema_version,
            keys: std::mem::replace(&mut self.keys, KeyBuilder::new(self.info.key_kind())).finish(),
            commit_ts: UInt64Array::from(std::mem::take(&mut self.commit_ts)),
            deleted: BooleanArray::from(std::mem::take(&mut self.deleted)),
            columns: self.columns.finish_columns(),
        }
    }
}
