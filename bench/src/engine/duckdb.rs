//! DuckDB, by its Python package.
//!
//! The tables are native ones in a database file, filled from the Parquet files and checkpointed.

use std::path::Path;

use async_trait::async_trait;
use deltatree_query::tpch::answers::QuotientRule;
use deltatree_query::tpch::schema::Table;

use super::{Answer, Engine};
use crate::machine::cores;
use crate::peer::{Package, Peer};

/// A running DuckDB.
pub struct DuckDb {
    peer: Peer,
}

impl DuckDb {
    /// Starts it with a new database file in `directory`, filled from the Parquet files there.
    ///
    /// # Errors
    /// When Python or the package is missing, or the files cannot be loaded. Blocks meanwhile.
    pub fn start(directory: &Path) -> anyhow::Result<Self> {
        let mut peer = Peer::start(Package::DuckDb, directory, cores())?;
        for table in Table::ALL {
            let file = directory.join(format!("{table}.parquet"));
            peer.run(&format!("create table {table} as select * from read_parquet('{}')", file.display()))?;
        }
        peer.run("checkpoint")?;
        Ok(Self { peer })
    }
}

#[async_trait]
impl Engine for DuckDb {
    fn name(&self) -> &'static str {
        Package::DuckDb.name()
    }

    fn version(&self) -> String {
        self.peer.version().to_owned()
    }

    fn quotients(&self) -> QuotientRule {
        QuotientRule::Exact
    }

    async fn run(&mut self, sql: &str) -> anyhow::Result<Answer> {
        let reply = tokio::task::block_in_place(|| self.peer.run(sql))?;
        Ok(Answer { elapsed: reply.elapsed, rows: reply.rows })
    }
}
