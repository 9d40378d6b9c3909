//! What a path costs, in microseconds of one core plus the wait for freshness.
//!
//! The model is small on purpose: every figure it uses is known before the query runs, and most of
//! them exactly (rows, zones and bytes come from the snapshot's zone maps under the query's own
//! predicates). What it does not know is how selective an index range is; that is read off the
//! column's bounds and number of distinct values, under the usual assumption that values are evenly
//! spread.

use deltatree_learner::catalog::TableInfo;
use deltatree_storage::api::{ColumnStatistics, ScanEstimate};
use deltatree_storage::predicate::Predicate;
use deltatree_storage::types::{KeyRange, RowKey, Value};

use super::access_path::AccessPath;
use super::bounds::Bounds;

/// One random read of the row store, µs.
const POINT_GET_US: f64 = 5.0;
/// Finding the start of a range in the row store, µs.
const ROW_SEEK_US: f64 = 12.0;
/// Reading and decoding one row of a row-store range, µs.
const ROW_SCAN_US: f64 = 0.45;
/// Decoding one column of a row from the row store, µs.
const ROW_CELL_US: f64 = 0.03;
/// Reading one index entry, µs.
const INDEX_ENTRY_US: f64 = 0.3;
/// Opening a columnar scan, µs.
const COLUMNAR_START_US: f64 = 60.0;
/// Looking at the zone maps of one zone, µs.
const ZONE_CHECK_US: f64 = 0.1;
/// Visibility and filtering of one row in a zone that is read, µs.
const COLUMNAR_ROW_US: f64 = 0.002;
/// Decoding encoded column bytes, µs a byte.
const COLUMNAR_BYTE_US: f64 = 0.0004;
/// Part of the rows that a filter of unknown selectivity keeps.
const UNKNOWN_SELECTIVITY: f64 = 1.0 / 3.0;
/// Rows that one value of an index selects when the number of distinct values is unknown.
const UNKNOWN_ROWS_PER_VALUE: f64 = 10.0;
/// Rows of a table that nothing is known about.
const UNKNOWN_ROWS: f64 = 10_000.0;

/// What is known about a table when its paths are priced.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Rows of the table; `None` if the table has no columnar replica to tell.
    pub rows: Option<u64>,
    /// Figures of each column, empty if unknown.
    pub columns: Vec<ColumnStatistics>,
    /// What a columnar scan would touch.
    pub columnar: Option<ScanEstimate>,
    /// Columns that the query reads.
    pub columns_read: usize,
    /// Expected wait until the columnar replica has caught up, µs.
    pub gate_wait_us: f64,
    /// No columnar replica can be reached, whatever the table's definition says.
    pub no_columnar: bool,
}

impl Facts {
    fn table_rows(&self) -> f64 {
        self.rows.map_or(UNKNOWN_ROWS, |rows| rows as f64)
    }

    fn row_us(&self) -> f64 {
        ROW_SCAN_US + ROW_CELL_US * self.columns_read as f64
    }
}

/// Rows that `path` reads, and microseconds that it takes.
pub fn price(path: &AccessPath, table: &TableInfo, conjuncts: &[Predicate], facts: &Facts) -> (f64, f64) {
    match path {
        AccessPath::PointGet { keys } => {
            let rows = keys.len() as f64;
            (rows, rows * (POINT_GET_US + facts.row_us()))
        }
        AccessPath::KeyRange { ranges } => {
            let rows = key_range_rows(table, ranges, conjuncts, facts).min(facts.table_rows());
            (rows, ranges.len() as f64 * ROW_SEEK_US + rows * facts.row_us())
        }
        AccessPath::IndexRange { index, ranges, equal_columns, .. } => {
            let rows =
                index_rows(table, *index, *equal_columns, ranges.len(), conjuncts, facts).min(facts.table_rows());
            (rows, ranges.len() as f64 * ROW_SEEK_US + rows * (INDEX_ENTRY_US + POINT_GET_US + facts.row_us()))
        }
        AccessPath::RowScan => {
            let rows = facts.table_rows();
            (rows, ROW_SEEK_US + rows * facts.row_us())
        }
        AccessPath::ColumnarScan => {
            let estimate = facts.columnar.unwrap_or_default();
            (estimate.rows_kept as f64, facts.gate_wait_us + columnar_us(&estimate))
        }
    }
}

