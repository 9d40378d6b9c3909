//! What MySQL's operators do with the types that they meet.
//!
//! DataFusion asks here first when it plans a binary operator. Exact numbers and values of one kind are
//! left to its own vectorised kernels; mixed kinds are brought to MySQL's common kind before: a number and
//! text meet as doubles, a date and text as dates, integers are computed in 64 bits and checked.

use arrow::datatypes::DataType;
use datafusion::common::{DFSchema, Result as DataFusionResult, ScalarValue};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator, cast};
use datafusion::sql::sqlparser::ast::BinaryOperator;

use super::arithmetic::DIV_PRECISION_INCREMENT;
use super::convert::{decimal_scale, is_binary, is_decimal, is_text};
use super::library::call;
use crate::error::{Result, SqlError};
use crate::types::decimal::MAX_SCALE;
use crate::types::{Datum, literal, temporal};

/// MySQL's binary operators.
#[derive(Debug)]
pub(super) struct MysqlOperators;

/// What kind of value an operator meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Null,
    Boolean,
    Integer,
    Unsigned,
    Decimal,
    Double,
    Text,
    Binary,
    Date,
    DateTime,
    Instant,
    Time,
    Other,
}

impl Kind {
    fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::Null => Self::Null,
            DataType::Boolean => Self::Boolean,
            DataType::UInt64 => Self::Unsigned,
            t if t.is_integer() => Self::Integer,
            t if is_decimal(t) => Self::Decimal,
            DataType::Float16 | DataType::Float32 | DataType::Float64 => Self::Double,
            t if is_text(t) => Self::Text,
            t if is_binary(t) => Self::Binary,
            DataType::Date32 | DataType::Date64 => Self::Date,
            DataType::Timestamp(_, None) => Self::DateTime,
            DataType::Timestamp(_, Some(_)) => Self::Instant,
            DataType::Duration(_) => Self::Time,
            _ => Self::Other,
        }
    }

    fn is_number(self) -> bool {
        matches!(self, Self::Boolean | Self::Integer | Self::Unsigned | Self::Decimal | Self::Double)
    }

    fn is_exact(self) -> bool {
        matches!(self, Self::Boolean | Self::Integer | Self::Unsigned | Self::Decimal)
    }

    fn is_integer(self) -> bool {
        matches!(self, Self::Boolean | Self::Integer | Self::Unsigned)
    }

    fn is_temporal(self) -> bool {
        matches!(self, Self::Date | Self::DateTime | Self::Instant | Self::Time)
    }
}

impl ExprPlanner for MysqlOperators {
    fn plan_binary_op(&self, raw: RawBinaryExpr, schema: &DFSchema) -> DataFusionResult<PlannerResult<RawBinaryExpr>> {
        let (Ok(left_type), Ok(right_type)) = (raw.left.get_type(schema), raw.right.get_type(schema)) else {
            return Ok(PlannerResult::Original(raw));
        };
        let kinds = (Kind::of(&left_type), Kind::of(&right_type));
        let RawBinaryExpr { op, left, right } = raw;
        use BinaryOperator as Op;
        let planned = match op {
            Op::Plus | Op::Minus | Op::Multiply => arithmetic(&op, left, right, kinds, (&left_type, &right_type)),
            Op::Divide => divide(left, right, &left_type),
            Op::MyIntegerDivide | Op::DuckIntegerDivide => call("mysql_int_divide", vec![left, right]),
            Op::Modulo => call("mod", vec![left, right]),
            Op::BitwiseAnd => call("mysql_bit_and", vec![left, right]),
            Op::BitwiseOr => call("mysql_bit_or", vec![left, right]),
            Op::BitwiseXor | Op::PGBitwiseXor => call("mysql_bit_xor", vec![left, right]),
            Op::PGBitwiseShiftLeft => call("mysql_shift_left", vec![left, right]),
            Op::PGBitwiseShiftRight => call("mysql_shift_right", vec![left, right]),
            Op::And => binary(truth(left, kinds.0), Operator::And, truth(right, kinds.1)),
            Op::Or | Op::StringConcat => binary(truth(left, kinds.0), Operator::Or, truth(right, kinds.1)),
            Op::Xor => binary(truth(left, kinds.0), Operator::NotEq, truth(right, kinds.1)),
            Op::Eq => compare(Operator::Eq, left, right, kinds)?,
            Op::NotEq => compare(Operator::NotEq, left, right, kinds)?,
            Op::Lt => compare(Operator::Lt, left, right, kinds)?,
            Op::LtEq => compare(Operator::LtEq, left, right, kinds)?,
            Op::Gt => compare(Operator::Gt, left, right, kinds)?,
            Op::GtEq => compare(Operator::GtEq, left, right, kinds)?,
            Op::Spaceship => compare(Operator::IsNotDistinctFrom, left, right, kinds)?,
            op => return Ok(PlannerResult::Original(RawBinaryExpr { op, left, right })),
        };
        Ok(PlannerResult::Planned(planned))
    }
}

