//! Expressions small enough to evaluate without a plan.
//!
//! What `INSERT … VALUES`, `ON DUPLICATE KEY UPDATE` and updates by key mostly hold: literals, columns,
//! and sums and products of numbers. Anything else is `None`, and goes to the planner.

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments};

use crate::types::decimal::{MAX_DIGITS, MAX_SCALE, max_unscaled};
use crate::types::literal::literal_value;
use crate::types::{Datum, Decimal};

/// Where columns come from.
pub(crate) trait Columns {
    /// The value of a column, by name without qualifier. `None` if there is none of that name.
    fn column(&self, name: &str) -> Option<Datum>;
    /// `VALUES(column)`: what the statement would have inserted.
    fn inserted(&self, name: &str) -> Option<Datum>;
}

/// The value of an expression, if it is a small one.
pub(crate) fn evaluate_small(expr: &Expr, columns: &impl Columns) -> Option<Datum> {
    if let Some(value) = literal_value(expr) {
        return Some(value);
    }
    match expr {
        Expr::Nested(inner) => evaluate_small(inner, columns),
        Expr::Identifier(name) => columns.column(&name.value),
        Expr::CompoundIdentifier(names) => columns.column(&names.last()?.value),
        Expr::Function(function) if function.name.to_string().eq_ignore_ascii_case("values") => {
            columns.inserted(values_argument(&function.args)?)
        }
        Expr::BinaryOp { left, op, right } => {
            let (left, right) = (evaluate_small(left, columns)?, evaluate_small(right, columns)?);
            integer_operation(&left, op, &right)
                .or_else(|| decimal_operation(&left, op, &right))
                .or_else(|| float_operation(&left, op, &right))
        }
        _ => None,
    }
}

/// The column of `VALUES(column)`.
pub(crate) fn values_argument(arguments: &FunctionArguments) -> Option<&str> {
    let FunctionArguments::List(list) = arguments else { return None };
    let [FunctionArg::Unnamed(FunctionArgExpr::Expr(column))] = list.args.as_slice() else { return None };
    match column {
        Expr::Identifier(name) => Some(&name.value),
        Expr::CompoundIdentifier(names) => names.last().map(|n| n.value.as_str()),
        _ => None,
    }
}

fn integer_operation(left: &Datum, op: &BinaryOperator, right: &Datum) -> Option<Datum> {
    if !matches!(op, BinaryOperator::Plus | BinaryOperator::Minus | BinaryOperator::Multiply) {
        return None;
    }
    let unsigned = matches!(left, Datum::UInt(_)) || matches!(right, Datum::UInt(_));
    let (a, b) = match (wide(left), wide(right)) {
        (Some(a), Some(b)) => (a, b),
        _ if left.is_null() || right.is_null() => return Some(Datum::Null),
        _ => return None,
    };
    let result = match op {
        BinaryOperator::Plus => a + b,
        BinaryOperator::Minus => a - b,
        _ => a.checked_mul(b)?,
    };
    // An overflow is an error whose wording the planner knows.
    if unsigned { u64::try_from(result).ok().map(Datum::UInt) } else { i64::try_from(result).ok().map(Datum::Int) }
}

/// Of two exact numbers, one of which is no integer.
fn decimal_operation(left: &Datum, op: &BinaryOperator, right: &Datum) -> Option<Datum> {
    if !matches!((left, right), (Datum::Decimal(_), _) | (_, Datum::Decimal(_))) {
        return None;
    }
    let (a, b) = (exact(left)?, exact(right)?);
    let scale = a.scale.max(b.scale);
    let result = match op {
        BinaryOperator::Plus => Decimal { unscaled: a.rescale(scale)?.checked_add(b.rescale(scale)?)?, scale },
        BinaryOperator::Minus => Decimal { unscaled: a.rescale(scale)?.checked_sub(b.rescale(scale)?)?, scale },
        BinaryOperator::Multiply => {
            Decimal { unscaled: a.unscaled.checked_mul(b.unscaled)?, scale: a.scale.checked_add(b.scale)? }
        }
        _ => return None,
    };
    // What is too long for a DECIMAL is rounded or refused by the planner.
    let fits = result.scale <= MAX_SCALE && result.unscaled.wrapping_abs() <= max_unscaled(MAX_DIGITS);
    fits.then_some(Datum::Decimal(result))
}

/// Of two numbers, one of which is a double: as doubles.
fn float_operation(left: &Datum, op: &BinaryOperator, right: &Datum) -> Option<Datum> {
    if !matches!((left, right), (Datum::Float(_), _) | (_, Datum::Float(_))) {
        return None;
    }
    let double = |value: &Datum| match value {
        Datum::Float(v) => Some(*v),
        value => exact(value).map(|v| v.to_f64()),
    };
    let (a, b) = (double(left)?, double(right)?);
    let result = match op {
        BinaryOperator::Plus => a + b,
        BinaryOperator::Minus => a - b,
        BinaryOperator::Multiply => a * b,
        _ => return None,
    };
    // What is too large is refused by the planner.
    result.is_finite().then_some(Datum::Float(result))
}

fn exact(value: &Datum) -> Option<Decimal> {
    match value {
        Datum::Int(v) => Some(Decimal::from_int(*v)),
        Datum::UInt(v) => Some(Decimal::from_uint(*v)),
        Datum::Decimal(v) => Some(*v),
        _ => None,
    }
}

fn wide(value: &Datum) -> Option<i128> {
    match value {
        Datum::Int(v) => Some((*v).into()),
        Datum::UInt(v) => Some((*v).into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rewrite::parse_expr;

    struct Row;
    impl Columns for Row {
        fn column(&self, name: &str) -> Option<Datum> {
            (name == "a").then_some(Datum::Int(40))
        }
        fn inserted(&self, name: &str) -> Option<Datum> {
            (name == "b").then_some(Datum::Int(2))
        }
    }

    #[test]
    fn sums_of_columns_and_literals_are_evaluated() {
        let value = |text: &str| evaluate_small(&parse_expr(text).unwrap(), &Row);
        assert_eq!(value("a + VALUES(b)"), Some(Datum::Int(42)));
        assert_eq!(value("(t.a - 1) * 2"), Some(Datum::Int(78)));
        assert_eq!(value("a + NULL"), Some(Datum::Null));
        assert_eq!(value("a / 2"), None);
        assert_eq!(value("a + 9223372036854775807"), None);
        assert_eq!(value("c"), None);
        let decimal = |text: &str| Some(Datum::Decimal(Decimal::parse(text).unwrap()));
        assert_eq!(value("a + 3.25"), decimal("43.25"));
        assert_eq!(value("3.25 - VALUES(b)"), decimal("1.25"));
        assert_eq!(value("1.5 * 2.50 - a"), decimal("-36.250"));
        assert_eq!(value("1.5 + NULL"), Some(Datum::Null));
        assert_eq!(value("1.0 / 2"), None);
        assert_eq!(value("a - 1.5e0"), Some(Datum::Float(38.5)));
        assert_eq!(value("2e0 * 1.25"), Some(Datum::Float(2.5)));
        assert_eq!(value("1e308 * 1e10"), None);
        assert_eq!(value("1e0 / 2"), None);
        let most = "9".repeat(65);
        assert_eq!(value(&format!("{most} + 0.0")), None);
    }
}
