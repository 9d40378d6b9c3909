//! One line of the grid: share after share of the table is updated, and scanned before and after it
//! was compacted. Each share starts from the compacted table.

use std::ops::Range;
use std::time::{Duration, Instant};

use super::answer::Answer;
use super::subject::Subject;
use super::workload::{BATCH, Workload};
use crate::columnar::user_bytes;
use crate::report::median;

/// How a line is measured.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// Shares of the table's rows, in percent.
    pub(super) shares: Vec<f64>,
    /// Scans of which the median counts.
    pub(super) runs: usize,
    /// Longest time for the upserts of one share. What takes longer is given up, and all larger shares.
    pub(super) budget: Option<Duration>,
}

/// What one share came to. Ratios are times a row of the table, divided by that of the clean scan.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub(super) share: f64,
    /// Upserts a second, on one thread.
    pub(super) rate: f64,
    /// The first scan after the last upsert.
    pub(super) first: f64,
    /// The median scan, nothing compacted beyond what was due meanwhile.
    pub(super) updated: f64,
    /// The same, as a time.
    pub(super) updated_time: Duration,
    /// The median scan after compaction.
    pub(super) settled: f64,
    /// How long compaction took.
    pub(super) settled_in: Duration,
    /// Bytes written until all was durable, for each byte as the user counts them.
    pub(super) written: Option<f64>,
    /// The same for each byte that the clean table takes for a row.
    pub(super) written_encoded: Option<f64>,
    /// Bytes on disk before compaction, for each byte that the clean table would take.
    pub(super) space: f64,
    /// What the scan before compaction gave.
    pub(super) answer: Answer,
}

/// A line.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// The median scan before the first upsert.
    pub(super) clean: Duration,
    pub(super) cells: Vec<Cell>,
    /// Upserts made in all.
    pub(super) upserts: u64,
    /// The share that was given up, if one was.
    pub(super) given_up: Option<f64>,
}

/// Measures a line on a subject that holds the workload's first rows.
///
/// # Errors
/// When the subject fails.
pub(super) fn measure(subject: &mut dyn Subject, workload: Workload, plan: &Plan) -> anyhow::Result<Line> {
    let (clean, _) = median_query(subject, plan.runs)?;
    let clean_bytes_a_row = subject.bytes_on_disk()? as f64 / workload.rows as f64;
    let mut line = Line { clean, cells: Vec::new(), upserts: 0, given_up: None };
    for &share in &plan.shares {
        let count = ((workload.rows as f64 * share / 100.0) as u64).max(1);
        let upserts = line.upserts..line.upserts + count;
        let written_before = subject.bytes_written();
        let Some(spent) = upsert_all(subject, upserts.clone(), plan.budget)? else {
            line.given_up = Some(share);
            break;
        };
        line.upserts = upserts.end;
        let rows = workload.rows_after(upserts.end) as f64;
        let ratio = |time: Duration| (time.as_secs_f64() / rows) / (clean.as_secs_f64() / workload.rows as f64);
        let (first, _) = subject.query()?;
        let (updated, answer) = median_query(subject, plan.runs)?;
        subject.flush()?;
        let written = subject.bytes_written().zip(written_before).map(|(after, before)| (after - before) as f64);
        let space = subject.bytes_on_disk()? as f64 / (clean_bytes_a_row * rows);
        let start = Instant::now();
        subject.settle()?;
        let settled_in = start.elapsed();
        let (settled, compacted) = median_query(subject, plan.runs)?;
        anyhow::ensure!(compacted.agrees_with(&answer), "{}: compaction changed the answer", subject.name());
        line.cells.push(Cell {
            share,
            rate: count as f64 / spent.as_secs_f64(),
            first: ratio(first),
            updated: ratio(updated),
            updated_time: updated,
            settled: ratio(settled),
            settled_in,
            written: written.map(|bytes| bytes / (user_bytes_a_row(workload) * count as f64)),
            written_encoded: written.map(|bytes| bytes / (clean_bytes_a_row * count as f64)),
            space,
            answer,
        });
    }
    Ok(line)
}

/// Applies upserts in batches, with what is due in the background after each. The time of the upserts
/// alone; `None` if it went over the budget.
pub(super) fn upsert_all(
    subject: &mut dyn Subject,
    upserts: Range<u64>,
    budget: Option<Duration>,
) -> anyhow::Result<Option<Duration>> {
    let mut spent = Duration::ZERO;
    let mut next = upserts.start;
    while next < upserts.end {
        let end = upserts.end.min(next + BATCH);
        spent += subject.upsert(next..end)?;
        subject.upkeep()?;
        next = end;
        if next < upserts.end && budget.is_some_and(|budget| spent > budget) {
            return Ok(None);
        }
    }
    Ok(Some(spent))
}

/// The median time of some runs of the query after one that does not count, and the answer.
pub(super) fn median_query(subject: &mut dyn Subject, runs: usize) -> anyhow::Result<(Duration, Answer)> {
    let (warm, answer) = subject.query()?;
    let mut times = Vec::with_capacity(runs);
    for _ in 0..runs {
        let (elapsed, again) = subject.query()?;
        anyhow::ensure!(again.agrees_with(&answer), "{}: the same query gave two answers", subject.name());
        times.push(elapsed);
    }
    Ok((median(&times).unwrap_or(warm), answer))
}

fn user_bytes_a_row(workload: Workload) -> f64 {
    const SAMPLE: u64 = 1_000;
    user_bytes(&workload.upserts(0..SAMPLE)) as f64 / SAMPLE as f64
}
