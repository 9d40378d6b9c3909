//! A client that writes and at once looks for what it wrote, on another connection, on the columnar path.

use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use mysql::Conn;
use mysql::prelude::Queryable;

use super::counters::{Counters, Judgement};
use super::delays::Delays;
use crate::server::Server;

/// The prober's counter.
pub const PROBER: usize = 0;
/// Rest after each write that was seen: the prober is not meant to be a load.
const REST: Duration = Duration::from_millis(5);
/// A write that is not seen by then never will be.
const SEEN_WITHIN: Duration = Duration::from_secs(10);

/// What all queries of a measurement saw.
#[derive(Debug, Default)]
pub struct Sightings(Mutex<Seen>);

/// The same, added up.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Queries that read the counters.
    pub queries: u64,
    /// Counters that they saw.
    pub checked: u64,
    /// Counters among them that lacked something acknowledged.
    pub stale: u64,
    /// The scores of the queries.
    pub scores: Vec<Duration>,
}

impl Sightings {
    /// Adds a query's.
    pub fn add(&self, judgement: Judgement) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.queries += 1;
        seen.checked += judgement.checked;
        seen.stale += judgement.stale;
        seen.scores.push(judgement.score);
    }

    /// All of them.
    pub fn into_seen(self) -> Seen {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The connections of a prober.
#[derive(Debug)]
pub struct Prober {
    writer: Conn,
    reader: Conn,
}

impl Prober {
    /// Connects.
    ///
    /// # Errors
    /// When the server refuses it.
    pub fn connect(server: &Server) -> anyhow::Result<Self> {
        let mut reader = server.connect()?;
        reader.query_drop("set session tidb_isolation_read_engines = 'tiflash'")?;
        Ok(Self { writer: server.connect()?, reader })
    }

    /// Writes and looks for so long. Blocks.
    ///
    /// # Errors
    /// When a statement fails, or a write is not seen at all.
    pub fn run(&mut self, time: Duration, counters: &Counters, sightings: &Sightings) -> anyhow::Result<Delays> {
        let end = Instant::now() + time;
        let mut delays = Vec::new();
        while Instant::now() < end {
            counters.write_next(&mut self.writer, PROBER).map_err(|failure| anyhow!("the prober: {failure}"))?;
            let acknowledged = counters.acknowledge(PROBER);
            delays.push(self.look(acknowledged, counters, sightings)?);
            thread::sleep(REST);
        }
        Ok(Delays::new(delays))
    }

    /// Reads until everything acknowledged is seen. How long that took.
    fn look(&mut self, acknowledged: Instant, counters: &Counters, sightings: &Sightings) -> anyhow::Result<Duration> {
        loop {
            let judgement = counters.read(&mut self.reader, Instant::now())?;
            let delay = acknowledged.elapsed();
            sightings.add(judgement);
            if judgement.stale == 0 {
                return Ok(delay);
            }
            anyhow::ensure!(delay < SEEN_WITHIN, "a write is still not seen {} s later", SEEN_WITHIN.as_secs());
        }
    }
}
