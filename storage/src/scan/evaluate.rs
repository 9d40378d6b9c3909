//! Predicates over arrays.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, ArrayRef, BooleanArray, Scalar};
use arrow::buffer::BooleanBuffer;
use arrow::compute::kernels::cmp;
use arrow::compute::{and_kleene, is_not_null, is_null, not, or_kleene};

use crate::error::Result;
use crate::pack::repeat;
use crate::predicate::{CompareOp, Predicate};
use crate::types::TableSchema;

/// Columns that the predicate reads.
pub(super) fn columns_of(predicate: &Predicate) -> BTreeSet<usize> {
    match predicate {
        Predicate::Compare { column, .. }
        | Predicate::In { column, .. }
        | Predicate::IsNull { column }
        | Predicate::IsNotNull { column } => [*column].into(),
        Predicate::And(all) | Predicate::Or(all) => all.iter().flat_map(columns_of).collect(),
        Predicate::Not(inner) => columns_of(inner),
    }
}

/// True, false or NULL for each of `rows` rows.
pub(super) fn evaluate(
    predicate: &Predicate,
    schema: &TableSchema,
    columns: &BTreeMap<usize, ArrayRef>,
    rows: usize,
) -> Result<BooleanArray> {
    let constant = |value| {
        let buffer = if value { BooleanBuffer::new_set(rows) } else { BooleanBuffer::new_unset(rows) };
        BooleanArray::new(buffer, None)
    };
    let compare = |column: &usize, op: CompareOp, value: &crate::types::Value| -> Result<BooleanArray> {
        let right = Scalar::new(repeat(value, schema.columns[*column].data_type, 1)?);
        let left = &columns[column];
        Ok(match op {
            CompareOp::Eq => cmp::eq(left, &right)?,
            CompareOp::NotEq => cmp::neq(left, &right)?,
            CompareOp::Lt => cmp::lt(left, &right)?,
            CompareOp::LtEq => cmp::lt_eq(left, &right)?,
            CompareOp::Gt => cmp::gt(left, &right)?,
            CompareOp::GtEq => cmp::gt_eq(left, &right)?,
        })
    };
    let each = |p: &Predicate| evaluate(p, schema, columns, rows);
    match predicate {
        Predicate::Compare { column, op, value } => compare(column, *op, value),
        Predicate::In { column, values } => {
            // NULL IN () is false; NULL IN (x) is NULL.
            let mut any: Option<BooleanArray> = None;
            for value in values {
                let one = compare(column, CompareOp::Eq, value)?;
                any = Some(match any {
                    Some(any) => or_kleene(&any, &one)?,
                    None => one,
                });
            }
            Ok(any.unwrap_or_else(|| constant(false)))
        }
        Predicate::IsNull { column } => Ok(is_null(columns[column].as_ref() as &dyn Array)?),
        Predicate::IsNotNull { column } => Ok(is_not_null(columns[column].as_ref() as &dyn Array)?),
        Predicate::And(all) => all.iter().try_fold(constant(true), |acc, p| Ok(and_kleene(&acc, &each(p)?)?)),
        Predicate::Or(any) => any.iter().try_fold(constant(false), |acc, p| Ok(or_kleene(&acc, &each(p)?)?)),
        Predicate::Not(inner) => Ok(not(&each(inner)?)?),
    }
}
