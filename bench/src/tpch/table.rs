//! The table of 22 rows, and the figures that follow from it.

use comfy_table::Table;

use super::measurement::Measurement;
use crate::report::{Report, Target, align_right, geometric_mean, ms, number, table};

/// The peers that DeltaTree's times are divided by.
const PEERS: [&str; 2] = ["datafusion-memory", "duckdb"];
const OURS: &str = "deltatree";

/// The columns of the table: engines that ran, and engines that this machine does not have.
#[derive(Debug)]
pub struct Columns {
    /// In the order of the measurements.
    pub ready: Vec<&'static str>,
    /// Shown as absent.
    pub absent: Vec<&'static str>,
}

impl Columns {
    fn index(&self, name: &str) -> Option<usize> {
        self.ready.iter().position(|ready| *ready == name)
    }
}

/// Times of every query in milliseconds, the ratios to the peers, and sums and means.
pub fn times(columns: &Columns, measurements: &[Measurement]) -> Table {
    let mut header = vec!["query".to_owned(), "rows".to_owned()];
    header.extend(columns.ready.iter().chain(&columns.absent).map(|name| format!("{name} ms")));
    header.extend(PEERS.iter().map(|peer| format!("ratio to {peer}")));
    let mut table = table(&header.iter().map(String::as_str).collect::<Vec<_>>());
    for measurement in measurements {
        let mut row = vec![measurement.query.name(), measurement.rows.to_string()];
        row.extend(measurement.medians.iter().map(|time| time.map_or("failed".to_owned(), |time| number(ms(time)))));
        row.extend(columns.absent.iter().map(|_| "absent".to_owned()));
        row.extend(
            PEERS
                .iter()
                .map(|peer| ratio(columns, measurement, peer).map_or(String::new(), |ratio| format!("{ratio:.2}"))),
        );
        table.add_row(row);
    }
    table.add_row(summary("geomean", columns, measurements, |times| geometric_mean(times)));
    table.add_row(summary("total", columns, measurements, |times| Some(times.sum())));
    align_right(&mut table, 1..header.len());
    table
}

type Times<'a> = &'a mut dyn Iterator<Item = f64>;

fn summary(
    label: &str,
    columns: &Columns,
    measurements: &[Measurement],
    of: impl Fn(Times<'_>) -> Option<f64>,
) -> Vec<String> {
    let time = |index: usize| {
        let mut times = measurements.iter().filter_map(|measurement| measurement.medians[index]).map(ms);
        of(&mut times)
    };
    let times: Vec<Option<f64>> = (0..columns.ready.len()).map(time).collect();
    let shown = |value: Option<f64>| value.map_or(String::new(), number);
    let mut row = vec![label.to_owned(), String::new()];
    row.extend(times.iter().copied().map(shown));
    row.extend(columns.absent.iter().map(|_| "absent".to_owned()));
    row.extend(PEERS.iter().map(|peer| {
        let time_of = |name| columns.index(name).and_then(|index| times[index]);
        match (time_of(OURS), time_of(peer)) {
            (Some(ours), Some(theirs)) => format!("{:.2}", ours / theirs),
            (_, _) => String::new(),
        }
    }));
    row
}

/// Adds the geometric means, the totals and the ratios to the report.
///
/// The target: not slower than DataFusion over tables in memory.
pub fn figures(columns: &Columns, measurements: &[Measurement], report: &mut Report) {
    for (index, name) in columns.ready.iter().enumerate() {
        let times = || measurements.iter().filter_map(|measurement| measurement.medians[index]).map(ms);
        if let Some(mean) = geometric_mean(times()) {
            report.figure(format!("{name} geomean"), mean, "ms");
            report.figure(format!("{name} total"), times().sum(), "ms");
        }
    }
    for peer in PEERS {
        let ratios = measurements.iter().filter_map(|measurement| ratio(columns, measurement, peer));
        let Some(mean) = geometric_mean(ratios) else { continue };
        let name = format!("{OURS} geomean ratio to {peer}");
        if peer == PEERS[0] {
            report.figure_with_target(name, mean, "x", Target::AtMost(1.0));
        } else {
            report.figure(name, mean, "x");
        }
    }
}

fn ratio(columns: &Columns, measurement: &Measurement, peer: &str) -> Option<f64> {
    let time = |name| measurement.medians[columns.index(name)?];
    Some(ms(time(OURS)?) / ms(time(peer)?))
}
