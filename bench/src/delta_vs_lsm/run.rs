//! Options, order, the table.

use std::time::{Duration, Instant};

use clap::Args;

use super::clickhouse::ClickHouse;
use super::pace::{Pace, Rate, measure};
use super::store::{ColumnStore, Counts, DeltaTree, Lsm};
use super::workload::Sbtest;
use crate::cli::Common;
use crate::columnar::user_bytes;
use crate::machine::cores;
use crate::peer::Package;
use crate::report::{Report, Target, align_right, median, ms, number, table};

/// The rates of the paper's table, and as fast as it goes.
const RATES: [Rate; 5] = [Some(150), Some(1_300), Some(8_000), Some(14_000), None];
/// Updates applied at once when it does not matter how fast.
const BATCH: u64 = 10_000;

/// Options of `deltatree-bench delta-vs-lsm`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Rows of the table [default: 10000000, quick: 2000000]
    #[arg(long)]
    rows: Option<u64>,
    /// Seconds at each rate [default: 10, quick: 2]
    #[arg(long)]
    seconds: Option<u64>,
    /// Leave chdb out.
    #[arg(long)]
    no_peers: bool,
    /// What every bench takes.
    #[command(flatten)]
    pub common: Common,
}

/// What one store came to.
struct Outcome {
    name: &'static str,
    /// The median scan with nothing else going on, before the first update.
    clean: Duration,
    /// One for each of [`RATES`].
    paces: Vec<Pace>,
    /// Bytes written for each byte updated, as the user counts it.
    written: Option<f64>,
    /// The same for each byte that the loaded table takes for a row.
    written_encoded: Option<f64>,
    /// Bytes in memory after the last rate of the paper.
    memory: Option<u64>,
}

/// Runs it. Blocks.
///
/// # Errors
/// When a store fails.
pub fn run(options: &Options) -> anyhow::Result<Report> {
    let quick = options.common.quick;
    let rows = options.rows.unwrap_or(if quick { 2_000_000 } else { 10_000_000 }).max(1);
    let time = Duration::from_secs(options.seconds.unwrap_or(if quick { 2 } else { 10 }).max(1));
    let mut report = Report::new("delta-vs-lsm");
    let table = Sbtest::new(rows);
    println!("{rows} rows, {} threads scan, one writes, one maintains, {} s a rate", cores(), time.as_secs());

    let mut outcomes = Vec::new();
    let mut counts = Vec::new();
    {
        let directory = tempfile::tempdir()?;
        let (outcome, counted) = measure_store(&DeltaTree::start(&table, directory.path())?, &table, time)?;
        outcomes.push(outcome);
        counts.push(counted);
    }
    {
        let directory = tempfile::tempdir()?;
        let (outcome, counted) = measure_store(&Lsm::start(&table, directory.path())?, &table, time)?;
        outcomes.push(outcome);
        counts.push(counted);
    }
    if counts[0] != counts[1] {
        report.failure(format!("the same updates gave {:?} in deltatree and {:?} in the lsm", counts[0], counts[1]));
    }
    if !options.no_peers && Package::all_present().contains(&Package::Chdb) {
        let directory = tempfile::tempdir()?;
        let mut peer = ClickHouse::start(rows, directory.path(), cores())?;
        report.version("chdb", peer.version());
        outcomes.push(measure_peer(&mut peer, time)?);
    }
    print(&outcomes);
    figures(&outcomes, &mut report);
    Ok(report)
}

/// All rates of one store. The counts are those after as many updates as every store gets before the
/// last rate.
fn measure_store(store: &dyn ColumnStore, table: &Sbtest, time: Duration) -> anyhow::Result<(Outcome, Counts)> {
    const WARM_UP: usize = 3;
    const CLEAN_SCANS: usize = 7;
    let mut clean = Vec::new();
    for _ in 0..WARM_UP + CLEAN_SCANS {
        let start = Instant::now();
        store.scan(cores())?;
        clean.push(start.elapsed());
    }
    let loaded = store.written();
    let (mut updates, mut paces) = (0, Vec::new());
    let (mut memory, mut counts) = (0, Counts::default());
    for rate in RATES {
        if rate.is_none() {
            memory = store.memory_bytes()?;
            updates = top_up(store, table, updates, time)?;
            counts = store.scan(cores())?;
        }
        let pace = measure(store, table, updates, rate, time, cores())?;
        updates += pace.updates;
        paces.push(pace);
    }
    store.flush()?;
    let bytes_an_update = (store.written() - loaded) as f64 / updates as f64;
    let user_bytes_a_row = user_bytes(&table.updates(0..BATCH)) as f64 / BATCH as f64;
    let outcome = Outcome {
        name: store.name(),
        clean: median(&clean[WARM_UP..]).unwrap_or_default(),
        paces,
        written: Some(bytes_an_update / user_bytes_a_row),
        written_encoded: Some(bytes_an_update / (loaded as f64 / table.rows as f64)),
        memory: Some(memory),
    };
    Ok((outcome, counts))
}

/// Applies further updates, up to a number that all stores reach and none has passed.
fn top_up(store: &dyn ColumnStore, table: &Sbtest, from: u64, time: Duration) -> anyhow::Result<u64> {
    let paced: u64 = RATES.iter().flatten().sum();
    let upto = paced * time.as_secs() * 3 / 2 + BATCH;
    let mut next = from;
    while next < upto {
        let end = upto.min(next + BATCH);
        store.apply(table.updates(next..end))?;
        while store.maintain()? {}
        next = end;
    }
    anyhow::ensure!(next == upto, "{}: {next} updates, but only {upto} were due", store.name());
    Ok(next)
}

