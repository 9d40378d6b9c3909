//! The aggregates of a plan, accumulating.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::aggregates::AggregateExec;

/// One aggregate.
struct Aggregate {
    arguments: Vec<Arc<dyn PhysicalExpr>>,
    filter: Option<Arc<dyn PhysicalExpr>>,
    accumulator: Box<dyn GroupsAccumulator>,
}

/// All aggregates of a plan.
pub(super) struct Aggregates(Vec<Aggregate>);

impl Aggregates {
    /// Those of `plan`, before the first row.
    pub(super) fn new(plan: &AggregateExec) -> Result<Self> {
        let aggregates = plan.aggr_expr().iter().zip(plan.filter_expr()).map(|(expr, filter)| {
            Ok(Aggregate {
                arguments: expr.expressions(),
                filter: filter.clone(),
                accumulator: expr.create_groups_accumulator()?,
            })
        });
        Ok(Self(aggregates.collect::<Result<_>>()?))
    }

    /// Takes a batch, whose rows belong to these of `total` groups.
    pub(super) fn update(&mut self, batch: &RecordBatch, groups: &[usize], total: usize) -> Result<()> {
        let array = |expr: &Arc<dyn PhysicalExpr>| expr.evaluate(batch)?.into_array(batch.num_rows());
        for aggregate in &mut self.0 {
            let arguments = aggregate.arguments.iter().map(array).collect::<Result<Vec<_>>>()?;
            let filter = aggregate.filter.as_ref().map(array).transpose()?;
            let filter =
                match &filter {
                    None => None,
                    Some(filter) => Some(filter.as_boolean_opt().ok_or_else(|| {
                        DataFusionError::Internal(format!("a FILTER of type {}", filter.data_type()))
                    })?),
                };
            aggregate.accumulator.update_batch(&arguments, groups, filter, total)?;
        }
        Ok(())
    }

    /// The states to be merged, one row a group.
    pub(super) fn into_states(self) -> Result<Vec<ArrayRef>> {
        let mut states = Vec::new();
        for mut aggregate in self.0 {
            states.extend(aggregate.accumulator.state(EmitTo::All)?);
        }
        Ok(states)
    }
}