fn binary(left: Expr, op: Operator, right: Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right)))
}

/// A condition of anything.
fn truth(expr: Expr, kind: Kind) -> Expr {
    if matches!(kind, Kind::Boolean | Kind::Null) { expr } else { call("mysql_truth", vec![expr]) }
}

/// A quotient that is an operand itself, with the digits that it is computed with, and the scale that it
/// would be shown with: `1 / 3` is 0.3333, but `1 / 3 * 3` is 1.0000.
fn quotient(expr: &Expr, data_type: &DataType) -> Option<(Expr, u8)> {
    let Expr::ScalarFunction(function) = expr else { return None };
    match (function.func.name(), function.args.as_slice()) {
        ("mysql_divide", args) if is_decimal(data_type) => {
            Some((call("mysql_divide_wide", args.to_vec()), decimal_scale(data_type)))
        }
        ("mysql_show_digits", [quotient, _]) => Some((quotient.clone(), decimal_scale(data_type))),
        _ => None,
    }
}

/// An exact result of quotients, with the digits that it is shown with.
fn with_digits(expr: Expr, digits: u8) -> Expr {
    let digits = Expr::Literal(ScalarValue::Int64(Some(digits.min(MAX_SCALE).into())), None);
    call("mysql_show_digits", vec![expr, digits])
}

fn divide(left: Expr, right: Expr, left_type: &DataType) -> Expr {
    match quotient(&left, left_type) {
        Some((left, scale)) => with_digits(call("mysql_divide", vec![left, right]), scale + DIV_PRECISION_INCREMENT),
        None => call("mysql_divide", vec![left, right]),
    }
}

/// Exact arithmetic over at least one quotient; `None` if neither side is one.
fn over_quotients(op: Operator, left: &Expr, right: &Expr, types: (&DataType, &DataType)) -> Option<Expr> {
    let (l, r) = (quotient(left, types.0), quotient(right, types.1));
    // The digits of two quotients together would be too many to multiply.
    let r = if op == Operator::Multiply && l.is_some() { None } else { r };
    if l.is_none() && r.is_none() {
        return None;
    }
    let plain = |expr: &Expr, data_type: &DataType| (expr.clone(), decimal_scale(data_type));
    let (left, left_scale) = l.unwrap_or_else(|| plain(left, types.0));
    let (right, right_scale) = r.unwrap_or_else(|| plain(right, types.1));
    let digits = if op == Operator::Multiply { left_scale + right_scale } else { left_scale.max(right_scale) };
    Some(with_digits(binary(left, op, right), digits))
}

fn arithmetic(
    op: &BinaryOperator,
    left: Expr,
    right: Expr,
    (l, r): (Kind, Kind),
    types: (&DataType, &DataType),
) -> Expr {
    let (native, checked) = match op {
        BinaryOperator::Plus => (Operator::Plus, "mysql_int_add"),
        BinaryOperator::Minus => (Operator::Minus, "mysql_int_subtract"),
        _ => (Operator::Multiply, "mysql_int_multiply"),
    };
    // Dates are the numbers that they are written by.
    let whole = |k: Kind| k.is_integer() || matches!(k, Kind::Date | Kind::Null);
    let exact = |k: Kind| k.is_exact() || matches!(k, Kind::Date | Kind::Null);
    if whole(l) && whole(r) {
        call(checked, vec![left, right])
    } else if exact(l) && exact(r) {
        if let Some(planned) = over_quotients(native, &left, &right, types) {
            return planned;
        }
        binary(exact_operand(left, l), native, exact_operand(right, r))
    } else {
        binary(double(left, l), native, double(right, r))
    }
}

