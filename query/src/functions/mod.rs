//! MySQL's functions and operators over DataFusion.
//!
//! Three things make DataFusion answer as MySQL does. The **functions** of this folder replace or add to
//! its own ([`install`]). The **operators** ([`operators`]) choose, by the types of their operands, between
//! DataFusion's kernels and MySQL's rules. The **rewrite** ([`crate::rewrite`]) turns syntax into calls of
//! both. Functions never see the session: its time, identity and variables are constants of the statement
//! by then; only the time zone reaches them, by way of the configuration ([`set_zone`]).

mod aggregate;
mod arithmetic;
mod call;
mod cast;
mod comparison;
mod context;
mod convert;
mod digest;
mod in_list;
mod json;
mod library;
mod math;
mod operators;
mod rounding;
mod scalar;
mod temporal;
mod text;

use std::sync::Arc;

use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::SessionConfig;

pub use context::{FunctionContext, Variables};
pub(crate) use library::canonical;

use crate::types::SessionZone;

/// The settings of DataFusion's SQL planner under which MySQL statements mean what they should.
pub fn configure(mut config: SessionConfig) -> SessionConfig {
    let sql = &mut config.options_mut().sql_parser;
    sql.enable_ident_normalization = false;
    sql.parse_float_as_decimal = true;
    sql.default_null_ordering = "nulls_min".to_owned();
    config
}

/// Makes a session's time zone known to the functions that need one.
pub fn set_zone(config: &mut SessionConfig, zone: SessionZone) {
    config.options_mut().execution.time_zone = Some(zone.to_string());
}

/// Adds MySQL's functions, operators and type rules to a session with DataFusion's defaults
/// (`SessionStateBuilder::with_default_features`). They win over DataFusion's of the same name.
pub fn install(mut builder: SessionStateBuilder) -> SessionStateBuilder {
    builder.scalar_functions().get_or_insert_default().extend(library::all());
    builder.expr_planners().get_or_insert_default().insert(0, Arc::new(operators::MysqlOperators));
    let analyzer = builder.analyzer().get_or_insert_default();
    analyzer.rules.insert(0, Arc::new(in_list::InListTypes));
    builder
}

#[cfg(test)]
mod tests;
