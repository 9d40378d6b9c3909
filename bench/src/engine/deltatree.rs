//! DeltaTree, embedded: a node in this process, and one session.
//!
//! A query takes the whole path: parsing, access path, read gate, scan. Only the MySQL protocol is
//! left out, as it is for the peers.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use async_trait::async_trait;
use deltatree_query::node::{Node, NodeConfig};
use deltatree_query::session::Session;
use deltatree_query::tpch::answers::QuotientRule;
use deltatree_query::tpch::load::{LoadOptions, LoadReport, load};

use super::{Answer, Engine, rows_of};

const DATABASE: &str = "tpch";

/// An embedded node with TPC-H.
pub struct DeltaTree {
    /// Before the node, so that it is dropped first.
    session: Session,
    node: Arc<Node>,
}

impl DeltaTree {
    /// A new node in `directory`, loaded through the leader group.
    ///
    /// # Errors
    /// When the node cannot be opened or the load fails.
    pub async fn start(directory: &Path, scale: f64) -> anyhow::Result<(Self, LoadReport)> {
        let node = Node::open(NodeConfig::new(directory)).await.context("cannot open a node")?;
        let report = load(&node, &LoadOptions::new(DATABASE, scale)).await.context("cannot load TPC-H")?;
        let mut session = node.session("root", "localhost");
        session.execute(&format!("use {DATABASE}")).await?;
        for table in deltatree_query::tpch::schema::Table::ALL {
            session.execute(&format!("analyze table {table}")).await?;
        }
        Ok((Self { session, node }, report))
    }

    /// Runs a statement that returns no rows.
    ///
    /// # Errors
    /// When it fails.
    pub async fn execute(&mut self, sql: &str) -> anyhow::Result<()> {
        self.session.execute(sql).await?;
        Ok(())
    }
}

#[async_trait]
impl Engine for DeltaTree {
    fn name(&self) -> &'static str {
        "deltatree"
    }

    fn version(&self) -> String {
        env!("CARGO_PKG_VERSION").to_owned()
    }

    fn quotients(&self) -> QuotientRule {
        QuotientRule::Exact
    }

    async fn run(&mut self, sql: &str) -> anyhow::Result<Answer> {
        let start = Instant::now();
        let batches = self.session.query(sql).await?;
        let elapsed = start.elapsed();
        Ok(Answer { elapsed, rows: rows_of(&batches)? })
    }

    async fn stop(self: Box<Self>) -> anyhow::Result<()> {
        drop(self.session);
        Ok(self.node.shutdown().await?)
    }
}
