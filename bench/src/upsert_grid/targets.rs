//! The figures that have a target and are no cell of the grid. All are about the table with an integer
//! key under scattered upserts.

use std::time::{Duration, Instant};

use super::deltatree::DeltaTree;
use super::grid::{median_query, upsert_all};
use super::subject::Subject;
use super::workload::{BATCH, Workload};
use crate::report::{Report, Target, median};

/// Upserts before a first scan.
const FEW: u64 = 4_000;
/// Single-row batches that are timed.
const SINGLES: u64 = 20_000;

/// Measures them, on a table that has had `upserts` upserts and was compacted.
///
/// # Errors
/// When the engine fails.
pub(super) fn measure(
    mut subject: DeltaTree,
    workload: Workload,
    mut upserts: u64,
    runs: usize,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut take = |count: u64| {
        upserts += count;
        upserts - count..upserts
    };
    let (clean, _) = median_query(&mut subject, runs)?;
    let mut firsts = Vec::new();
    for _ in 0..runs {
        subject.upsert(take(FEW))?;
        firsts.push(subject.query()?.0);
    }
    let first = median(&firsts).unwrap_or_default().as_secs_f64() / clean.as_secs_f64();
    report.figure_with_target("first scan after 4,000 new upserts / clean scan", first, "x", Target::AtMost(1.05));

    subject.settle()?;
    let mut spent = Duration::ZERO;
    for upsert in take(SINGLES) {
        spent += subject.upsert(upsert..upsert + 1)?;
    }
    let rate = SINGLES as f64 / spent.as_secs_f64();
    report.figure_with_target("apply, scattered upserts, single rows", rate, "rows/s", Target::AtLeast(200e3));

    subject.settle()?;
    upsert_all(&mut subject, take((workload.rows / 10).max(BATCH)), None)?;
    let footprint = subject.table().footprint()?;
    let index = footprint.index_bytes as f64 / footprint.index_keys.max(1) as f64;
    report.figure_with_target("delta index, live integer key", index, "B", Target::AtMost(40.0));

    // What the last flush had is on disk, what came after it is fed again, as the log does it.
    subject.flush()?;
    let replayed = take(BATCH);
    subject.upsert(replayed.clone())?;
    let (_, before) = subject.query()?;
    let start = Instant::now();
    let mut subject = subject.reopen()?;
    subject.upsert(replayed)?;
    let (_, after) = subject.query()?;
    let reopened = start.elapsed().as_secs_f64();
    if !after.agrees_with(&before) {
        report.failure("the answer after reopening differs");
    }
    let name = format!("reopen to first correct query, {} rows in the delta", footprint.delta_rows);
    report.figure_with_target(name, reopened, "s", Target::AtMost(1.0));
    Ok(())
}
