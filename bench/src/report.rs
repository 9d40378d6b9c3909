//! What a measurement says: figures with units and targets.
//!
//! A bench prints its tables while it runs and ends with the figures: a table for people, or with
//! `--json` one JSON object on the last line for programs.

use std::time::Duration;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use serde::Serialize;

use crate::machine::Machine;

/// What a figure should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// At most this.
    AtMost(f64),
    /// At least this.
    AtLeast(f64),
    /// Exactly this.
    Exactly(f64),
}

impl Target {
    /// Whether a value meets it.
    pub fn met_by(self, value: f64) -> bool {
        match self {
            Self::AtMost(limit) => value <= limit,
            Self::AtLeast(limit) => value >= limit,
            Self::Exactly(wanted) => value == wanted,
        }
    }

    fn text(self) -> String {
        match self {
            Self::AtMost(limit) => format!("<= {limit}"),
            Self::AtLeast(limit) => format!(">= {limit}"),
            Self::Exactly(wanted) => format!("= {wanted}"),
        }
    }
}

/// One measured number.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// What was measured.
    pub name: String,
    /// How much of the unit.
    pub value: f64,
    /// `ms`, `x`, `rows/s`, `MiB`, `count`, …
    pub unit: &'static str,
    /// What it should be; `None`: measured for information.
    pub target: Option<String>,
    /// Whether it is; `None` without a target.
    pub met: Option<bool>,
}

/// All that one bench found out.
#[derive(Debug, Serialize)]
pub struct Report {
    bench: String,
    figures: Vec<Figure>,
    machine: Machine,
    versions: Vec<(String, String)>,
    failures: Vec<String>,
}

impl Report {
    /// An empty report of the bench of this name.
    pub fn new(bench: &str) -> Self {
        Self {
            bench: bench.to_owned(),
            figures: Vec::new(),
            machine: Machine::of_this_process(),
            versions: vec![("deltatree".to_owned(), env!("CARGO_PKG_VERSION").to_owned())],
            failures: Vec::new(),
        }
    }

    /// Adds a figure without a target.
    pub fn figure(&mut self, name: impl Into<String>, value: f64, unit: &'static str) {
        self.figures.push(Figure { name: name.into(), value, unit, target: None, met: None });
    }

    /// Adds a figure with a target.
    pub fn figure_with_target(&mut self, name: impl Into<String>, value: f64, unit: &'static str, target: Target) {
        let met = Some(target.met_by(value));
        self.figures.push(Figure { name: name.into(), value, unit, target: Some(target.text()), met });
    }

    /// Records the version of a peer.
    pub fn version(&mut self, of: &str, version: impl Into<String>) {
        self.versions.push((of.to_owned(), version.into()));
    }

    /// Records something that was wrong: a result that differs, a lost write. The bench goes on and
    /// ends with a failure status.
    pub fn failure(&mut self, what: impl Into<String>) {
        let what = what.into();
        eprintln!("WRONG: {what}");
        self.failures.push(what);
    }

    /// Whether nothing was wrong. A missed target is no failure: it is a result.
    pub fn succeeded(&self) -> bool {
        self.failures.is_empty()
    }

    /// How many things were wrong.
    pub fn failures(&self) -> usize {
        self.failures.len()
    }

    /// Prints the figures; with `json`, one JSON object on the last line.
    ///
    /// # Errors
    /// When a figure cannot be written as JSON.
    pub fn print(&self, json: bool) -> anyhow::Result<()> {
        println!("{}", self.table());
        println!("{}", self.machine);
        for (of, version) in &self.versions {
            println!("{of} {version}");
        }
        for failure in &self.failures {
            println!("WRONG: {failure}");
        }
        if json {
            println!("{}", serde_json::to_string(self)?);
        }
        Ok(())
    }

    fn table(&self) -> Table {
        let mut table = table(&["figure", "value", "unit", "target", "met"]);
        for figure in &self.figures {
            table.add_row([
                figure.name.clone(),
                number(figure.value),
                figure.unit.to_owned(),
                figure.target.clone().unwrap_or_default(),
                match figure.met {
                    None => String::new(),
                    Some(true) => "yes".to_owned(),
                    Some(false) => "NO".to_owned(),
                },
            ]);
        }
        align_right(&mut table, 1..2);
        table
    }
}

/// An empty table with a header, in the style of all reports.
pub fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED).set_header(header.iter().copied());
    table
}

/// Aligns columns of numbers.
pub fn align_right(table: &mut Table, columns: std::ops::Range<usize>) {
    for index in columns {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// A number with about three significant digits, whole when large.
pub fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        0.0 => "0".to_owned(),
        _ => format!("{value:.2}"),
    }
}

/// A time in milliseconds.
pub fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The geometric mean; `None` of nothing.
pub fn geometric_mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.into_iter().fold((0.0, 0_u32), |(sum, count), value| (sum + value.ln(), count + 1));
    (count > 0).then(|| (sum / f64::from(count)).exp())
}

/// The middle value (the lower one of two); `None` of nothing.
pub fn median<T: Ord + Copy>(values: &[T]) -> Option<T> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len().checked_sub(1)? / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_and_medians() {
        assert_eq!(geometric_mean([]), None);
        assert!((geometric_mean([1.0, 4.0]).unwrap() - 2.0).abs() < 1e-12);
        assert_eq!(median::<u8>(&[]), None);
        assert_eq!(median(&[3, 1, 2]), Some(2));
        assert_eq!(median(&[4, 1, 2, 3]), Some(2));
    }

    #[test]
    fn targets_are_judged() {
        assert!(Target::AtMost(1.0).met_by(1.0));
        assert!(!Target::AtMost(1.0).met_by(1.01));
        assert!(!Target::AtLeast(2.0).met_by(1.0));
        assert!(Target::Exactly(0.0).met_by(0.0));
    }

    #[test]
    fn the_json_has_the_agreed_names() {
        let mut report = Report::new("x");
        report.figure_with_target("ratio", 1.07, "x", Target::AtMost(1.1));
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["bench"], "x");
        assert_eq!(
            json["figures"][0],
            serde_json::json!({"name": "ratio", "value": 1.07, "unit": "x", "target": "<= 1.1", "met": true})
        );
        assert!(json["machine"]["cores"].as_u64().unwrap() >= 1);
    }
}
