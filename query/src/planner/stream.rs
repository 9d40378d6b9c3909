//! What a query gives back.

use arrow::datatypes::SchemaRef;
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
