//! Plans of queries for a few rows by key, kept to be run again over other rows.
//!
//! To plan such a query takes longer than to read its rows. All of its plan that depends on the keys, on
//! the time and on the transaction is the leaf. So a plan is kept under the query's text without the
//! keys, and each run puts the rows that it has read under it.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use deltatree_learner::catalog::TableInfo;
use deltatree_storage::api::CancelFlag;
use deltatree_storage::types::TableId;
use futures::StreamExt;
use parking_lot::Mutex;

use super::engine::Planned;
use super::stream::{QueryStream, relabelled, with_schema};
use crate::error::{Result, SqlError};
use crate::exec::{ReadRows, RowReadExec};

/// Plans kept at most. They are forgotten together: to make them again costs little.
const MOST: usize = 512;

/// The plans of one engine.
#[derive(Default)]
pub(super) struct KeptPlans {
    plans: Mutex<HashMap<String, Arc<KeptPlan>>>,
}

/// A plan without its leaf.
pub(super) struct KeptPlan {
    table: TableId,
    schema_version: u64,
    physical: Arc<dyn ExecutionPlan>,
    task: Arc<TaskContext>,
    /// What the client sees.
    schema: SchemaRef,
    /// The same names, with the types of the batches.
    labelled: SchemaRef,
}

impl KeptPlans {
    /// The plan of a query on a table, unless the table's definition has changed since.
    pub(super) fn get(&self, query: &str, table: &TableInfo) -> Option<Arc<KeptPlan>> {
        let plan = self.plans.lock().get(query).cloned()?;
        (plan.table == table.id && plan.schema_version == table.schema_version).then_some(plan)
    }

    /// Keeps a plan if it has the shape: operators one above the other, rows at the bottom.
    pub(super) fn keep(&self, query: String, table: &TableInfo, planned: &Planned) -> Option<Arc<KeptPlan>> {
        let leaf = leaf(&planned.physical)?;
        // A kept leaf would keep the changes of the transaction that it was made for.
        let nothing = Arc::new(leaf.of_rows(ReadRows::default(), CancelFlag::default()));
        let physical = with_leaf(&planned.physical, &nothing).ok()?;
        let plan = Arc::new(KeptPlan {
            labelled: relabelled(&physical.schema(), &planned.schema),
            table: table.id,
            schema_version: table.schema_version,
            physical,
            task: planned.session.task_ctx(),
            schema: planned.schema.clone(),
        });
        let mut plans = self.plans.lock();
        if plans.len() >= MOST {
            plans.clear();
        }
        plans.insert(query, plan.clone());
        Some(plan)
    }
}

impl KeptPlan {
    /// Starts the query over some rows.
    pub(super) fn start(&self, rows: ReadRows, cancel: CancelFlag) -> Result<QueryStream> {
        let leaf = leaf(&self.physical).ok_or_else(|| SqlError::internal("a kept plan without a scan"))?;
        let leaf = leaf.of_rows(rows, cancel);
        let physical = with_leaf(&self.physical, &Arc::new(leaf))?;
        let labels = self.labelled.clone();
        let stream = execute_stream(physical, self.task.clone())?;
        let stream = stream.map(move |batch| with_schema(batch?, labels.clone()));
        let schema = self.schema.clone();
        Ok(QueryStream { schema: schema.clone(), stream: Box::pin(RecordBatchStreamAdapter::new(schema, stream)) })
    }
}

/// The scan of rows at the bottom of operators with one input each.
fn leaf(plan: &Arc<dyn ExecutionPlan>) -> Option<&RowReadExec> {
    match plan.children().as_slice() {
        [] => plan.downcast_ref(),
        [only] => leaf(only),
        _ => None,
    }
}

fn with_leaf(plan: &Arc<dyn ExecutionPlan>, new: &Arc<RowReadExec>) -> Result<Arc<dyn ExecutionPlan>> {
    let Some(child) = plan.children().into_iter().next() else { return Ok(Arc::clone(new) as _) };
    let child = with_leaf(child, new)?;
    let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Keep);
    Ok(Arc::clone(plan).replace_children(vec![child], options)?)
}
