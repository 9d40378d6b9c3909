//! Which columns of which table a scan returns.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::PlanProperties;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use deltatree_learner::catalog::TableInfo;
use deltatree_storage::types::StoredType;

/// A table and the columns that a scan of it returns.
///
/// Two numberings meet here. *Table positions* number the table's columns in declaration order (the
/// hidden row id, where it is shown, comes after the last); *output positions* number the scan's.
/// Filters inside a scan speak in table positions, because they may read columns that it does not
/// return.
#[derive(Clone, Debug)]
pub struct ScanShape {
    /// The table.
    pub table: Arc<TableInfo>,
    /// All columns, in table positions.
    pub table_schema: SchemaRef,
    /// The columns returned, as table positions.
    pub projection: Vec<usize>,
    /// The columns returned.
    pub schema: SchemaRef,
}

impl ScanShape {
    /// All of `table_schema` if there is no projection.
    pub fn new(table: Arc<TableInfo>, table_schema: SchemaRef, projection: Option<&[usize]>) -> Self {
        let projection = projection.map_or_else(|| (0..table_schema.fields().len()).collect(), <[usize]>::to_vec);
        let fields: Vec<Arc<Field>> = projection.iter().map(|&i| Arc::clone(&table_schema.fields()[i])).collect();
        Self { table, table_schema, projection, schema: Arc::new(Schema::new(fields)) }
    }

    /// The stored column at each table position, for [`crate::predicate_convert`].
    pub fn stored_columns(&self) -> Vec<Option<(usize, StoredType)>> {
        let stored = self.table.columns.iter().enumerate().map(|(i, c)| Some((i, c.sql_type.stored())));
        // The row id, if shown, is a key and not a column.
        let hidden =
            std::iter::repeat_n(None, self.table_schema.fields().len().saturating_sub(self.table.columns.len()));
        stored.chain(hidden).collect()
    }

    /// Whether the scan returns the hidden row id.
    pub fn returns_row_id(&self) -> bool {
        self.projection.iter().any(|&i| i >= self.table.columns.len())
    }

    /// The same expression, its columns renumbered from output to table positions.
    pub fn to_table_positions(&self, expr: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        renumber(expr, |output| self.projection.get(output).copied())
    }
}

/// Renumbers the columns of `expr`; those that `position` does not know stay.
pub(super) fn renumber(
    expr: Arc<dyn PhysicalExpr>,
    position: impl Fn(usize) -> Option<usize>,
) -> Result<Arc<dyn PhysicalExpr>> {
    let renumbered = expr.transform_down(|expr| {
        let column = expr.downcast_ref::<Column>().and_then(|c| Some((c.name().to_owned(), position(c.index())?)));
        Ok(match column {
            Some((name, index)) => Transformed::yes(Arc::new(Column::new(&name, index)) as Arc<dyn PhysicalExpr>),
            None => Transformed::no(expr),
        })
    })?;
    Ok(renumbered.data)
}

/// The same columns under the plan's names: stores name columns as they were declared.
pub(super) fn renamed(batch: RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let (_, columns, rows) = batch.into_parts();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
}

/// Properties of a scan that returns `partitions` streams in no particular order.
pub(super) fn leaf_properties(schema: &SchemaRef, partitions: usize) -> Arc<PlanProperties> {
    Arc::new(PlanProperties::new(
        EquivalenceProperties::new(Arc::clone(schema)),
        Partitioning::UnknownPartitioning(partitions),
        EmissionType::Incremental,
        Boundedness::Bounded,
    ))
}
