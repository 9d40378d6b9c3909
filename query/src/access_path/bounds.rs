//! What a list of predicates says about one column: a set of values, or an interval.

use std::cmp::Ordering;

use deltatree_storage::predicate::{CompareOp, Predicate};
use deltatree_storage::types::Value;

/// Values that a column must have for a row to be kept. NULL is never among them.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Bounds {
    /// One of these, ascending and distinct. Empty: no row is kept.
    Values(Vec<Value>),
    /// Between the two, at least one of which is given.
    Interval {
        /// The lower end, and whether it belongs to the interval.
        low: Option<(Value, bool)>,
        /// The upper end, and whether it belongs to the interval.
        high: Option<(Value, bool)>,
    },
}

impl Bounds {
    /// What `conjuncts` together say about `column`; `None` if nothing.
    pub(super) fn of(column: usize, conjuncts: &[Predicate]) -> Option<Self> {
        conjuncts.iter().filter_map(|p| Self::of_one(column, p)).reduce(Self::intersect)
    }

    fn of_one(column: usize, predicate: &Predicate) -> Option<Self> {
        match predicate {
            Predicate::Compare { column: c, op, value } if *c == column && !value.is_null() => {
                let end = |inclusive| Some((value.clone(), inclusive));
                match op {
                    CompareOp::Eq => Some(Self::Values(vec![value.clone()])),
                    CompareOp::Lt => Some(Self::Interval { low: None, high: end(false) }),
                    CompareOp::LtEq => Some(Self::Interval { low: None, high: end(true) }),
                    CompareOp::Gt => Some(Self::Interval { low: end(false), high: None }),
                    CompareOp::GtEq => Some(Self::Interval { low: end(true), high: None }),
                    CompareOp::NotEq => None,
                }
            }
            Predicate::In { column: c, values } if *c == column => Some(Self::Values(values.clone())),
            Predicate::And(all) => Self::of(column, all),
            // A union of value sets is a value set; any other disjunction is left to the filter.
            Predicate::Or(any) if !any.is_empty() => {
                let mut union = Vec::new();
                for branch in any {
                    let Self::Values(values) = Self::of_one(column, branch)? else { return None };
                    union.extend(values);
                }
                union.sort_by(order);
                union.dedup();
                Some(Self::Values(union))
            }
            Predicate::Compare { .. }
            | Predicate::In { .. }
            | Predicate::IsNull { .. }
            | Predicate::IsNotNull { .. }
            | Predicate::Or(_)
            | Predicate::Not(_) => None,
        }
    }

    fn intersect(self, other: Self) -> Self {
        match (self, other) {
            (Self::Values(mut values), other) | (other, Self::Values(mut values)) => {
                values.retain(|v| other.contains(v));
                Self::Values(values)
            }
            (Self::Interval { low: l1, high: h1 }, Self::Interval { low: l2, high: h2 }) => {
                Self::Interval { low: tighter(l1, l2, Ordering::Greater), high: tighter(h1, h2, Ordering::Less) }
            }
        }
    }

    fn contains(&self, value: &Value) -> bool {
        match self {
            Self::Values(values) => values.contains(value),
            Self::Interval { low, high } => {
                low.as_ref().is_none_or(|(l, inclusive)| match order(value, l) {
                    Ordering::Greater => true,
                    Ordering::Equal => *inclusive,
                    Ordering::Less => false,
                }) && high.as_ref().is_none_or(|(h, inclusive)| match order(value, h) {
                    Ordering::Less => true,
                    Ordering::Equal => *inclusive,
                    Ordering::Greater => false,
                })
            }
        }
    }
}

/// Of two ends, the one on the side `stricter`; of two equal ones, the exclusive one.
fn tighter(a: Option<(Value, bool)>, b: Option<(Value, bool)>, stricter: Ordering) -> Option<(Value, bool)> {
    match (a, b) {
        (Some(a), Some(b)) => Some(match order(&a.0, &b.0) {
            Ordering::Equal => (a.0, a.1 && b.1),
            o if o == stricter => a,
            _ => b,
        }),
        (a, b) => a.or(b),
    }
}

/// Values of one column are of one variant, so they compare.
pub(super) fn order(a: &Value, b: &Value) -> Ordering {
    a.compare(b).unwrap_or(Ordering::Equal)
}
