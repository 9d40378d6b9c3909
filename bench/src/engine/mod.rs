//! DeltaTree and its peers, behind one trait.
//!
//! Every engine gets the same batches and the same SQL, uses all cores of the machine and returns the
//! whole result. Times are taken by the engine around the query alone: parsing, planning, execution,
//! and all rows of the result in memory.

mod answer;
mod datafusion;
mod deltatree;
mod duckdb;

use std::time::Duration;

use async_trait::async_trait;
use deltatree_query::tpch::answers::{QuotientRule, Row};

pub use answer::rows_of;
pub use datafusion::{DataFusion, parquet_path, write_parquet};
pub use deltatree::DeltaTree;
pub use duckdb::DuckDb;

/// Something that holds the tables of TPC-H and answers SQL.
#[async_trait]
pub trait Engine: Send {
    /// As the tables of results call it.
    fn name(&self) -> &'static str;

    /// Its version.
    fn version(&self) -> String;

    /// How its quotients are to be compared with those by MySQL's rules.
    fn quotients(&self) -> QuotientRule;

    /// Runs one query to its end.
    async fn run(&mut self, sql: &str) -> anyhow::Result<Answer>;

    /// Ends it properly.
    async fn stop(self: Box<Self>) -> anyhow::Result<()> {
        Ok(())
    }
}

/// A query's result.
#[derive(Clone, Debug)]
pub struct Answer {
    /// From the text of the query to the last row.
    pub elapsed: Duration,
    /// Every row, as text.
    pub rows: Vec<Row>,
}