fn exact_operand(expr: Expr, kind: Kind) -> Expr {
    match kind {
        Kind::Boolean | Kind::Date | Kind::Null => call("cast_signed", vec![expr]),
        _ => expr,
    }
}

/// An operand as a double.
fn double(expr: Expr, kind: Kind) -> Expr {
    if let Expr::Literal(value, _) = &expr
        && let Some(number) = number_of(value)
    {
        return Expr::Literal(ScalarValue::Float64(Some(number)), None);
    }
    match kind {
        Kind::Integer | Kind::Unsigned | Kind::Decimal | Kind::Double => cast(expr, DataType::Float64),
        _ => call("cast_double", vec![expr]),
    }
}

fn number_of(value: &ScalarValue) -> Option<f64> {
    value.try_as_str().flatten().map(|text| crate::types::number::parse_f64_prefix(text).0)
}

fn compare(op: Operator, left: Expr, right: Expr, kinds: (Kind, Kind)) -> Result<Expr> {
    let (left, right) = common(left, right, kinds)?;
    Ok(binary(left, op, right))
}

/// Brings the two sides of a comparison to the kind in which MySQL compares them.
fn common(left: Expr, right: Expr, (l, r): (Kind, Kind)) -> Result<(Expr, Expr)> {
    if l == r && l != Kind::Boolean || l == Kind::Null || r == Kind::Null {
        return Ok((left, right));
    }
    if l == Kind::Boolean && r == Kind::Boolean {
        return Ok((left, right));
    }
    Ok(match (l, r) {
        (Kind::Boolean, _) if r.is_number() => (cast(left, DataType::Int64), right),
        (_, Kind::Boolean) if l.is_number() => (left, cast(right, DataType::Int64)),
        (Kind::Text, _) if r.is_temporal() => (temporal_text(left, r)?, right),
        (_, Kind::Text) if l.is_temporal() => (left, temporal_text(right, l)?),
        (Kind::Instant, Kind::Date | Kind::DateTime) => (left, call("mysql_instant", vec![right])),
        (Kind::Date | Kind::DateTime, Kind::Instant) => (call("mysql_instant", vec![left]), right),
        (Kind::Text | Kind::Binary, _) if r.is_number() => number_and_text(right, r, left, l, true),
        (_, Kind::Text | Kind::Binary) if l.is_number() => number_and_text(left, l, right, r, false),
        _ if l.is_temporal() && r.is_number() => temporal_and_number(left, l, right, r)?,
        _ if l.is_number() && r.is_temporal() => {
            let (b, a) = temporal_and_number(right, r, left, l)?;
            (a, b)
        }
        (Kind::Time, Kind::Date | Kind::DateTime | Kind::Instant)
        | (Kind::Date | Kind::DateTime | Kind::Instant, Kind::Time) => (double(left, l), double(right, r)),
        _ => (left, right),
    })
}

/// A number compared with text. A constant that reads as a number takes the number's type, so that keys
/// and zone maps stay usable; everything else is compared as doubles.
fn number_and_text(number: Expr, kind: Kind, text: Expr, text_kind: Kind, swapped: bool) -> (Expr, Expr) {
    let order = |number, text| if swapped { (text, number) } else { (number, text) };
    if let Expr::Literal(value, _) = &text
        && kind.is_exact()
        && let Some(text) = value.try_as_str().flatten()
        && let Some(constant) = exact_literal(text)
    {
        return order(number, constant);
    }
    if let Expr::Literal(ScalarValue::Binary(Some(bytes)), _) = &text
        && let Some(v) = crate::types::assign::bytes_as_integer(bytes)
    {
        return order(number, Expr::Literal(ScalarValue::UInt64(Some(v)), None));
    }
    order(double(number, kind), double(text, text_kind))
}

