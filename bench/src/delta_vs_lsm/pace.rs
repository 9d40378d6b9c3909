//! Scans, updates at a rate and maintenance at the same time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::anyhow;

use super::store::ColumnStore;
use super::workload::Sbtest;
use crate::machine::{cpu_of_process, cpu_of_thread};
use crate::report::median;

/// Time between two batches of updates: commits of so much time are applied together.
const TICK: Duration = Duration::from_millis(10);
/// Updates of a batch when they come as fast as they can.
const BATCH: u64 = 1_000;
/// Pause of a maintainer that has nothing to do.
const IDLE: Duration = Duration::from_millis(20);

/// Updates per second; `None`: as many as the store takes.
pub(super) type Rate = Option<u64>;

/// What one rate came to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// The median scan.
    pub(super) scan: Duration,
    /// Processor time that a scan takes, the mean over all of them; `None` if it cannot be told apart.
    pub(super) scan_cpu: Option<Duration>,
    /// Updates.
    pub(super) updates: u64,
    /// Updates a second.
    pub(super) rate: f64,
}

/// Scans again and again for `time`, while another thread applies updates from number `first` on and a
/// third one does the store's maintenance. Blocks.
///
/// # Errors
/// When the store fails, or a scan does not see every row once.
pub(super) fn measure(
    store: &dyn ColumnStore,
    table: &Sbtest,
    first: u64,
    rate: Rate,
    time: Duration,
    threads: usize,
) -> anyhow::Result<Pace> {
    let stop = AtomicBool::new(false);
    let before = cpu_of_process();
    thread::scope(|scope| {
        let writer = scope.spawn(|| write(store, table, first, rate, &stop));
        let maintainer = scope.spawn(|| maintain(store, &stop));
        let start = Instant::now();
        let scans = scan(store, table, start + time, threads);
        let elapsed = start.elapsed();
        stop.store(true, Ordering::Relaxed);
        let (updates, writing) = writer.join().map_err(|_| anyhow!("the writing thread failed"))??;
        let maintaining = maintainer.join().map_err(|_| anyhow!("the maintaining thread failed"))??;
        let scans = scans?;
        let scanning = (cpu_of_process() - before).saturating_sub(writing + maintaining);
        Ok(Pace {
            scan: median(&scans).ok_or_else(|| anyhow!("no scan"))?,
            scan_cpu: Some(scanning / scans.len().try_into()?),
            updates,
            rate: updates as f64 / elapsed.as_secs_f64(),
        })
    })
}

fn scan(store: &dyn ColumnStore, table: &Sbtest, end: Instant, threads: usize) -> anyhow::Result<Vec<Duration>> {
    const FEWEST: usize = 3;
    let mut times = Vec::new();
    while times.len() < FEWEST || Instant::now() < end {
        let start = Instant::now();
        let counts = store.scan(threads)?;
        times.push(start.elapsed());
        anyhow::ensure!(
            counts.id == table.rows && counts.k == table.rows,
            "{}: a scan saw {} rows of {}",
            store.name(),
            counts.id,
            table.rows
        );
    }
    Ok(times)
}

/// Returns how many updates it applied, and the processor time that it took.
fn write(
    store: &dyn ColumnStore,
    table: &Sbtest,
    first: u64,
    rate: Rate,
    stop: &AtomicBool,
) -> anyhow::Result<(u64, Duration)> {
    let start = Instant::now();
    let mut done = 0;
    while !stop.load(Ordering::Relaxed) {
        let due = match rate {
            Some(rate) => (start.elapsed().as_secs_f64() * rate as f64) as u64 - done,
            None => BATCH,
        };
        if due > 0 {
            store.apply(table.updates(first + done..first + done + due))?;
            done += due;
        }
        if rate.is_some() {
            thread::sleep(TICK);
        }
    }
    Ok((done, cpu_of_thread()))
}

/// Returns the processor time that it took.
fn maintain(store: &dyn ColumnStore, stop: &AtomicBool) -> anyhow::Result<Duration> {
    while !stop.load(Ordering::Relaxed) {
        if !store.maintain()? {
            thread::sleep(IDLE);
        }
    }
    Ok(cpu_of_thread())
}
