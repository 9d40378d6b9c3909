//! Our own optimizer rules, one a file.

mod await_join_filters;

use std::sync::Arc;

use datafusion::execution::session_state::SessionStateBuilder;

/// Adds the rules to a session with DataFusion's defaults, after its own.
pub(super) fn install(builder: SessionStateBuilder) -> SessionStateBuilder {
    builder.with_physical_optimizer_rule(Arc::new(await_join_filters::AwaitJoinFilters))
}
