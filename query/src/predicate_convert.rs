//! DataFusion's expressions in the storage engine's words.
//!
//! Two questions are answered about an expression over a scan's columns:
//!
//! - [`exact`]: is there a [`Predicate`] that is true, false and NULL of the same rows? Then storage
//!   evaluates it, and nobody else has to.
//! - [`implied`]: is there a predicate that is true of *every* row that the expression keeps? Then
//!   storage may prune by it, but the expression is still evaluated. Any conjunct that is not
//!   understood is dropped here (which weakens), any disjunct that is not understood makes the
//!   whole disjunction unknown (dropping it would lose rows).
//!
//! ```text
//!   a < 5 AND f(b)          exact: none    implied: a < 5
//!   a < 5 OR  f(b)          exact: none    implied: none
//!   s LIKE 'ab%x'           exact: none    implied: s >= 'ab' AND s < 'ac'
//!   CASE h WHEN 0 THEN p WHEN 1 THEN q ELSE r END     implied: p OR q OR r
//! ```

use std::cmp::Ordering;

use bytes::Bytes;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{
    BinaryExpr, CaseExpr, Column, DynamicFilterPhysicalExpr, InListExpr, IsNotNullExpr, IsNullExpr, LikeExpr, Literal,
    NotExpr,
};
use deltatree_storage::predicate::{CompareOp, Predicate};
use deltatree_storage::types::{StoredType, Value};

/// Longer lists are weakened to their smallest and largest value where only pruning is at stake.
const IMPLIED_LIST_LIMIT: usize = 64;

/// Where the columns of an expression lie in the table: for each column index of the expression's
/// input, the position in the table's schema and the stored type. `None`: not a stored column.
pub type ColumnMap = [Option<(usize, StoredType)>];

/// A predicate that is true, false and NULL of the same rows as `expr`, if there is one.
pub fn exact(expr: &dyn PhysicalExpr, columns: &ColumnMap) -> Option<Predicate> {
    if let Some(binary) = expr.downcast_ref::<BinaryExpr>() {
        return match binary.op() {
            Operator::And => Some(Predicate::And(vec![
                exact(binary.left().as_ref(), columns)?,
                exact(binary.right().as_ref(), columns)?,
            ])),
            Operator::Or => Some(Predicate::Or(vec![
                exact(binary.left().as_ref(), columns)?,
                exact(binary.right().as_ref(), columns)?,
            ])),
            op => comparison(binary, compare_op(*op)?, columns),
        };
    }
    if let Some(list) = expr.downcast_ref::<InListExpr>() {
        let (column, values) = list_values(list, columns)?;
        let membership = Predicate::In { column, values };
        return Some(if list.negated() { Predicate::Not(Box::new(membership)) } else { membership });
    }
    if let Some(test) = expr.downcast_ref::<IsNullExpr>() {
        return Some(Predicate::IsNull { column: column_of(test.arg().as_ref(), columns)?.0 });
    }
    if let Some(test) = expr.downcast_ref::<IsNotNullExpr>() {
        return Some(Predicate::IsNotNull { column: column_of(test.arg().as_ref(), columns)?.0 });
    }
    if let Some(not) = expr.downcast_ref::<NotExpr>() {
        return Some(Predicate::Not(Box::new(exact(not.arg().as_ref(), columns)?)));
    }
    None
}

/// A predicate that is true of every row of which `expr` is true, if one is known.
pub fn implied(expr: &dyn PhysicalExpr, columns: &ColumnMap) -> Option<Predicate> {
    if let Some(dynamic) = expr.downcast_ref::<DynamicFilterPhysicalExpr>() {
        return implied(dynamic.current().ok()?.as_ref(), columns);
    }
    if let Some(binary) = expr.downcast_ref::<BinaryExpr>() {
        return match binary.op() {
            Operator::And => both(implied(binary.left().as_ref(), columns), implied(binary.right().as_ref(), columns)),
            Operator::Or => Some(Predicate::Or(vec![
                implied(binary.left().as_ref(), columns)?,
                implied(binary.right().as_ref(), columns)?,
            ])),
            _ => exact(expr, columns),
        };
    }
    if let Some(list) = expr.downcast_ref::<InListExpr>()
        && !list.negated()
    {
        let (column, values) = list_values(list, columns)?;
        return Some(if values.len() <= IMPLIED_LIST_LIMIT {
            Predicate::In { column, values }
        } else {
            span(column, &values)?
        });
    }
    if let Some(like) = expr.downcast_ref::<LikeExpr>() {
        return prefix_range(like, columns);
    }
    if let Some(case) = expr.downcast_ref::<CaseExpr>() {
        // Whichever branch is taken, the row satisfies it. Without ELSE the rest is NULL: not kept.
        let branches = case.when_then_expr().iter().map(|(_, then)| then).chain(case.else_expr());
        return branches.map(|branch| implied(branch.as_ref(), columns)).collect::<Option<_>>().map(Predicate::Or);
    }
    if let Some(literal) = expr.downcast_ref::<Literal>() {
        // Only FALSE and NULL say something: no row is kept.
        return match literal.value() {
            ScalarValue::Boolean(Some(false) | None) => Some(Predicate::Or(Vec::new())),
            _ => None,
        };
    }
    exact(expr, columns)
}

