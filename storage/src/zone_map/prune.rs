//! Whether a zone can hold rows that a predicate keeps.
//!
//! For one row a predicate is true, false or NULL. From a zone map follows which of the three *can*
//! occur in the zone; [`prune`] over-approximates that set and reads the verdict from it:
//!
//! | can be true | can be false or NULL | verdict |
//! |---|---|---|
//! | no  | any | [`Verdict::None`]: skip the zone |
//! | yes | no  | [`Verdict::All`]: every row matches, the predicate need not be evaluated |
//! | yes | yes | [`Verdict::Some`]: look |
//!
//! A column without a zone map, or a bound that is missing, can be anything: look. How a comparison
//! with a value `v` turns out, from the bounds `min`, `max` of the values that are not NULL (a NULL
//! row always gives NULL; `E` stands for an exact bound):
//!
//! | op | can be true unless | can be false unless |
//! |---|---|---|
//! | `= v`  | `v < min` or `max < v` | `min = v = max` |
//! | `<> v` | `min = v = max` | `v < min` or `max < v` |
//! | `< v`  | `v ≤ min` | `max < v` |
//! | `≤ v`  | `v < min` | `max ≤ v` |
//! | `> v`  | `max ≤ v` | `v < min` |
//! | `≥ v`  | `max < v` | `v ≤ min` |
//!
//! All of these hold for bounds that are not attained, too: a cut-short minimum is smaller and a
//! rounded-up maximum larger than any value. A comparison with NULL is NULL.

use std::cmp::Ordering;

use super::ZoneMap;
use crate::predicate::{CompareOp, Predicate};
use crate::types::Value;

/// What a zone map says of a predicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// True of every row of the zone.
    All,
    /// True of no row of the zone.
    None,
    /// Unknown: the rows must be looked at.
    Some,
}

/// Holds `predicate` against a zone. `zone_map` gives the map of a column by its position in the
/// schema, or none if nothing is known of it.
pub fn prune<'a>(predicate: &Predicate, zone_map: &dyn Fn(usize) -> Option<&'a ZoneMap>) -> Verdict {
    let can = outcomes(predicate, zone_map);
    match (can.be_true, can.be_false || can.be_null) {
        (false, _) => Verdict::None,
        (true, false) => Verdict::All,
        (true, true) => Verdict::Some,
    }
}

/// The outcomes that cannot be ruled out.
#[derive(Clone, Copy)]
struct Outcomes {
    be_true: bool,
    be_false: bool,
    be_null: bool,
}

impl Outcomes {
    const UNKNOWN: Self = Self { be_true: true, be_false: true, be_null: true };
    const TRUE: Self = Self { be_true: true, be_false: false, be_null: false };

    fn not(self) -> Self {
        Self { be_true: self.be_false, be_false: self.be_true, ..self }
    }

    /// False wins over NULL, NULL over true; sides are taken as independent of each other.
    fn and(self, other: Self) -> Self {
        Self {
            be_true: self.be_true && other.be_true,
            be_false: self.be_false || other.be_false,
            be_null: (self.be_null && (other.be_null || other.be_true)) || (other.be_null && self.be_true),
        }
    }
}

fn outcomes<'a>(predicate: &Predicate, zone_map: &dyn Fn(usize) -> Option<&'a ZoneMap>) -> Outcomes {
    match predicate {
        Predicate::Compare { column, op, value } => of_column(*column, zone_map, |map| compare(map, *op, value)),
        // Even NULL is not in an empty list.
        Predicate::In { values, .. } if values.is_empty() => Outcomes::TRUE.not(),
        Predicate::In { column, values } => of_column(*column, zone_map, |map| contained(map, values)),
        Predicate::IsNull { column } => is_null(*column, zone_map),
        Predicate::IsNotNull { column } => is_null(*column, zone_map).not(),
        Predicate::And(parts) => parts.iter().fold(Outcomes::TRUE, |all, p| all.and(outcomes(p, zone_map))),
        Predicate::Or(parts) => {
            parts.iter().fold(Outcomes::TRUE, |none, p| none.and(outcomes(p, zone_map).not())).not()
        }
        Predicate::Not(inner) => outcomes(inner, zone_map).not(),
    }
}

fn is_null<'a>(column: usize, zone_map: &dyn Fn(usize) -> Option<&'a ZoneMap>) -> Outcomes {
    let Some(map) = zone_map(column) else { return Outcomes { be_null: false, ..Outcomes::UNKNOWN } };
    Outcomes { be_true: map.null_count > 0, be_false: map.has_values(), be_null: false }
}

/// The outcomes over the values that are not NULL, by `of_values`, and over those that are.
fn of_column<'a>(
    column: usize,
    zone_map: &dyn Fn(usize) -> Option<&'a ZoneMap>,
    of_values: impl Fn(&ZoneMap) -> Outcomes,
) -> Outcomes {
    let Some(map) = zone_map(column) else { return Outcomes::UNKNOWN };
    let values =
        if map.has_values() { of_values(map) } else { Outcomes { be_true: false, be_false: false, be_null: false } };
    Outcomes { be_null: values.be_null || map.null_count > 0, ..values }
}

fn compare(map: &ZoneMap, op: CompareOp, value: &Value) -> Outcomes {
    if value.is_null() {
        return Outcomes { be_true: false, be_false: false, be_null: true };
    }
    let (low, high) = (order(value, &map.min), order(value, &map.max));
    let below = low == Some(Ordering::Less);
    let above = high == Some(Ordering::Greater);
    let at_or_below_min = matches!(low, Some(Ordering::Less | Ordering::Equal));
    let at_or_above_max = matches!(high, Some(Ordering::Greater | Ordering::Equal));
    let only = low == Some(Ordering::Equal) && high == Some(Ordering::Equal);
    let (never, always) = match op {
        CompareOp::Eq => (below || above, only),
        CompareOp::NotEq => (only, below || above),
        CompareOp::Lt => (at_or_below_min, above),
        CompareOp::LtEq => (below, at_or_above_max),
        CompareOp::Gt => (at_or_above_max, below),
        CompareOp::GtEq => (above, at_or_below_min),
    };
    Outcomes { be_true: !never, be_false: !always, be_null: false }
}

fn contained(map: &ZoneMap, values: &[Value]) -> Outcomes {
    // The first listed value at or above the minimum must not lie above the maximum.
    let first = match &map.min {
        Some(min) => values.partition_point(|v| v.compare(min) == Some(Ordering::Less)),
        None => 0,
    };
    let candidate = values.get(first);
    let never = candidate.is_none_or(|v| order(v, &map.max) == Some(Ordering::Greater));
    let only = |v: &Value| order(v, &map.min) == Some(Ordering::Equal) && order(v, &map.max) == Some(Ordering::Equal);
    Outcomes { be_true: !never, be_false: !candidate.is_some_and(only), be_null: false }
}

fn order(value: &Value, bound: &Option<Value>) -> Option<Ordering> {
    value.compare(bound.as_ref()?)
}
