//! The same with chdb, as far as one connection goes: before each scan the updates are made that have
//! come due since the last one, so that scans and updates take turns and scans have the machine to
//! themselves. That is in ClickHouse's favour.

use std::path::Path;
use std::time::{Duration, Instant};

use super::pace::{Pace, Rate};
use crate::peer::{Package, Peer};
use crate::report::median;

/// Updates between two scans when they come as fast as they can.
const BATCH: u64 = 100_000;

/// A running chdb with sysbench's table.
pub(super) struct ClickHouse {
    peer: Peer,
    rows: u64,
}

impl ClickHouse {
    pub(super) fn start(rows: u64, directory: &Path, threads: usize) -> anyhow::Result<Self> {
        let mut peer = Peer::start(Package::Chdb, directory, threads)?;
        peer.run(
            "create table t (id Int64, k Int64, c String, pad String, version UInt64)
             engine = ReplacingMergeTree(version) order by id",
        )?;
        peer.run(&format!("insert into t {}", row("number", "0", 0, rows, rows)))?;
        Ok(Self { peer, rows })
    }

    pub(super) fn version(&self) -> &str {
        self.peer.version()
    }

    /// See [`super::pace::measure`].
    pub(super) fn measure(&mut self, first: u64, rate: Rate, time: Duration) -> anyhow::Result<Pace> {
        let mut scans = Vec::new();
        let mut updates = 0;
        let start = Instant::now();
        while scans.is_empty() || start.elapsed() < time {
            let due = match rate {
                Some(rate) => (start.elapsed().as_secs_f64() * rate as f64) as u64 - updates,
                None => BATCH,
            };
            if due > 0 {
                let id = format!("cityHash64(number) % {}", self.rows);
                self.peer.run(&format!("insert into t {}", row(&id, "number + 1", first + updates, due, self.rows)))?;
                updates += due;
            }
            let reply = self.peer.run("select count(id), count(k) from t final")?;
            let expected = Some(self.rows.to_string());
            anyhow::ensure!(reply.rows == [vec![expected.clone(), expected]], "chdb counted {:?}", reply.rows);
            scans.push(reply.elapsed);
        }
        let rate = updates as f64 / start.elapsed().as_secs_f64();
        Ok(Pace { scan_cpu: None, scan: median(&scans).unwrap_or_default(), updates, rate })
    }
}

/// Rows by expressions of `number`, which counts.
fn row(id: &str, version: &str, first: u64, count: u64, rows: u64) -> String {
    let digits = |seed: u64| format!("leftPad(toString(cityHash64(number, {seed})), 20, '0')");
    format!(
        "select {id}, cityHash64(number, 1) % {rows}, repeat({}, 6), repeat({}, 3), {version}
         from numbers({first}, {count})",
        digits(2),
        digits(3)
    )
}