/// The value as storage holds it in a column of type `stored`; `None` for NULL and for values of
/// another type.
pub fn scalar_value(scalar: &ScalarValue, stored: StoredType) -> Option<Value> {
    use ScalarValue as S;
    Some(match (stored, scalar) {
        (StoredType::Int8, S::Int8(Some(v))) => Value::Int(i64::from(*v)),
        (StoredType::Int16, S::Int16(Some(v))) => Value::Int(i64::from(*v)),
        (StoredType::Int32, S::Int32(Some(v))) => Value::Int(i64::from(*v)),
        (StoredType::Int64, S::Int64(Some(v))) => Value::Int(*v),
        (StoredType::UInt8, S::UInt8(Some(v))) => Value::UInt(u64::from(*v)),
        (StoredType::UInt16, S::UInt16(Some(v))) => Value::UInt(u64::from(*v)),
        (StoredType::UInt32, S::UInt32(Some(v))) => Value::UInt(u64::from(*v)),
        (StoredType::UInt64, S::UInt64(Some(v))) => Value::UInt(*v),
        (StoredType::Float32, S::Float32(Some(v))) => Value::Float(f64::from(*v)),
        (StoredType::Float64, S::Float64(Some(v))) => Value::Float(*v),
        (StoredType::Decimal128(_, scale), S::Decimal128(Some(v), _, s)) if *s == scale => Value::Decimal(*v),
        (StoredType::Decimal256(_, scale), S::Decimal256(Some(v), _, s)) if *s == scale => Value::BigDecimal(*v),
        (StoredType::Date32, S::Date32(Some(v))) => Value::Int(i64::from(*v)),
        (StoredType::TimestampMicros, S::TimestampMicrosecond(Some(v), None)) => Value::Int(*v),
        (StoredType::TimestampMicrosUtc, S::TimestampMicrosecond(Some(v), Some(_))) => Value::Int(*v),
        (StoredType::DurationMicros, S::DurationMicrosecond(Some(v))) => Value::Int(*v),
        (StoredType::Utf8, S::Utf8(Some(v)) | S::Utf8View(Some(v)) | S::LargeUtf8(Some(v))) => {
            Value::Bytes(Bytes::copy_from_slice(v.as_bytes()))
        }
        (StoredType::Binary, S::Binary(Some(v)) | S::BinaryView(Some(v)) | S::LargeBinary(Some(v))) => {
            Value::Bytes(Bytes::copy_from_slice(v))
        }
        _ => return None,
    })
}

/// The value of a column of type `stored` as DataFusion's scalar; typed NULL for NULL.
pub fn value_scalar(value: &Value, stored: StoredType) -> Option<ScalarValue> {
    use ScalarValue as S;
    Some(match (stored, value) {
        (_, Value::Null) => S::try_from(&stored.arrow()).ok()?,
        (StoredType::Int8, Value::Int(v)) => S::Int8(Some(i8::try_from(*v).ok()?)),
        (StoredType::Int16, Value::Int(v)) => S::Int16(Some(i16::try_from(*v).ok()?)),
        (StoredType::Int32, Value::Int(v)) => S::Int32(Some(i32::try_from(*v).ok()?)),
        (StoredType::Int64, Value::Int(v)) => S::Int64(Some(*v)),
        (StoredType::UInt8, Value::UInt(v)) => S::UInt8(Some(u8::try_from(*v).ok()?)),
        (StoredType::UInt16, Value::UInt(v)) => S::UInt16(Some(u16::try_from(*v).ok()?)),
        (StoredType::UInt32, Value::UInt(v)) => S::UInt32(Some(u32::try_from(*v).ok()?)),
        (StoredType::UInt64, Value::UInt(v)) => S::UInt64(Some(*v)),
        (StoredType::Float32, Value::Float(v)) => S::Float32(Some(*v as f32)),
        (StoredType::Float64, Value::Float(v)) => S::Float64(Some(*v)),
        (StoredType::Decimal128(p, s), Value::Decimal(v)) => S::Decimal128(Some(*v), p, s),
        (StoredType::Decimal256(p, s), Value::BigDecimal(v)) => S::Decimal256(Some(*v), p, s),
        (StoredType::Date32, Value::Int(v)) => S::Date32(Some(i32::try_from(*v).ok()?)),
        (StoredType::TimestampMicros, Value::Int(v)) => S::TimestampMicrosecond(Some(*v), None),
        (StoredType::TimestampMicrosUtc, Value::Int(v)) => S::TimestampMicrosecond(Some(*v), Some("UTC".into())),
        (StoredType::DurationMicros, Value::Int(v)) => S::DurationMicrosecond(Some(*v)),
        (StoredType::Utf8, Value::Bytes(v)) => S::Utf8View(Some(std::str::from_utf8(v).ok()?.to_owned())),
        (StoredType::Binary, Value::Bytes(v)) => S::BinaryView(Some(v.to_vec())),
        _ => return None,
    })
}

