//! The scripts of `sysbench` that are run, and what it says of a run.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail};

/// A script.
#[derive(Clone, Copy, Debug)]
pub(super) struct Workload {
    /// Its name without `oltp_`.
    pub(super) name: &'static str,
    /// How many times as fast as MariaDB it should be with 64 connections.
    pub(super) target: Option<f64>,
}

/// All of them.
pub(super) const WORKLOADS: [Workload; 4] = [
    Workload { name: "point_select", target: Some(1.0) },
    Workload { name: "read_only", target: None },
    Workload { name: "read_write", target: Some(0.7) },
    Workload { name: "update_non_index", target: Some(1.0) },
];

/// One run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Outcome {
    pub(super) transactions: u64,
    pub(super) per_second: f64,
    /// 95th percentile of the latency, in milliseconds.
    pub(super) p95_ms: f64,
}

/// How `sysbench` reaches a server, and the size of its table.
#[derive(Clone, Debug)]
pub(super) struct Driver {
    /// `--mysql-host=…` and the like.
    pub(super) options: Vec<String>,
    pub(super) rows: u64,
}

impl Driver {
    /// Fills the table.
    ///
    /// # Errors
    /// With what `sysbench` said.
    pub(super) fn prepare(&self) -> anyhow::Result<()> {
        self.sysbench("oltp_read_write", "prepare", &[]).map(drop)
    }

    /// Runs a script.
    ///
    /// # Errors
    /// With what `sysbench` said.
    pub(super) fn run(&self, workload: Workload, threads: usize, time: Duration) -> anyhow::Result<Outcome> {
        let options = [format!("--threads={threads}"), format!("--time={}", time.as_secs().max(1))];
        let text = self.sysbench(&format!("oltp_{}", workload.name), "run", &options)?;
        outcome(&text).with_context(|| format!("sysbench said:\n{text}"))
    }

    fn sysbench(&self, script: &str, command: &str, options: &[String]) -> anyhow::Result<String> {
        let output = Command::new("sysbench")
            .arg(script)
            .args(&self.options)
            .args(["--tables=1".into(), format!("--table-size={}", self.rows)])
            .args(options)
            .arg(command)
            .output()
            .context("cannot run sysbench")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            let errors = String::from_utf8_lossy(&output.stderr);
            bail!("sysbench {script} {command} failed:\n{text}{errors}");
        }
        Ok(text)
    }
}

/// Whether the program is there.
pub(super) fn installed() -> bool {
    Command::new("sysbench").arg("--version").output().is_ok_and(|output| output.status.success())
}

fn outcome(text: &str) -> Option<Outcome> {
    let after = |label: &str| text.lines().find_map(|line| line.trim().strip_prefix(label));
    let mut words = after("transactions:")?.split_whitespace();
    let transactions = words.next()?.parse().ok()?;
    let per_second = words.next()?.trim_start_matches('(').parse().ok()?;
    let p95_ms = after("95th percentile:")?.trim().parse().ok()?;
    Some(Outcome { transactions, per_second, p95_ms })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_sysbench_prints() {
        let text = "    transactions:                        2262   (452.19 per sec.)\n    queries: 1\n\
                    Latency (ms):\n         95th percentile:                        2.39\n";
        let expected = Outcome { transactions: 2262, per_second: 452.19, p95_ms: 2.39 };
        assert_eq!(outcome(text), Some(expected));
        assert_eq!(outcome("FATAL: unable to connect"), None);
    }
}
