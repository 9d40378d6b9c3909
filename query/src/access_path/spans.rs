//! What filters say about a key of several columns: ranges of it.

use std::ops::Bound;

use bytes::Bytes;
use deltatree_learner::catalog::IndexInfo;
use deltatree_learner::codec::{index_range, prefix_end};
use deltatree_storage::predicate::Predicate;
use deltatree_storage::types::{KeyRange, RowKey, TableId, Value, memcomparable};

use super::access_path::{AccessPath, IndexRange};
use super::bounds::Bounds;

/// More single keys, or more ranges, than this are not worth enumerating.
pub(super) const POINTS_LIMIT: usize = 1024;

/// What predicates say about the leading columns of a key: equality with each of `prefixes`, and an
/// interval of the column after those.
pub(super) struct Spans {
    /// How many columns are compared for equality.
    pub(super) equal_columns: usize,
    prefixes: Vec<Vec<Value>>,
    next: Option<(End, End)>,
    /// Whether these are all that the predicates say of the columns that they are about.
    exact: bool,
}

/// One end of an interval, if it has one: a value, and whether the value is inside.
type End = Option<(Value, bool)>;

impl Spans {
    /// `None` if nothing is said about the first column.
    pub(super) fn over(positions: &[usize], conjuncts: &[Predicate]) -> Option<Self> {
        let mut spans = Self { equal_columns: 0, prefixes: vec![Vec::new()], next: None, exact: true };
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
                    spans.exact = false;
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

    /// Whether the spans hold no more than what predicates on these columns of the key keep.
    pub(super) fn cover(&self, positions: &[usize], columns: &[usize]) -> bool {
        let bounded = &positions[..self.equal_columns + usize::from(self.next.is_some())];
        self.exact && columns.iter().all(|column| bounded.contains(column))
    }

    /// Whether rows come in the order of the columns after those compared for equality.
    pub(super) fn ordered(&self) -> bool {
        self.prefixes.len() <= 1
    }

    /// The rows of a table whose key has `columns` columns, of which these are spans.
    pub(super) fn row_path(&self, columns: usize) -> AccessPath {
        if self.equal_columns == columns {
            let mut keys: Vec<_> = self.prefixes.iter().map(|p| RowKey::Bytes(encode(p))).collect();
            keys.sort();
            return AccessPath::PointGet { keys };
        }
        let ranges = self.iter().map(|(low, high)| bytes_range(low, high));
        let mut ranges: Vec<_> = ranges.filter(|range| range.end.is_none() || range.start < range.end).collect();
        ranges.sort_by(|a, b| a.start.cmp(&b.start));
        AccessPath::KeyRange { ranges }
    }

    /// The rows that an index finds, of whose columns these are spans.
    pub(super) fn index_path(&self, table: TableId, index: &IndexInfo) -> AccessPath {
        let ranges = self.iter().map(|(low, high)| {
            let (start, end) = index_range(table, index.id, slice(&low), slice(&high));
            IndexRange { start, end }
        });
        let mut ranges: Vec<_> = ranges.filter(|r| r.start < r.end).collect();
        ranges.sort_by(|a, b| a.start.cmp(&b.start));
        let equal_columns = self.equal_columns;
        AccessPath::IndexRange { index: index.id, name: index.name.clone(), equal_columns, ranges }
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

fn slice(bound: &Bound<Vec<Value>>) -> Bound<&[Value]> {
    bound.as_ref().map(Vec::as_slice)
}
