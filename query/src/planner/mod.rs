//! From a rewritten `SELECT` to a stream of batches: DataFusion with our tables, rules and paths.

mod config;
mod context;
mod effort;
mod engine;
mod explain;
mod gate_history;
mod kept_plans;
mod reads;
pub mod rules;
mod stream;
mod template;

pub use config::EngineConfig;
pub use context::{Engine, Engines, ReadContext, TransactionOverlay};
pub use engine::{PlannedQuery, QueryEngine};
pub use reads::{ProcessList, QueryReads};
pub use stream::QueryStream;

pub(crate) use stream::labelled;

/// Name of the hidden row id, where it is shown.
pub const ROW_ID: &str = "_tidb_rowid";

/// Metadata key under which a field carries its column's name as the user declared it (field names are
/// in lower case).
pub const NAME_KEY: &str = "deltatree.name";