fn column_of(expr: &dyn PhysicalExpr, columns: &ColumnMap) -> Option<(usize, StoredType)> {
    *columns.get(expr.downcast_ref::<Column>()?.index())?
}

fn compare_op(op: Operator) -> Option<CompareOp> {
    Some(match op {
        Operator::Eq => CompareOp::Eq,
        Operator::NotEq => CompareOp::NotEq,
        Operator::Lt => CompareOp::Lt,
        Operator::LtEq => CompareOp::LtEq,
        Operator::Gt => CompareOp::Gt,
        Operator::GtEq => CompareOp::GtEq,
        _ => return None,
    })
}

fn comparison(binary: &BinaryExpr, op: CompareOp, columns: &ColumnMap) -> Option<Predicate> {
    let (left, right) = (binary.left().as_ref(), binary.right().as_ref());
    let (side, literal, op) = match (left.downcast_ref::<Literal>(), right.downcast_ref::<Literal>()) {
        (None, Some(literal)) => (left, literal, op),
        (Some(literal), None) => (right, literal, op.mirrored()),
        _ => return None,
    };
    let (column, stored) = column_of(side, columns)?;
    Some(Predicate::Compare { column, op, value: scalar_value(literal.value(), stored)? })
}

/// The list's values, distinct and ascending. `None` if one is NULL or not a constant of the
/// column's type.
fn list_values(list: &InListExpr, columns: &ColumnMap) -> Option<(usize, Vec<Value>)> {
    let (column, stored) = column_of(list.expr().as_ref(), columns)?;
    let mut values = list
        .list()
        .iter()
        .map(|item| scalar_value(item.downcast_ref::<Literal>()?.value(), stored))
        .collect::<Option<Vec<_>>>()?;
    values.sort_by(|a, b| a.compare(b).unwrap_or(Ordering::Equal));
    values.dedup();
    Some((column, values))
}

fn span(column: usize, ascending: &[Value]) -> Option<Predicate> {
    Some(Predicate::And(vec![
        Predicate::Compare { column, op: CompareOp::GtEq, value: ascending.first()?.clone() },
        Predicate::Compare { column, op: CompareOp::LtEq, value: ascending.last()?.clone() },
    ]))
}

fn both(a: Option<Predicate>, b: Option<Predicate>) -> Option<Predicate> {
    match (a, b) {
        (Some(a), Some(b)) => Some(Predicate::And(vec![a, b])),
        (one, other) => one.or(other),
    }
}

/// `column LIKE 'prefix…'` as the range of strings that begin so.
fn prefix_range(like: &LikeExpr, columns: &ColumnMap) -> Option<Predicate> {
    if like.negated() || like.case_insensitive() {
        return None;
    }
    let (column, stored) = column_of(like.expr().as_ref(), columns)?;
    let pattern = like.pattern().downcast_ref::<Literal>()?;
    let Value::Bytes(pattern) = scalar_value(pattern.value(), stored)? else { return None };
    let end = pattern.iter().position(|b| matches!(b, b'%' | b'_' | b'\\')).unwrap_or(pattern.len());
    let prefix = &pattern[..end];
    if prefix.is_empty() {
        return None;
    }
    let from = Predicate::Compare { column, op: CompareOp::GtEq, value: Value::Bytes(Bytes::copy_from_slice(prefix)) };
    let to = successor(prefix).map(|end| Predicate::Compare { column, op: CompareOp::Lt, value: Value::Bytes(end) });
    both(Some(from), to)
}

/// The smallest byte string above every string that begins with `prefix`; `None` if there is none.
fn successor(prefix: &[u8]) -> Option<Bytes> {
    let last = prefix.iter().rposition(|&b| b != 0xff)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(Bytes::from(end))
}

#[cfg(test)]
mod tests;
