//! Updates of a tenth of `lineitem` and `orders`, over and over, that change no answer.
//!
//! They rewrite the comments of the lines and the clerks of the orders, which none of the 22 queries
//! reads. Each transaction takes a range of order keys, so that the tenth is spread over all packs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::anyhow;
use mysql::Conn;
use mysql::prelude::Queryable;

use crate::server::Server;

/// Order keys that one transaction takes a tenth of.
const STEP: u64 = 1024;
/// Between two compactions.
const PAUSE: Duration = Duration::from_millis(20);

/// What has been done in the background.
#[derive(Clone, Copy, Debug, Default)]
pub struct Updated {
    /// Rows changed, each as often as it was.
    pub rows: u64,
    /// Compactions of both tables.
    pub compactions: u64,
}

/// Updates the tenth once, then runs `work` while one connection goes on with that and another one
/// compacts. When it returns, the updates have ended and both tables are compacted.
///
/// # Errors
/// When an update or a compaction fails, or `work` does.
pub fn while_updated<T>(
    server: &Server,
    database: &str,
    work: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<(T, Updated)> {
    let connect = || -> anyhow::Result<Conn> {
        let mut connection = server.connect()?;
        connection.query_drop(format!("use {database}"))?;
        Ok(connection)
    };
    let (mut updater, mut compactor) = (connect()?, connect()?);
    let last: u64 = updater.query_first("select max(o_orderkey) from orders")?.unwrap_or_default();
    let stop = AtomicBool::new(false);
    let first = pass(&mut updater, last, &stop)?;
    let (result, mut done) = thread::scope(|scope| {
        let updates = scope.spawn(|| -> anyhow::Result<u64> {
            let mut rows = 0;
            while !stop.load(Ordering::Relaxed) {
                rows += pass(&mut updater, last, &stop)?;
            }
            Ok(rows)
        });
        let compactions = scope.spawn(|| -> anyhow::Result<u64> {
            let mut done = 0;
            while !stop.load(Ordering::Relaxed) {
                compact(&mut compactor)?;
                done += 1;
                thread::sleep(PAUSE);
            }
            Ok(done)
        });
        let result = work();
        stop.store(true, Ordering::Relaxed);
        let rows = first + updates.join().map_err(|_| anyhow!("the updating thread failed"))??;
        let compactions = compactions.join().map_err(|_| anyhow!("the compacting thread failed"))??;
        anyhow::Ok((result?, Updated { rows, compactions }))
    })?;
    compact(&mut compactor)?;
    done.compactions += 1;
    Ok((result, done))
}

/// Updates the tenth once, or until told to stop. Returns the rows changed.
fn pass(connection: &mut Conn, last: u64, stop: &AtomicBool) -> anyhow::Result<u64> {
    let mut rows = 0;
    for from in (1..=last).step_by(usize::try_from(STEP)?) {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let of = |key: &str| format!("{key} between {from} and {} and {key} % 10 = 3", from + STEP - 1);
        for sql in [
            "begin".to_owned(),
            format!("update lineitem set l_comment = reverse(l_comment) where {}", of("l_orderkey")),
            format!("update orders set o_clerk = reverse(o_clerk) where {}", of("o_orderkey")),
            "commit".to_owned(),
        ] {
            connection.query_drop(sql)?;
            rows += connection.affected_rows();
        }
    }
    Ok(rows)
}

/// Merges the deltas of both tables.
fn compact(connection: &mut Conn) -> anyhow::Result<()> {
    for table in ["lineitem", "orders"] {
        connection.query_drop(format!("alter table {table} compact tiflash replica"))?;
    }
    Ok(())
}
