//! Our own optimizer rules, one a file or folder.

mod await_join_filters;
mod join_order;
mod perfect_hash;

use std::sync::Arc;

use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::optimizer::{Optimizer, OptimizerRule};

pub use perfect_hash::PerfectHashAggregates;

/// Adds the rules to a session with DataFusion's defaults.
pub(super) fn install(builder: SessionStateBuilder) -> SessionStateBuilder {
    let mut logical: Vec<Arc<dyn OptimizerRule + Send + Sync>> = Optimizer::new().rules;
    // Filters have been pushed down by then, and no projection stands between the joins yet.
    let last = logical.len().saturating_sub(1);
    logical.insert(last, Arc::new(join_order::JoinOrder));
    builder
        .with_optimizer_rules(logical)
        .with_physical_optimizer_rule(Arc::new(await_join_filters::AwaitJoinFilters))
        .with_physical_optimizer_rule(Arc::new(PerfectHashAggregates))
}
