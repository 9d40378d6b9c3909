//! Bounds of one column over a set of rows.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::types::Value;

/// Bounds and counts of one column over some rows (a zone, a pack).
///
/// A bound that is missing says nothing: the column may be empty or all NULL, or hold NaN at that
/// end, or text whose largest value cannot be cut short. A bound that is there holds for every row
/// that is not NULL; where it is `exact`, some row attains it. Values are ordered as
/// [`Value::compare`] orders them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ZoneMap {
    /// No value that is not NULL is smaller.
    pub min: Option<Value>,
    /// No value that is not NULL is larger.
    pub max: Option<Value>,
    /// Whether `min` is attained.
    pub min_exact: bool,
    /// Whether `max` is attained.
    pub max_exact: bool,
    /// How many rows are NULL.
    pub null_count: u64,
    /// How many rows there are.
    pub rows: u64,
}

impl ZoneMap {
    /// Text bounds are cut to this many bytes.
    pub const PREFIX_BYTES: usize = 32;

    /// A zone of `rows` rows that all hold `value`.
    pub fn constant(value: &Value, rows: u64) -> Self {
        let mut map = Self { rows, ..Self::default() };
        if rows == 0 {
            return map;
        }
        if value.is_null() {
            map.null_count = rows;
        } else {
            map.set_bounds(value.clone(), value.clone());
        }
        map
    }

    /// Takes true bounds, and keeps what is allowed of them: no NaN, no long text.
    pub(super) fn set_bounds(&mut self, min: Value, max: Value) {
        (self.min, self.min_exact) = match min {
            Value::Float(v) if v.is_nan() => (None, false),
            Value::Bytes(b) if b.len() > Self::PREFIX_BYTES => {
                (Some(Value::Bytes(bytes::Bytes::copy_from_slice(&b[..Self::PREFIX_BYTES]))), false)
            }
            v => (Some(v), true),
        };
        (self.max, self.max_exact) = match max {
            Value::Float(v) if v.is_nan() => (None, false),
            Value::Bytes(b) if b.len() > Self::PREFIX_BYTES => {
                (round_up(&b[..Self::PREFIX_BYTES]).map(|b| Value::Bytes(b.into())), false)
            }
            v => (Some(v), true),
        };
    }

    /// Widens this map by further rows of the same column.
    pub fn merge(&mut self, other: &Self) {
        (self.min, self.min_exact) = self.merged_bound(other, |map| (&map.min, map.min_exact), Ordering::Less);
        (self.max, self.max_exact) = self.merged_bound(other, |map| (&map.max, map.max_exact), Ordering::Greater);
        self.null_count += other.null_count;
        self.rows += other.rows;
    }

    /// The outer one of two bounds; none if a side has values but no bound. A tie is attained if one
    /// side attains it.
    fn merged_bound(
        &self,
        other: &Self,
        bound: impl Fn(&Self) -> (&Option<Value>, bool),
        outer: Ordering,
    ) -> (Option<Value>, bool) {
        let ((a, a_exact), (b, b_exact)) = (bound(self), bound(other));
        match (a, b) {
            _ if !self.has_values() => (b.clone(), b_exact),
            _ if !other.has_values() => (a.clone(), a_exact),
            (Some(a), Some(b)) => match a.compare(b) {
                Some(Ordering::Equal) => (Some(a.clone()), a_exact || b_exact),
                Some(order) if order == outer => (Some(a.clone()), a_exact),
                Some(_) => (Some(b.clone()), b_exact),
                None => (None, false),
            },
            (None, _) | (_, None) => (None, false),
        }
    }

    /// Whether some row is not NULL.
    pub fn has_values(&self) -> bool {
        self.null_count < self.rows
    }
}

/// The smallest byte string of at most this length that is larger than everything that starts with
/// `prefix`; none if the prefix is all `ff`.
fn round_up(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|b| *b != 0xff)?;
    let mut up = prefix[..=last].to_vec();
    up[last] += 1;
    Some(up)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(s: &[u8]) -> Value {
        Value::Bytes(s.to_vec().into())
    }

    fn bounds(min: &[u8], max: &[u8]) -> ZoneMap {
        let mut map = ZoneMap { rows: 2, ..ZoneMap::default() };
        map.set_bounds(text(min), text(max));
        map
    }

    #[test]
    fn long_text_is_cut_and_the_maximum_rounded_up() {
        let long = [b'a'; 40];
        let map = bounds(&long, &long);
        let mut up = [b'a'; 32];
        up[31] = b'b';
        assert_eq!(map.min, Some(text(&long[..32])));
        assert_eq!(map.max, Some(text(&up)));
        assert!(!map.min_exact && !map.max_exact);
        let ff = [0xff; 40];
        assert_eq!(bounds(b"a", &ff).max, None);
        assert_eq!(bounds(b"a", b"b").max, Some(text(b"b")));
    }

    #[test]
    fn merging_forgets_a_bound_that_one_side_lacks() {
        let mut map = bounds(b"a", b"b");
        map.merge(&bounds(b"0", &[0xff; 40]));
        assert_eq!((map.min.clone(), map.max.clone()), (Some(text(b"0")), None));
        map.merge(&ZoneMap { rows: 3, null_count: 3, ..ZoneMap::default() });
        assert_eq!((map.min, map.rows, map.null_count), (Some(text(b"0")), 7, 3));
    }

    #[test]
    fn nan_leaves_its_end_open() {
        let mut map = ZoneMap { rows: 2, ..ZoneMap::default() };
        map.set_bounds(Value::Float(1.0), Value::Float(f64::NAN));
        assert_eq!((map.min, map.max), (Some(Value::Float(1.0)), None));
    }
}
