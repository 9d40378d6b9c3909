//! Which rows are touched in which order, and what is in them.
//!
//! Rows are numbered in key order; upserts are numbered in order of time, and upsert `u` is the only
//! one of timestamp `u + 2`. Everything follows from these two numbers by arithmetic that every peer's
//! SQL has, too.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, Int64Array, StringViewArray, UInt64Array};
use clap::ValueEnum;
use deltatree_storage::pack::PackRows;
use deltatree_storage::types::{
    ColumnId, ColumnSchema, KeyArray, KeyKind, StoredType, TableId, TableSchema, Value, memcomparable,
};

/// Rows of a batch, where nothing else is said.
pub(super) const BATCH: u64 = 10_000;
/// A prime that no table's row count is a multiple of: steps of it visit all rows, scattered.
pub(super) const STRIDE: u64 = 2_147_483_647;
/// Rows that share the first half of a composite key.
pub(super) const GROUP: u64 = 1_000;
/// Rows built at a time.
const BUILD_ROWS: u64 = 65_536;

/// What the primary key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum KeyShape {
    /// One 64-bit integer.
    Integer,
    /// Two of them.
    Composite,
    /// A text of 16 characters.
    String,
}

/// Which rows are updated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Pattern {
    /// Each row once before any row a second time, far apart.
    Scattered,
    /// A tenth of the table, in the middle, over and over.
    Hot,
    /// New rows after the last.
    Append,
}

impl KeyShape {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Composite => "composite",
            Self::String => "string",
        }
    }

    fn key_columns(self) -> &'static [(&'static str, StoredType)] {
        match self {
            Self::Integer => &[("id", StoredType::Int64)],
            Self::Composite => &[("k1", StoredType::Int64), ("k2", StoredType::Int64)],
            Self::String => &[("id", StoredType::Utf8)],
        }
    }
}

impl Pattern {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Scattered => "scattered",
            Self::Hot => "hot range",
            Self::Append => "append",
        }
    }
}

/// A table and the upserts into it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Workload {
    pub(super) shape: KeyShape,
    pub(super) pattern: Pattern,
    /// Rows of the table before the first upsert.
    pub(super) rows: u64,
}

impl Workload {
    /// The rows of the hot range.
    pub(super) fn hot(&self) -> Range<u64> {
        let len = (self.rows / 10).max(BATCH).min(self.rows);
        let start = (self.rows - len) / 2;
        start..start + len
    }

    /// The row that an upsert touches.
    pub(super) fn row_of(&self, upsert: u64) -> u64 {
        let scattered = |rows: u64| (upsert % rows) * STRIDE % rows;
        match self.pattern {
            Pattern::Scattered => scattered(self.rows),
            Pattern::Hot => self.hot().start + scattered(self.hot().end - self.hot().start),
            Pattern::Append => self.rows + upsert,
        }
    }

    /// Rows of the table after so many upserts.
    pub(super) fn rows_after(&self, upserts: u64) -> u64 {
        match self.pattern {
            Pattern::Scattered | Pattern::Hot => self.rows,
            Pattern::Append => self.rows + upserts,
        }
    }

    /// The table: key columns, then `a`, `b`, `c`, `s`.
    pub(super) fn schema(&self) -> TableSchema {
        let values =
            [("a", StoredType::Int64), ("b", StoredType::Int64), ("c", StoredType::Int64), ("s", StoredType::Utf8)];
        let columns = self.shape.key_columns().iter().chain(&values).zip(0..).map(|((name, data_type), id)| {
            let default =
                if *data_type == StoredType::Utf8 { Value::Bytes(bytes::Bytes::new()) } else { Value::Int(0) };
            ColumnSchema { id: ColumnId(id), name: (*name).to_owned(), data_type: *data_type, nullable: false, default }
        });
        let integer = self.shape == KeyShape::Integer;
        TableSchema {
            table: TableId(1),
            version: 1,
            key: if integer { KeyKind::Int } else { KeyKind::Bytes },
            key_column: integer.then_some(0),
            columns: columns.collect(),
        }
    }

    /// The table's first content, in key order.
    pub(super) fn first_rows(self) -> impl Iterator<Item = PackRows> {
        let step = usize::try_from(BUILD_ROWS).unwrap_or(usize::MAX);
        (0..self.rows).step_by(step).map(move |start| {
            let rows: Vec<(u64, u64)> = (start..self.rows.min(start + BUILD_ROWS)).map(|row| (row, 0)).collect();
            let ts = UInt64Array::from_value(1, rows.len());
            self.assemble(&rows, ts)
        })
    }

