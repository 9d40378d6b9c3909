//! `EXPLAIN [ANALYZE]`: one row an operator, in TiDB's columns.
//!
//! ```text
//! id                     estRows  task           access object    operator info
//! Projection_1           1.00     root                            …
//! └─ColumnarScan_2       812.00   cop[tiflash]   table:lineitem   path: ColumnarScan, lowest cost (…) | …
//! snapshot                        root                            ts 4489…, log position 712, waited 0.31 ms
//! ```
//!
//! A scan's line names every path that the table could have been read by, with its estimated cost, and
//! why the taken one was taken. The last line says at which moment the query reads, and what it had to
//! wait for.

use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::physical_plan::display::DisplayableExecutionPlan;
use datafusion::physical_plan::metrics::MetricValue;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use futures::StreamExt;

use super::context::Engine;
use super::engine::Planned;
use crate::access_path::{Bar, Choice};
use crate::error::Result;
use crate::exec::{ColumnarScanExec, RowReadExec};

/// Explains a plan; runs it first if `analyze`.
pub(super) async fn explain(planned: &Planned, analyze: bool) -> Result<RecordBatch> {
    let elapsed = if analyze { Some(run(planned).await?) } else { None };
    let mut lines = Vec::new();
    describe(&planned.physical, "", "", analyze, &StatisticsContext::new(), &mut lines);
    lines.push(snapshot_line(planned, elapsed));
    to_batch(&lines, analyze)
}

async fn run(planned: &Planned) -> Result<Duration> {
    let started = Instant::now();
    let mut batches = execute_stream(Arc::clone(&planned.physical), planned.session.task_ctx())?;
    while let Some(batch) = batches.next().await {
        batch?;
    }
    Ok(started.elapsed())
}

#[derive(Default)]
struct Line {
    id: String,
    estimated_rows: String,
    actual_rows: String,
    task: String,
    access_object: String,
    execution: String,
    info: String,
}

fn describe(
    plan: &Arc<dyn ExecutionPlan>,
    prefix: &str,
    branch: &str,
    analyze: bool,
    statistics: &StatisticsContext,
    lines: &mut Vec<Line>,
) {
    let estimated = statistics.compute(plan.as_ref(), &StatisticsArgs::new()).ok();
    let rows = estimated.and_then(|s| s.num_rows.get_value().copied());
    let mut line = Line {
        id: format!("{prefix}{branch}{}_{}", operator_name(plan), lines.len() + 1),
        estimated_rows: rows.map(|n| format!("{n}.00")).unwrap_or_default(),
        task: "root".to_owned(),
        ..Line::default()
    };
    describe_operator(plan, &mut line);
    if analyze {
        (line.actual_rows, line.execution) = actual_figures(plan);
    }
    lines.push(line);
    let children = plan.children();
    let prefix = match branch {
        "├─" => format!("{prefix}│ "),
        "└─" => format!("{prefix}  "),
        _ => prefix.to_owned(),
    };
    for (i, child) in children.iter().enumerate() {
        let branch = if i + 1 == children.len() { "└─" } else { "├─" };
        describe(child, &prefix, branch, analyze, statistics, lines);
    }
}

/// DataFusion's operators by the names that MySQL users know.
fn operator_name(plan: &Arc<dyn ExecutionPlan>) -> String {
    if let Some(scan) = plan.downcast_ref::<RowReadExec>() {
        return scan.read.choice.path.name().to_owned();
    }
    let name = match plan.name() {
        "ColumnarScanExec" => "ColumnarScan",
        "AggregateExec" => "HashAgg",
        "SortExec" if plan.fetch().is_some() => "TopN",
        "FilterExec" => "Selection",
        "GlobalLimitExec" | "LocalLimitExec" => "Limit",
        "RepartitionExec" => "Exchange",
        "CoalescePartitionsExec" | "SortPreservingMergeExec" => "Gather",
        "SortMergeJoinExec" => "MergeJoin",
        "NestedLoopJoinExec" | "CrossJoinExec" => "NestedLoopJoin",
        "BoundedWindowAggExec" | "WindowAggExec" => "Window",
        "PlaceholderRowExec" => "TableDual",
        other => other.strip_suffix("Exec").unwrap_or(other),
    };
    name.to_owned()
}

fn describe_operator(plan: &Arc<dyn ExecutionPlan>, line: &mut Line) {
    if let Some(scan) = plan.downcast_ref::<ColumnarScanExec>() {
        line.task = task(Engine::Columnar);
        line.access_object = format!("table:{}", scan.read.shape.table.name);
        let filters = one_line(plan);
        line.info = format!("{} | {filters} | {}", choice_text(&scan.read.choice), pruning_text(scan));
    } else if let Some(scan) = plan.downcast_ref::<RowReadExec>() {
        line.task = task(Engine::Row);
        line.access_object = format!("table:{}", scan.read.shape.table.name);
        line.info = format!("{} | {}", choice_text(&scan.read.choice), one_line(plan));
    } else {
        line.info = one_line(plan);
    }
}

