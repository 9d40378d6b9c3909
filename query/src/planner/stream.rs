//! What a query gives back.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::execution::SendableRecordBatchStream;

/// A result under way.
pub struct QueryStream {
    /// Names as the client should show them; types as [`crate::types::field`] describes them.
    pub schema: SchemaRef,
    /// Batches of these columns; what comes straight from the planner has names of its own. Dropping it
    /// stops the query.
    pub stream: SendableRecordBatchStream,
}

impl std::fmt::Debug for QueryStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QueryStream").field("schema", &self.schema).finish_non_exhaustive()
    }
}

/// The types of `own` under the names that the client sees.
pub(super) fn relabelled(own: &Schema, labels: &Schema) -> SchemaRef {
    let fields = own
        .fields()
        .iter()
        .zip(labels.fields())
        .map(|(own, label)| Field::clone(own).with_name(label.name()).with_metadata(label.metadata().clone()));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The batch under the names that the client sees. Types stay the batch's own.
pub(crate) fn labelled(batch: RecordBatch, labels: &Schema) -> datafusion::common::Result<RecordBatch> {
    let schema = relabelled(batch.schema_ref(), labels);
    with_schema(batch, schema)
}

/// The batch under a schema with the same types.
pub(super) fn with_schema(batch: RecordBatch, schema: SchemaRef) -> datafusion::common::Result<RecordBatch> {
    let (_, columns, rows) = batch.into_parts();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(schema, columns, &options)?)
}