    /// Some upserts.
    pub(super) fn upserts(&self, upserts: Range<u64>) -> PackRows {
        let rows: Vec<(u64, u64)> = upserts.clone().map(|upsert| (self.row_of(upsert), upsert + 1)).collect();
        self.assemble(&rows, UInt64Array::from_iter_values(upserts.map(|upsert| upsert + 2)))
    }

    /// Rows by number and *salt*, which tells a row's versions apart.
    fn assemble(&self, rows: &[(u64, u64)], commit_ts: UInt64Array) -> PackRows {
        let integers = |of: &dyn Fn(u64, u64) -> u64| -> ArrayRef {
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|(row, salt)| of(*row, *salt).cast_signed())))
        };
        let texts = |of: &dyn Fn(u64) -> String| -> ArrayRef {
            Arc::new(StringViewArray::from_iter_values(rows.iter().map(|(row, _)| of(*row))))
        };
        let mut columns: Vec<ArrayRef> = match self.shape {
            KeyShape::Integer => vec![integers(&|row, _| row)],
            KeyShape::Composite => vec![integers(&|row, _| row / GROUP), integers(&|row, _| row % GROUP)],
            KeyShape::String => vec![texts(&key_text)],
        };
        columns.extend([
            integers(&|row, salt| (row + salt) * STRIDE % 1_009),
            integers(&|row, salt| row % 10_007 + salt),
            integers(&|row, _| row % 100),
            texts(&|row| format!("s{}", row % 1_000)),
        ]);
        PackRows { keys: self.keys(rows), commit_ts, tombstones: None, columns }
    }

    fn keys(&self, rows: &[(u64, u64)]) -> KeyArray {
        let encoded = |values: &dyn Fn(u64) -> Vec<Value>| {
            KeyArray::Bytes(BinaryArray::from_iter_values(rows.iter().map(|(row, _)| {
                let mut key = Vec::new();
                values(*row).iter().for_each(|value| memcomparable::encode(&mut key, value));
                key
            })))
        };
        let int = |number: u64| Value::Int(number.cast_signed());
        match self.shape {
            KeyShape::Integer => KeyArray::Int(rows.iter().map(|(row, _)| row.cast_signed()).collect()),
            KeyShape::Composite => encoded(&|row| vec![int(row / GROUP), int(row % GROUP)]),
            KeyShape::String => encoded(&|row| vec![Value::Bytes(key_text(row).into())]),
        }
    }
}

fn key_text(row: u64) -> String {
    format!("user{row:012}")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn workload(pattern: Pattern) -> Workload {
        Workload { shape: KeyShape::Integer, pattern, rows: 50_000 }
    }

    #[test]
    fn scattered_upserts_visit_every_row_once_and_not_in_order() {
        let scattered = workload(Pattern::Scattered);
        let visited: Vec<u64> = (0..50_000).map(|u| scattered.row_of(u)).collect();
        assert_eq!(visited.iter().collect::<HashSet<_>>().len(), 50_000);
        let near = visited.windows(2).filter(|w| w[0].abs_diff(w[1]) < 1_000).count();
        assert!(near < 100, "{near} neighbours in time are neighbours in the table");
    }

    #[test]
    fn the_hot_range_is_a_tenth_and_no_batch_has_a_row_twice() {
        let hot = workload(Pattern::Hot);
        let visited: HashSet<u64> = (7..7 + BATCH).map(|u| hot.row_of(u)).collect();
        assert_eq!(visited.len() as u64, BATCH);
        assert!(visited.iter().all(|row| hot.hot().contains(row)));
    }

    #[test]
    fn rows_of_every_shape_are_in_key_order_and_fit_the_schema() {
        for shape in [KeyShape::Integer, KeyShape::Composite, KeyShape::String] {
            let workload = Workload { shape, pattern: Pattern::Append, rows: 3_000 };
            let rows = workload.first_rows().next().unwrap();
            assert!((1..rows.len()).all(|i| rows.keys.get(i - 1) < rows.keys.get(i)), "{shape:?}");
            assert!(rows.keys.get(2_999) < workload.upserts(0..1).keys.get(0), "{shape:?}");
            let types: Vec<_> = workload.schema().columns.iter().map(|c| c.data_type.arrow()).collect();
            assert_eq!(rows.columns.iter().map(|c| c.data_type().clone()).collect::<Vec<_>>(), types);
        }
    }
}
