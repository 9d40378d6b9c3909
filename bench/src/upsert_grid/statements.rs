//! The same rows in the peers' SQL.

use std::ops::Range;

use super::workload::{GROUP, KeyShape, Pattern, STRIDE, Workload};
use crate::peer::Package;

/// Statements for one peer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Statements {
    pub(super) package: Package,
    pub(super) workload: Workload,
}

impl Statements {
    /// Makes the table.
    pub(super) fn create(&self) -> String {
        let (columns, key) = match (self.package, self.workload.shape) {
            (Package::DuckDb, KeyShape::Integer) => ("id bigint", "id"),
            (Package::DuckDb, KeyShape::Composite) => ("k1 bigint, k2 bigint", "k1, k2"),
            (Package::DuckDb, KeyShape::String) => ("id varchar", "id"),
            (Package::Chdb, KeyShape::Integer) => ("id Int64", "id"),
            (Package::Chdb, KeyShape::Composite) => ("k1 Int64, k2 Int64", "k1, k2"),
            (Package::Chdb, KeyShape::String) => ("id String", "id"),
        };
        match self.package {
            Package::DuckDb => {
                format!("create table t ({columns}, a bigint, b bigint, c bigint, s varchar, primary key ({key}))")
            }
            Package::Chdb => format!(
                "create table t ({columns}, a Int64, b Int64, c Int64, s String, version UInt64)
                 engine = ReplacingMergeTree(version) order by ({key})"
            ),
        }
    }

    /// Fills it.
    pub(super) fn build(&self) -> String {
        format!("insert into t {}", self.rows("i", "0", 0..self.workload.rows))
    }

    /// Some upserts, in one statement.
    pub(super) fn upsert(&self, upserts: Range<u64>) -> String {
        let rows = self.rows(&self.row_of(), "i + 1", upserts);
        match self.package {
            Package::DuckDb => format!("insert or replace into t {rows}"),
            Package::Chdb => format!("insert into t {rows}"),
        }
    }

    /// Makes an upsert's effect durable and compact, as far as the peer can.
    pub(super) fn settle(&self) -> &'static str {
        match self.package {
            Package::DuckDb => "checkpoint",
            Package::Chdb => "optimize table t final",
        }
    }

    /// What the query reads from.
    pub(super) fn source(&self) -> &'static str {
        match self.package {
            Package::DuckDb => "t",
            Package::Chdb => "t final",
        }
    }

    /// See [`Workload::row_of`].
    fn row_of(&self) -> String {
        let rows = self.workload.rows;
        let scattered = |rows: u64| format!("(i % {rows}) * {STRIDE} % {rows}");
        match self.workload.pattern {
            Pattern::Scattered => scattered(rows),
            Pattern::Hot => {
                let hot = self.workload.hot();
                format!("{} + {}", hot.start, scattered(hot.end - hot.start))
            }
            Pattern::Append => format!("{rows} + i"),
        }
    }

    /// Rows whose number and salt are expressions of `i`, which counts.
    fn rows(&self, row: &str, salt: &str, counted: Range<u64>) -> String {
        let Range { start, end } = counted;
        let (count, half, text) = match self.package {
            Package::DuckDb => (
                format!("select range as i from range({start}, {end})"),
                format!("n // {GROUP}"),
                "lpad(cast(n as varchar), 12, '0')",
            ),
            Package::Chdb => (
                format!("select toInt64(number) as i from numbers({start}, {})", end - start),
                format!("intDiv(n, {GROUP})"),
                "leftPad(toString(n), 12, '0')",
            ),
        };
        let key = match self.workload.shape {
            KeyShape::Integer => "n".to_owned(),
            KeyShape::Composite => format!("{half}, n % {GROUP}"),
            KeyShape::String => format!("concat('user', {text})"),
        };
        let version = if self.package == Package::Chdb { ", salt" } else { "" };
        format!(
            "select {key}, (n + salt) * {STRIDE} % 1009, n % 10007 + salt, n % 100, concat('s', n % 1000){version}
             from (select {row} as n, {salt} as salt from ({count}) as counted) as numbered"
        )
    }
}