/// Text that is wholly a number, as a literal of that number's type.
fn exact_literal(text: &str) -> Option<Expr> {
    let text = text.trim();
    let digits = text.strip_prefix('-').unwrap_or(text);
    let scalar = match literal::number(digits).filter(|_| digits.starts_with(|c: char| c.is_ascii_digit()))? {
        Datum::Int(v) => ScalarValue::Int64(Some(if text.starts_with('-') { -v } else { v })),
        Datum::UInt(v) if !text.starts_with('-') => ScalarValue::UInt64(Some(v)),
        Datum::Decimal(_) => {
            let v = crate::types::Decimal::parse(text)?;
            ScalarValue::Decimal128(Some(v.unscaled.to_i128()?), 38, v.scale as i8)
        }
        _ => return None,
    };
    Some(Expr::Literal(scalar, None))
}

/// Text compared with a date or time: a constant is read now, or refused.
fn temporal_text(text: Expr, other: Kind) -> Result<Expr> {
    let wanted = match other {
        Kind::Time => "cast_time",
        Kind::Instant => "mysql_instant",
        _ => "cast_datetime",
    };
    let Expr::Literal(value, _) = &text else { return Ok(call(wanted, vec![text])) };
    let Some(written) = value.try_as_str().flatten() else { return Ok(call(wanted, vec![text])) };
    if other == Kind::Time {
        let (micros, _) = temporal::parse_time(written).ok_or_else(|| incorrect("TIME", written))?;
        return Ok(Expr::Literal(ScalarValue::DurationMicrosecond(Some(micros)), None));
    }
    let kind = if other == Kind::Date { "DATE" } else { "DATETIME" };
    let parsed = temporal::parse_datetime(written).ok_or_else(|| incorrect(kind, written))?;
    let whole_day = parsed.micros % crate::types::calendar::DAY == 0;
    if other == Kind::Date && whole_day {
        return Ok(Expr::Literal(ScalarValue::Date32(Some(parsed.days())), None));
    }
    let literal = Expr::Literal(ScalarValue::TimestampMicrosecond(Some(parsed.micros), None), None);
    Ok(if other == Kind::Instant { call("mysql_instant", vec![literal]) } else { literal })
}

/// 1525, MySQL 8's code for a constant that no date can equal.
fn incorrect(kind: &str, text: &str) -> SqlError {
    SqlError::new(1525, format!("Incorrect {kind} value: '{text}'"))
}

/// A date compared with a number: a constant that reads as a date is one; otherwise both are numbers.
fn temporal_and_number(date: Expr, kind: Kind, number: Expr, number_kind: Kind) -> Result<(Expr, Expr)> {
    if let (Expr::Literal(value, _), Kind::Date | Kind::DateTime | Kind::Instant) = (&number, kind)
        && let ScalarValue::Int64(Some(v)) = value
        && let Some(parsed) = temporal::from_number(*v)
    {
        let literal = if kind == Kind::Date && !parsed.has_time {
            Expr::Literal(ScalarValue::Date32(Some(parsed.days())), None)
        } else {
            Expr::Literal(ScalarValue::TimestampMicrosecond(Some(parsed.micros), None), None)
        };
        let literal = if kind == Kind::Instant { call("mysql_instant", vec![literal]) } else { literal };
        return Ok((date, literal));
    }
    Ok((double(date, kind), double(number, number_kind)))
}

/// One side of an `IN` list brought to the other's kind: `None` if `expr` itself would have to change.
pub(super) fn list_item(expr: &Expr, expr_type: &DataType, item: Expr, item_type: &DataType) -> Result<Option<Expr>> {
    let (left, right) = common(expr.clone(), item, (Kind::of(expr_type), Kind::of(item_type)))?;
    Ok((left == *expr).then_some(right))
}

/// `expr = item`, compared as MySQL would.
pub(super) fn equals(expr: Expr, expr_type: &DataType, item: Expr, item_type: &DataType) -> Result<Expr> {
    compare(Operator::Eq, expr, item, (Kind::of(expr_type), Kind::of(item_type)))
}
