//! What apply needs of its neighbours: an engine to write to, and a row store to rebuild from.

use deltatree_storage::api::TableBatch;
use deltatree_storage::error::Result;
use deltatree_storage::pack::PackRows;
use deltatree_storage::types::{TableId, TableSchema, Timestamp};

use super::{ApplyError, RowVersion};

/// The columnar engine as apply sees it.
pub trait ColumnarSink: Send + Sync {
    /// The tables that it has and that can be read. A table that came by [`Self::bulk_build`] is
    /// among them only once it is built in full.
    fn tables(&self) -> Vec<TableId>;

    /// Creates the table, empty, or changes its schema.
    ///
    /// # Errors
    /// Those of the engine.
    fn put_table(&self, schema: TableSchema) -> Result<()>;

    /// Drops the table if it exists.
    ///
    /// # Errors
    /// Those of the engine.
    fn drop_table(&self, table: TableId) -> Result<()>;

    /// Applies committed rows, in log order. A row whose commit timestamp is at or below its key's
    /// newest, or below the one of the table's last [`Self::bulk_build`], is a replay and has no
    /// effect.
    ///
    /// # Errors
    /// Those of the engine.
    fn apply(&self, batch: TableBatch) -> Result<()>;

    /// Creates the table, or replaces its content, from `packs`: its rows as of `at`, in key order.
    /// Atomic: after a failure or a crash the table is as it was.
    ///
    /// # Errors
    /// Those of the engine.
    fn bulk_build(
        &self,
        schema: TableSchema,
        at: Timestamp,
        packs: &mut dyn Iterator<Item = Result<PackRows>>,
    ) -> Result<()>;
}

/// A row store that holds at least every commit that has been handed to apply.
pub trait RowSource: Send + Sync {
    /// The table's rows visible at `at`, in key order. May block on the disk.
    ///
    /// # Errors
    /// If the row store cannot be read; also while iterating.
    fn rows_at<'a>(
        &'a self,
        table: TableId,
        at: Timestamp,
    ) -> Result<Box<dyn Iterator<Item = Result<RowVersion, ApplyError>> + 'a>, ApplyError>;
}
