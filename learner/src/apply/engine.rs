//! The columnar engine as a sink.

use deltatree_storage::api::TableBatch;
use deltatree_storage::engine::Engine;
use deltatree_storage::error::Result;
use deltatree_storage::pack::PackRows;
use deltatree_storage::types::{TableId, TableSchema, Timestamp};

use super::ColumnarSink;

impl ColumnarSink for Engine {
    fn tables(&self) -> Vec<TableId> {
        let damaged = self.damaged_tables();
        let sound = |id: &TableId| !damaged.iter().any(|(table, _)| table == id);
        Engine::tables(self).into_iter().map(|schema| schema.table).filter(sound).collect()
    }

    fn put_table(&self, schema: TableSchema) -> Result<()> {
        Engine::put_table(self, schema)
    }

    fn drop_table(&self, table: TableId) -> Result<()> {
        Engine::drop_table(self, table)
    }

    fn apply(&self, batch: TableBatch) -> Result<()> {
        Engine::apply(self, batch).map(drop)
    }

    fn bulk_build(
        &self,
        schema: TableSchema,
        at: Timestamp,
        packs: &mut dyn Iterator<Item = Result<PackRows>>,
    ) -> Result<()> {
        Engine::bulk_build(self, schema, at, packs)
    }
}
