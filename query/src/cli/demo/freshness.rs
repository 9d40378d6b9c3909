//! Writes go on while an aggregate over the same table runs again and again.
//!
//! The writer's every transaction inserts one order and raises the price of an earlier one by 1.00.
//! After `n` commits the table has `n` more orders, worth `2n` more together. A query must find at
//! least the commits that were acknowledged before it began, at most those that were begun before it
//! ended, and each of them whole.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Int64Type};

use super::{DATABASE, columnar_session};
use crate::error::{Result, SqlError};
use crate::node::Node;
use crate::session::Session;

/// Keys of the writer's orders begin here, far above the generator's.
const FIRST_KEY: u64 = 1 << 40;
/// How long a query may wait for the replica.
const GATE_WITHIN: Duration = Duration::from_secs(60);

/// What was seen.
#[derive(Clone, Debug)]
pub(super) struct Freshness {
    commits: u64,
    queries: u64,
    /// Queries that did not see what they had to see.
    pub(super) misses: u64,
    gate_waits: Vec<Duration>,
}

impl fmt::Display for Freshness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |percent| percentile(&self.gate_waits, percent).as_secs_f64() * 1e3;
        write!(
            f,
            "freshness: {} commits beside {} aggregates, {} misses, wait for the replica p50 {:.2} ms p99 {:.2} ms",
            self.commits,
            self.queries,
            self.misses,
            ms(50),
            ms(99),
        )
    }
}

fn percentile(times: &[Duration], percent: usize) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let place = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(place).copied().unwrap_or_default()
}

/// Commits of the writer.
#[derive(Default)]
struct Commits {
    begun: AtomicU64,
    acknowledged: AtomicU64,
    stop: AtomicBool,
}

/// Writes and reads at once for as long as told.
pub(super) async fn watch(node: &Arc<Node>, duration: Duration) -> Result<Freshness> {
    let mut reader = columnar_session(node).await?;
    let before = orders(&mut reader).await?;
    let commits = Arc::new(Commits::default());
    let mut writer = node.session("root", "localhost");
    writer.execute(&format!("use {DATABASE}")).await?;
    let writing = tokio::spawn(write(writer, commits.clone()));
    let mut freshness = Freshness { commits: 0, queries: 0, misses: 0, gate_waits: Vec::new() };
    let read = read(node, &mut reader, before, &commits, duration, &mut freshness).await;
    commits.stop.store(true, Ordering::SeqCst);
    let written = writing.await.map_err(|error| SqlError::internal(format!("the writer failed: {error}")))?;
    read.and(written)?;
    freshness.commits = commits.acknowledged.load(Ordering::SeqCst);
    Ok(freshness)
}

async fn write(mut session: Session, commits: Arc<Commits>) -> Result<()> {
    while !commits.stop.load(Ordering::SeqCst) {
        let number = commits.begun.fetch_add(1, Ordering::SeqCst);
        let key = FIRST_KEY + number;
        // The earlier order: one of the generator's first, or the writer's own.
        let earlier = if number.is_multiple_of(2) { 1 + number % 7 } else { FIRST_KEY + number / 2 };
        session.execute("begin").await?;
        session
            .execute(&format!(
                "insert into orders values ({key}, 1, 'O', 1.00, '2026-01-01', '5-LOW', 'demo', 0, 'live')"
            ))
            .await?;
        session
            .execute(&format!("update orders set o_totalprice = o_totalprice + 1 where o_orderkey = {earlier}"))
            .await?;
        session.execute("commit").await?;
        commits.acknowledged.fetch_add(1, Ordering::SeqCst);
    }
    Ok(())
}

async fn read(
    node: &Arc<Node>,
    session: &mut Session,
    before: Orders,
    commits: &Commits,
    duration: Duration,
    freshness: &mut Freshness,
) -> Result<()> {
    let end = Instant::now() + duration;
    while Instant::now() < end {
        let acknowledged = commits.acknowledged.load(Ordering::SeqCst);
        let ts = node.group().timestamp().await?;
        freshness.gate_waits.push(node.group().read_gate(ts, GATE_WITHIN).await?.waited);
        let now = orders(session).await?;
        let begun = commits.begun.load(Ordering::SeqCst);
        let seen = now.count - before.count;
        let whole = now.cents - before.cents == i128::from(seen) * 200;
        let fresh = (acknowledged as i64..=begun as i64).contains(&seen);
        freshness.queries += 1;
        freshness.misses += u64::from(!(whole && fresh));
    }
    Ok(())
}

/// The aggregate.
#[derive(Clone, Copy, Debug)]
struct Orders {
    count: i64,
    cents: i128,
}

async fn orders(session: &mut Session) -> Result<Orders> {
    let batches = session.query("select count(*), sum(o_totalprice) from orders").await?;
    let batch = batches.iter().find(|batch| batch.num_rows() == 1 && batch.num_columns() == 2);
    let batch = batch.ok_or_else(|| SqlError::internal("the aggregate over orders gave no row"))?;
    let count = cast(batch.column(0), &DataType::Int64)?;
    let cents = cast(batch.column(1), &DataType::Decimal128(38, 2))?;
    Ok(Orders {
        count: count.as_primitive::<Int64Type>().value(0),
        cents: cents.as_primitive::<Decimal128Type>().value(0),
    })
}
