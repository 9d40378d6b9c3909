//! The legal paths for a table and its filters.

use deltatree_learner::catalog::{IndexInfo, PrimaryKey, TableInfo};
use deltatree_storage::predicate::Predicate;
use deltatree_storage::types::{KeyRange, RowKey, Value};

use super::access_path::AccessPath;
use super::bounds::Bounds;
use super::spans::{POINTS_LIMIT, Spans};

/// Every path by which the rows that `conjuncts` keep can be read: keyed ones first, then the row
/// scan, then the columnar replica if the table has one.
pub fn candidates(table: &TableInfo, conjuncts: &[Predicate]) -> Vec<AccessPath> {
    let mut paths: Vec<_> = primary_key_path(table, conjuncts).into_iter().collect();
    paths.extend(table.indexes.iter().filter_map(|index| index_path(table, index, conjuncts)));
    paths.push(AccessPath::RowScan);
    if table.columnar {
        paths.push(AccessPath::ColumnarScan);
    }
    paths
}

fn primary_key_path(table: &TableInfo, conjuncts: &[Predicate]) -> Option<AccessPath> {
    match &table.primary_key {
        PrimaryKey::Integer { column } => integer_key_path(Bounds::of(table.position_of(*column)?, conjuncts)?),
        PrimaryKey::Columns { columns } => {
            let positions = columns.iter().map(|c| table.position_of(*c)).collect::<Option<Vec<_>>>()?;
            Some(Spans::over(&positions, conjuncts)?.row_path(positions.len()))
        }
        PrimaryKey::Hidden => None,
    }
}

pub(super) fn integer_key_path(bounds: Bounds) -> Option<AccessPath> {
    match bounds {
        Bounds::Values(values) if values.len() <= POINTS_LIMIT => {
            let mut keys = values.iter().map(integer_key).collect::<Option<Vec<_>>>()?;
            keys.sort();
            Some(AccessPath::PointGet { keys: keys.into_iter().map(RowKey::Int).collect() })
        }
        Bounds::Values(values) => {
            let range = integer_range(values.first().map(|v| (v, true)), values.last().map(|v| (v, true)))?;
            Some(AccessPath::KeyRange { ranges: vec![range] })
        }
        Bounds::Interval { low, high } => {
            let range = integer_range(low.as_ref().map(|(v, i)| (v, *i)), high.as_ref().map(|(v, i)| (v, *i)))?;
            Some(AccessPath::KeyRange { ranges: if range.is_empty() { Vec::new() } else { vec![range] } })
        }
    }
}

/// The row key of an integer primary key's value.
fn integer_key(value: &Value) -> Option<i64> {
    match value {
        Value::Int(v) => Some(*v),
        Value::UInt(v) => Some((v ^ (1 << 63)) as i64),
        Value::Null | Value::Float(_) | Value::Decimal(_) | Value::BigDecimal(_) | Value::Bytes(_) => None,
    }
}

fn integer_range(low: Option<(&Value, bool)>, high: Option<(&Value, bool)>) -> Option<KeyRange> {
    // The key after the largest one does not exist: an end there is open, a start there is empty.
    let after = |key: i64| key.checked_add(1).map(RowKey::Int);
    let start = match low {
        None => None,
        Some((value, true)) => Some(RowKey::Int(integer_key(value)?)),
        Some((value, false)) => match after(integer_key(value)?) {
            Some(start) => Some(start),
            None => return Some(KeyRange { start: Some(RowKey::Int(0)), end: Some(RowKey::Int(0)) }),
        },
    };
    let end = match high {
        None => None,
        Some((value, false)) => Some(RowKey::Int(integer_key(value)?)),
        Some((value, true)) => after(integer_key(value)?),
    };
    Some(KeyRange { start, end })
}

fn index_path(table: &TableInfo, index: &IndexInfo, conjuncts: &[Predicate]) -> Option<AccessPath> {
    let positions = index.columns.iter().map(|c| table.position_of(*c)).collect::<Option<Vec<_>>>()?;
    Some(Spans::over(&positions, conjuncts)?.index_path(table.id, index))
}
