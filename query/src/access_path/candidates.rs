//! The legal paths for a table and its filters.

use std::ops::Bound;

use bytes::Bytes;
use deltatree_learner::catalog::{IndexInfo, PrimaryKey, TableInfo};
use deltatree_learner::codec::{index_range, prefix_end};
use deltatree_storage::predicate::Predicate;
use deltatree_storage::types::{KeyRange, RowKey, Value, memcomparable};

use super::access_path::{AccessPath, IndexRange};
use super::bounds::Bounds;

/// More single keys, or more ranges, than this are not worth enumerating.
const POINTS_LIMIT: usize = 1024;

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
            let spans = Spans::over(&positions, conjuncts)?;
            if spans.equal_columns == positions.len() {
                let mut keys: Vec<_> = spans.prefixes.iter().map(|p| RowKey::Bytes(encode(p))).collect();
                keys.sort();
                return Some(AccessPath::PointGet { keys });
            }
            let mut ranges: Vec<_> = spans.iter().map(|(low, high)| bytes_range(low, high)).collect();
            ranges.sort_by(|a, b| a.start.cmp(&b.start));
            Some(AccessPath::KeyRange { ranges })
        }
        PrimaryKey::Hidden => None,
    }
}

fn integer_key_path(bounds: Bounds) -> Option<AccessPath> {
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
    let spans = Spans::over(&positions, conjuncts)?;
    let mut ranges: Vec<_> = spans
        .iter()
        .map(|(low, high)| {
            let (start, end) = index_range(table.id, index.id, slice(&low), slice(&high));
            IndexRange { start, end }
        })
        .filter(|r| r.start < r.end)
        .collect();
    ranges.sort_by(|a, b| a.start.cmp(&b.start));
    let equal_columns = spans.equal_columns;
    Some(AccessPath::IndexRange { index: index.id, name: index.name.clone(), equal_columns, ranges })
}

fn slice(bound: &Bound<Vec<Value>>) -> Bound<&[Value]> {
    bound.as_ref().map(Vec::as_slice)
}

/// What predicates say about the leading columns of a key: equality with each of `prefixes`, and an
/// interval of the column after those.
struct Spans {
    equal_columns: usize,
    prefixes: Vec<Vec<Value>>,
    next: Option<(End, End)>,
}

/// One end of an interval, if it has one: a value, and whether the value is inside.
type End = Option<(Value, bool)>;

impl Spans {
    /// `None` if nothing is said about the first column.
    fn over(positions: &[usize], conjuncts: &[Predicate]) -> Option<Self> {
        let mut spans = Self { equal_columns: 0, prefixes: vec![Vec::new()], next: None };
        for &position in positions {
            match Bounds::of(position, conjuncts) {
                Some(Bounds::Values(values)) if values.len().saturating_mul(spans.prefixes.len()) <= POINTS_LIMIT => {
                    spans.equal_columns += 1;
                    spans.prefixes = spans
                        .prefixes
                        .iter()
                        .flat_map(|prefix| values.iter().map(|v| prefix.iter().chain([v]).cloned().collect()))
                        .collect();
                }
                Some(Bounds::Values(values)) => {
                    spans.next =
                        Some((values.first().map(|v| (v.clone(), true)), values.last().map(|v| (v.clone(), true))));
                    break;
                }
                Some(Bounds::Interval { low, high }) => {
                    spans.next = Some((low, high));
                    break;
                }
                None => break,
            }
        }
        (spans.equal_columns > 0 || spans.next.is_some()).then_some(spans)
    }

    /// Bounds of each range, as leading values of the key.
    fn iter(&self) -> impl Iterator<Item = (Bound<Vec<Value>>, Bound<Vec<Value>>)> + '_ {
        self.prefixes.iter().map(|prefix| {
            let with = |value: &Value| prefix.iter().cloned().chain([value.clone()]).collect::<Vec<_>>();
            let Some((low, high)) = &self.next else {
                return (Bound::Included(prefix.clone()), Bound::Included(prefix.clone()));
            };
            let low = match low {
                Some((value, true)) => Bound::Included(with(value)),
                Some((value, false)) => Bound::Excluded(with(value)),
                // NULL sorts first and satisfies no comparison.
                None => Bound::Excluded(with(&Value::Null)),
            };
            let high = match high {
                Some((value, true)) => Bound::Included(with(value)),
                Some((value, false)) => Bound::Excluded(with(value)),
                None if prefix.is_empty() => Bound::Unbounded,
                None => Bound::Included(prefix.clone()),
            };
            (low, high)
        })
    }
}

fn bytes_range(low: Bound<Vec<Value>>, high: Bound<Vec<Value>>) -> KeyRange {
    let start = match low {
        Bound::Included(values) => Some(encode(&values)),
        Bound::Excluded(values) => Some(prefix_end(&encode(&values))),
        Bound::Unbounded => None,
    };
    let end = match high {
        Bound::Included(values) => Some(prefix_end(&encode(&values))),
        Bound::Excluded(values) => Some(encode(&values)),
        Bound::Unbounded => None,
    };
    KeyRange { start: start.map(RowKey::Bytes), end: end.map(RowKey::Bytes) }
}

/// The leading part of a composite key that starts with `values`.
fn encode(values: &[Value]) -> Bytes {
    let mut out = Vec::with_capacity(values.len() * 10);
    for value in values {
        match value {
            // Negative zero equals zero, and keys know only the latter.
            Value::Float(v) if *v == 0.0 => memcomparable::encode(&mut out, &Value::Float(0.0)),
            value => memcomparable::encode(&mut out, value),
        }
    }
    out.into()
}
