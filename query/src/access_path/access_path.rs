//! The ways to read a table.

use std::fmt;

use bytes::Bytes;
use deltatree_learner::catalog::TableInfo;
use deltatree_storage::types::{KeyRange, RowKey};

use crate::planner::Engine;

/// One way to read the rows of a table that a query asks for. Each may bring more rows than the
/// query's filters keep; the scan filters them.
#[derive(Clone, Debug, PartialEq)]
pub enum AccessPath {
    /// These keys, one by one, from the row store.
    PointGet {
        /// Ascending, distinct.
        keys: Vec<RowKey>,
    },
    /// These key ranges of the row store.
    KeyRange {
        /// Ascending, disjoint.
        ranges: Vec<KeyRange>,
    },
    /// Entries of a secondary index, then the row of each, from the row store.
    IndexRange {
        /// The index's id.
        index: u32,
        /// Its name, for EXPLAIN.
        name: String,
        /// How many leading index columns are compared for equality.
        equal_columns: usize,
        /// Ascending, disjoint.
        ranges: Vec<IndexRange>,
    },
    /// The whole table from the row store.
    RowScan,
    /// The columnar replica, pruned by zone maps.
    ColumnarScan,
}

impl AccessPath {
    /// The copy that it reads.
    pub fn engine(&self) -> Engine {
        match self {
            Self::PointGet { .. } | Self::KeyRange { .. } | Self::IndexRange { .. } | Self::RowScan => Engine::Row,
            Self::ColumnarScan => Engine::Columnar,
        }
    }

    /// Rows that it can read at most, where its keys alone tell.
    pub(super) fn rows_at_most(&self, table: &TableInfo) -> Option<u64> {
        match self {
            Self::PointGet { keys } => Some(keys.len() as u64),
            Self::KeyRange { ranges } => ranges.iter().try_fold(0u64, |rows, range| match (&range.start, &range.end) {
                (Some(RowKey::Int(start)), Some(RowKey::Int(end))) => rows.checked_add(start.abs_diff(*end)),
                _ => None,
            }),
            Self::IndexRange { index, ranges, equal_columns, .. } => {
                let index = table.indexes.iter().find(|i| i.id == *index)?;
                (index.unique && *equal_columns == index.columns.len()).then_some(ranges.len() as u64)
            }
            Self::RowScan | Self::ColumnarScan => None,
        }
    }

    /// The variant's name, as EXPLAIN shows it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::PointGet { .. } => "PointGet",
            Self::KeyRange { .. } => "KeyRange",
            Self::IndexRange { .. } => "IndexRange",
            Self::RowScan => "RowScan",
            Self::ColumnarScan => "ColumnarScan",
        }
    }
}

impl fmt::Display for AccessPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PointGet { keys } => write!(f, "PointGet({} {})", keys.len(), plural(keys.len(), "key", "keys")),
            Self::KeyRange { ranges } => {
                write!(f, "KeyRange({} {})", ranges.len(), plural(ranges.len(), "range", "ranges"))
            }
            Self::IndexRange { name, ranges, .. } => {
                write!(f, "IndexRange({name}, {} {})", ranges.len(), plural(ranges.len(), "range", "ranges"))
            }
            Self::RowScan | Self::ColumnarScan => f.write_str(self.name()),
        }
    }
}

fn plural<'a>(n: usize, one: &'a str, many: &'a str) -> &'a str {
    if n == 1 { one } else { many }
}

/// A range `start ≤ key < end` of an index's entries, by their keys in the row store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexRange {
    /// Smallest key in the range.
    pub start: Bytes,
    /// Smallest key after the range.
    pub end: Bytes,
}