fn task(engine: Engine) -> String {
    format!("cop[{}]", engine.name())
}

/// The operator's own line, without its name.
fn one_line(plan: &Arc<dyn ExecutionPlan>) -> String {
    let line = DisplayableExecutionPlan::new(plan.as_ref()).one_line().to_string();
    let line = line.trim();
    line.split_once(": ").map_or(String::new(), |(_, info)| info.to_owned())
}

fn choice_text(choice: &Choice) -> String {
    let mut text = format!("path: {}, {}", choice.path, choice.reason);
    let mut others = choice.candidates.iter().map(|candidate| {
        let bar = match candidate.bar {
            Some(Bar::Isolation) => ", not in tidb_isolation_read_engines",
            Some(Bar::Hint) => ", not the hinted engine",
            None => "",
        };
        format!("{} {:.0} rows {:.0} us{bar}", candidate.path, candidate.rows, candidate.cost_us)
    });
    if let Some(first) = others.next() {
        let _ = write!(text, " (candidates: {first}");
        others.for_each(|other| {
            let _ = write!(text, "; {other}");
        });
        text.push(')');
    }
    text
}

/// What the scan skipped, or would skip.
fn pruning_text(scan: &ColumnarScanExec) -> String {
    let done = scan.scan_metrics();
    if done.zones_total > 0 {
        return format!(
            "zones: {} of {} pruned, packs: {} of {} pruned, delta rows: {}",
            done.zones_pruned,
            done.zones_total,
            done.packs_pruned,
            done.packs_pruned + done.packs_read,
            done.delta_rows,
        );
    }
    let estimate = scan.read.estimate;
    format!(
        "zones: {} of {} pruned",
        estimate.zones_total - estimate.zones_kept.min(estimate.zones_total),
        estimate.zones_total
    )
}

fn actual_figures(plan: &Arc<dyn ExecutionPlan>) -> (String, String) {
    let Some(metrics) = plan.metrics() else { return Default::default() };
    let metrics = metrics.aggregate_by_name();
    let rows = metrics.output_rows().map(|n| n.to_string()).unwrap_or_default();
    let mut parts = Vec::new();
    for metric in metrics.iter() {
        match metric.value() {
            MetricValue::ElapsedCompute(time) => parts.push(format!("time:{}", milliseconds(time.value()))),
            MetricValue::Time { name, time } if time.value() > 0 => {
                parts.push(format!("{name}:{}", milliseconds(time.value())))
            }
            MetricValue::SpillCount(count) if count.value() > 0 => parts.push(format!("spills:{}", count.value())),
            _ => {}
        }
    }
    (rows, parts.join(", "))
}

fn milliseconds(nanoseconds: usize) -> String {
    format!("{:.2}ms", nanoseconds as f64 / 1e6)
}

fn snapshot_line(planned: &Planned, elapsed: Option<Duration>) -> Line {
    let mut info = format!("ts {}", planned.reads.context().ts);
    match planned.reads.gate_report() {
        Some(gate) => {
            let _ = write!(info, ", log position {}, waited {:.2}ms", gate.position, gate.waited.as_secs_f64() * 1e3);
        }
        None => info.push_str(", row store only"),
    }
    if let Some(elapsed) = elapsed {
        let _ = write!(info, ", ran {:.2}ms", elapsed.as_secs_f64() * 1e3);
    }
    Line { id: "snapshot".to_owned(), task: "root".to_owned(), info, ..Line::default() }
}

fn to_batch(lines: &[Line], analyze: bool) -> Result<RecordBatch> {
    type Get = fn(&Line) -> &str;
    let mut columns: Vec<(&str, Get)> = vec![("id", |l| &l.id), ("estRows", |l| &l.estimated_rows)];
    if analyze {
        columns.push(("actRows", |l| &l.actual_rows));
    }
    columns.extend([("task", (|l| &l.task) as Get), ("access object", |l| &l.access_object)]);
    if analyze {
        columns.push(("execution info", |l| &l.execution));
    }
    columns.push(("operator info", |l| &l.info));
    let fields: Vec<_> = columns.iter().map(|(name, _)| Field::new(*name, DataType::Utf8View, false)).collect();
    let arrays = columns
        .iter()
        .map(|(_, get)| Arc::new(StringViewArray::from_iter_values(lines.iter().map(get))) as ArrayRef)
        .collect();
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?)
}