fn measure_peer(peer: &mut ClickHouse, time: Duration) -> anyhow::Result<Outcome> {
    // One scan to warm up, one that counts: merge on read has nothing to merge yet.
    peer.measure(0, Some(0), Duration::ZERO)?;
    let clean = peer.measure(0, Some(0), Duration::ZERO)?.scan;
    let (mut updates, mut paces) = (0, Vec::new());
    for rate in RATES {
        let pace = peer.measure(updates, rate, time)?;
        updates += pace.updates;
        paces.push(pace);
    }
    Ok(Outcome { name: "chdb", clean, paces, written: None, written_encoded: None, memory: None })
}

fn rate_name(rate: Rate) -> String {
    rate.map_or("max".to_owned(), |rate| rate.to_string())
}

fn print(outcomes: &[Outcome]) {
    let mut header = vec!["updates/s wanted".to_owned()];
    header.extend(outcomes.iter().map(|o| format!("{} ms", o.name)));
    let counted: Vec<_> = outcomes.iter().filter(|o| o.paces.iter().all(|p| p.scan_cpu.is_some())).collect();
    header.extend(counted.iter().map(|o| format!("{} cpu ms", o.name)));
    header.extend(outcomes.iter().map(|o| format!("{} updates/s", o.name)));
    header.extend(outcomes.iter().skip(1).map(|o| format!("{} / {}", o.name, outcomes[0].name)));
    let mut shown = table(&header.iter().map(String::as_str).collect::<Vec<_>>());
    let ratios = |time: &dyn Fn(&Outcome) -> Duration| -> Vec<String> {
        let ours = time(&outcomes[0]).as_secs_f64();
        outcomes.iter().skip(1).map(|o| number(time(o).as_secs_f64() / ours)).collect()
    };
    let mut clean = vec!["none, clean".to_owned()];
    clean.extend(outcomes.iter().map(|o| number(ms(o.clean))));
    clean.extend(vec![String::new(); counted.len() + outcomes.len()]);
    clean.extend(ratios(&|o| o.clean));
    shown.add_row(clean);
    for (at, rate) in RATES.into_iter().enumerate() {
        let mut row = vec![rate_name(rate)];
        row.extend(outcomes.iter().map(|o| number(ms(o.paces[at].scan))));
        row.extend(counted.iter().map(|o| number(o.paces[at].scan_cpu.map_or(0.0, ms))));
        row.extend(outcomes.iter().map(|o| number(o.paces[at].rate)));
        row.extend(ratios(&|o| o.paces[at].scan));
        shown.add_row(row);
    }
    align_right(&mut shown, 1..header.len());
    println!("{shown}");
}

/// The largest by the smallest.
fn flatness(times: impl IntoIterator<Item = f64>) -> Option<f64> {
    let times: Vec<f64> = times.into_iter().collect();
    Some(times.iter().copied().reduce(f64::max)? / times.iter().copied().reduce(f64::min)?)
}

fn figures(outcomes: &[Outcome], report: &mut Report) {
    let Some(ours) = outcomes.first() else { return };
    for outcome in outcomes {
        let name = outcome.name;
        report.figure(format!("{name}: clean scan"), ms(outcome.clean), "ms");
        for (rate, pace) in RATES.into_iter().zip(&outcome.paces) {
            report.figure(format!("{name}: scan at {} updates/s", rate_name(rate)), ms(pace.scan), "ms");
            if rate.is_none() {
                report.figure(format!("{name}: updates at max"), pace.rate, "rows/s");
            }
        }
        let paced = || outcome.paces.iter().zip(RATES).filter(|(_, rate)| rate.is_some()).map(|(pace, _)| pace);
        if let Some(flatness) = flatness(paced().map(|p| ms(p.scan))) {
            let what = format!("{name}: flatness, 150 to 14,000 updates/s");
            match name == ours.name {
                true => report.figure_with_target(what, flatness, "x", Target::AtMost(1.05)),
                false => report.figure(what, flatness, "x"),
            }
        }
        if let Some(flatness) = paced().map(|p| p.scan_cpu.map(ms)).collect::<Option<Vec<_>>>().and_then(flatness) {
            report.figure(format!("{name}: flatness of a scan's processor time"), flatness, "x");
        }
        if let Some(written) = outcome.written {
            report.figure(format!("{name}: write amplification"), written, "x");
        }
        if let Some(written) = outcome.written_encoded {
            report.figure(format!("{name}: write amplification, of bytes as they are encoded"), written, "x");
        }
        if let Some(memory) = outcome.memory {
            report.figure(format!("{name}: memory"), memory as f64 / f64::from(1 << 20), "MiB");
        }
    }
    for theirs in outcomes.iter().skip(1) {
        for (at, rate) in RATES.into_iter().enumerate() {
            let what = format!("{} / {}, scan at {} updates/s", theirs.name, ours.name, rate_name(rate));
            let ratio = theirs.paces[at].scan.as_secs_f64() / ours.paces[at].scan.as_secs_f64();
            match (theirs.name, rate) {
                ("lsm", Some(14_000)) => report.figure_with_target(what, ratio, "x", Target::AtLeast(4.0)),
                (_, _) => report.figure(what, ratio, "x"),
            }
        }
    }
}