/// Microseconds of work of a columnar scan, without the wait for freshness.
pub fn columnar_us(estimate: &ScanEstimate) -> f64 {
    let read = estimate.rows_kept as f64 * COLUMNAR_ROW_US + estimate.bytes_kept as f64 * COLUMNAR_BYTE_US;
    COLUMNAR_START_US + estimate.zones_total as f64 * ZONE_CHECK_US + read
}

fn key_range_rows(table: &TableInfo, ranges: &[KeyRange], conjuncts: &[Predicate], facts: &Facts) -> f64 {
    let rows = facts.table_rows();
    let positions = table.primary_key_positions();
    let Some(&first) = positions.first() else { return rows };
    if let (1, Some(statistics)) = (positions.len(), facts.columns.get(first))
        && let (Some(min), Some(max)) =
            (statistics.min.as_ref().and_then(number), statistics.max.as_ref().and_then(number))
    {
        return ranges.iter().map(|r| rows * integer_fraction(table, r, min, max)).sum();
    }
    ranges.len() as f64 * rows * leading_selectivity(&positions, conjuncts, facts)
}

/// Part of the keys between `min` and `max` that lie in `range`.
fn integer_fraction(table: &TableInfo, range: &KeyRange, min: f64, max: f64) -> f64 {
    let unsigned = matches!(
        table.primary_key_positions().first().map(|&i| table.columns[i].sql_type.stored().arrow()),
        Some(t) if t.is_unsigned_integer()
    );
    let place = |key: &Option<RowKey>, open: f64| match key {
        Some(RowKey::Int(v)) if unsigned => ((*v as u64) ^ (1 << 63)) as f64,
        Some(RowKey::Int(v)) => *v as f64,
        Some(RowKey::Bytes(_)) | None => open,
    };
    let (start, end) = (place(&range.start, min).max(min), place(&range.end, max + 1.0).min(max + 1.0));
    ((end - start) / (max - min + 1.0)).clamp(0.0, 1.0)
}

fn index_rows(
    table: &TableInfo,
    index: u32,
    equal_columns: usize,
    ranges: usize,
    conjuncts: &[Predicate],
    facts: &Facts,
) -> f64 {
    let Some(index) = table.indexes.iter().find(|i| i.id == index) else { return facts.table_rows() };
    if index.unique && equal_columns == index.columns.len() {
        return ranges as f64;
    }
    let positions: Vec<_> = index.columns.iter().filter_map(|c| table.position_of(*c)).collect();
    if facts.columns.is_empty() && equal_columns > 0 {
        return ranges as f64 * UNKNOWN_ROWS_PER_VALUE;
    }
    ranges as f64 * facts.table_rows() * leading_selectivity(&positions, conjuncts, facts)
}

/// Part of the rows that one combination of the leading key columns' values (or the interval of the
/// last bounded one) selects.
fn leading_selectivity(positions: &[usize], conjuncts: &[Predicate], facts: &Facts) -> f64 {
    let mut selectivity = 1.0;
    for &position in positions {
        let statistics = facts.columns.get(position);
        match Bounds::of(position, conjuncts) {
            Some(Bounds::Values(_)) => {
                let distinct = statistics.and_then(|s| s.distinct).unwrap_or(1).max(1) as f64;
                selectivity /=
                    distinct.max(if statistics.is_none() { facts.table_rows() / UNKNOWN_ROWS_PER_VALUE } else { 1.0 });
            }
            Some(Bounds::Interval { low, high }) => {
                return selectivity
                    * statistics.and_then(|s| interval_fraction(s, &low, &high)).unwrap_or(UNKNOWN_SELECTIVITY);
            }
            None => break,
        }
    }
    selectivity
}

/// Part of the values between the column's bounds that lie in the interval.
fn interval_fraction(
    statistics: &ColumnStatistics,
    low: &Option<(Value, bool)>,
    high: &Option<(Value, bool)>,
) -> Option<f64> {
    let (min, max) = (number(statistics.min.as_ref()?)?, number(statistics.max.as_ref()?)?);
    let start = low.as_ref().map_or(Some(min), |(v, _)| number(v))?.max(min);
    let end = high.as_ref().map_or(Some(max), |(v, _)| number(v))?.min(max);
    if max <= min {
        return Some(if start <= end { 1.0 } else { 0.0 });
    }
    Some(((end - start) / (max - min)).clamp(0.0, 1.0))
}

/// A value on a line, for those that have a place there.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(v) => Some(*v as f64),
        Value::UInt(v) => Some(*v as f64),
        Value::Float(v) => Some(*v),
        Value::Decimal(v) => Some(*v as f64),
        Value::Null | Value::BigDecimal(_) | Value::Bytes(_) => None,
    }
}
