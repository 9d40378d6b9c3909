//! Data into a node through sessions: the same transactions, log entries and applies as any client's.
//!
//! Several sessions load at once, each committing one batch at a time, while another thread makes the
//! next batches. So the log's fsyncs are shared and no core waits for another.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

use super::generator;
use super::progress::Progress;
use super::schema::Table;
use crate::error::{Result, SqlError};
use crate::node::Node;
use crate::session::Session;

/// How long the learner may take to catch up after the load.
const CATCH_UP_WITHIN: Duration = Duration::from_secs(600);

/// What to load, and how.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// The database: created if absent, its TPC-H tables replaced.
    pub database: String,
    /// Scale factor.
    pub scale: f64,
    /// Sessions that insert at once.
    pub sessions: usize,
    /// Rows of one transaction.
    pub batch_rows: usize,
}

impl LoadOptions {
    /// Into `database` at `scale`, with as many sessions and rows as measured well on two cores.
    pub fn new(database: &str, scale: f64) -> Self {
        Self { database: database.to_owned(), scale, sessions: 4, batch_rows: 8192 }
    }
}

/// What a load did.
#[derive(Clone, Copy, Debug)]
pub struct LoadReport {
    /// Rows of all tables.
    pub rows: u64,
    /// From the first statement to the last acknowledged commit.
    pub loaded_in: Duration,
    /// From then until the columnar replica had everything.
    pub caught_up_in: Duration,
}

/// Creates the eight tables, loads them, and waits until the columnar replica has every row.
///
/// Progress goes to standard error.
///
/// # Errors
/// The first error of a statement; rows committed before it stay.
pub async fn load(node: &Arc<Node>, options: &LoadOptions) -> Result<LoadReport> {
    let prepared = tokio::task::spawn_blocking(generator::prepare).await;
    prepared.map_err(|error| SqlError::internal(format!("the generator failed: {error}")))?;
    let start = Instant::now();
    create_tables(node, &options.database).await?;
    let mut rows = 0;
    for table in Table::ALL {
        rows += load_table(node, table, options).await?;
    }
    let loaded_in = start.elapsed();
    let ts = node.group().timestamp().await?;
    node.group().read_gate(ts, CATCH_UP_WITHIN).await?;
    Ok(LoadReport { rows, loaded_in, caught_up_in: start.elapsed() - loaded_in })
}

async fn create_tables(node: &Arc<Node>, database: &str) -> Result<()> {
    let mut session = node.session("root", "localhost");
    session.execute(&format!("create database if not exists `{database}`")).await?;
    session.execute(&format!("use `{database}`")).await?;
    for table in Table::ALL {
        session.execute(&format!("drop table if exists {table}")).await?;
        session.execute(table.ddl()).await?;
    }
    Ok(())
}

async fn load_table(node: &Arc<Node>, table: Table, options: &LoadOptions) -> Result<u64> {
    let batches = generator::stream(table, options.scale, options.batch_rows)
        .map_err(|error| SqlError::internal(format!("cannot start the generator of {table}: {error}")))?;
    let batches = Arc::new(Mutex::new(batches));
    let (sender, mut inserted) = mpsc::unbounded_channel();
    let mut inserting = JoinSet::new();
    for _ in 0..options.sessions.max(1) {
        let mut session = node.session("root", "localhost");
        session.execute(&format!("use `{}`", options.database)).await?;
        inserting.spawn(insert_all(session, table, batches.clone(), sender.clone()));
    }
    drop(sender);
    let mut progress = Progress::start(table.name(), table.rows(options.scale));
    let mut rows = 0;
    while let Some(more) = inserted.recv().await {
        rows += more;
        progress.advance(more);
    }
    while let Some(ended) = inserting.join_next().await {
        ended.map_err(|error| SqlError::internal(format!("a loading task failed: {error}")))??;
    }
    progress.finish();
    Ok(rows)
}

async fn insert_all(
    mut session: Session,
    table: Table,
    batches: Arc<Mutex<mpsc::Receiver<RecordBatch>>>,
    inserted: mpsc::UnboundedSender<u64>,
) -> Result<()> {
    loop {
        let batch = batches.lock().await.recv().await;
        let Some(batch) = batch else { return Ok(()) };
        let rows = session.insert_batch(table.name(), &batch).await?;
        if inserted.send(rows).is_err() {
            return Ok(());
        }
    }
}
