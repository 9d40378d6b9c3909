//! Conditions on columns, as predicates that a key can answer.

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr};
use deltatree_storage::predicate::{CompareOp, Predicate};
use deltatree_storage::types::Value;

use crate::access_path::FEW_ROWS;
use crate::statement::point_key::{column_of, exact_value};
use crate::statement::target::Target;
use crate::types::literal::literal_value;

/// Predicates that say exactly what a condition says; `None` if there are none.
pub(super) fn predicates(target: &Target, condition: &Expr) -> Option<Vec<Predicate>> {
    let mut conjuncts = Vec::new();
    collect(target, condition, &mut conjuncts)?;
    Some(conjuncts)
}

fn collect(target: &Target, condition: &Expr, out: &mut Vec<Predicate>) -> Option<()> {
    match condition {
        Expr::Nested(inner) => collect(target, inner, out)?,
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            collect(target, left, out)?;
            collect(target, right, out)?;
        }
        Expr::BinaryOp { left, op, right } => {
            let op = compare_op(op)?;
            let (column, op, value) = match (column_of(target, left), column_of(target, right)) {
                (Some(column), None) => (column, op, right),
                (None, Some(column)) => (column, op.mirrored(), left),
                _ => return None,
            };
            out.push(Predicate::Compare { column, op, value: value_of(target, column, op, value)? });
        }
        Expr::Between { expr, negated: false, low, high } => {
            let column = column_of(target, expr)?;
            for (op, value) in [(CompareOp::GtEq, low), (CompareOp::LtEq, high)] {
                out.push(Predicate::Compare { column, op, value: value_of(target, column, op, value)? });
            }
        }
        Expr::InList { expr, list, negated: false } if list.len() as u64 <= FEW_ROWS => {
            let column = column_of(target, expr)?;
            let values = list.iter().map(|value| value_of(target, column, CompareOp::Eq, value));
            let mut values = values.collect::<Option<Vec<_>>>()?;
            values.sort_by(|a, b| a.compare(b).unwrap_or(std::cmp::Ordering::Equal));
            values.dedup();
            out.push(Predicate::In { column, values });
        }
        _ => return None,
    }
    Some(())
}

fn compare_op(op: &BinaryOperator) -> Option<CompareOp> {
    match op {
        BinaryOperator::Eq => Some(CompareOp::Eq),
        BinaryOperator::Lt => Some(CompareOp::Lt),
        BinaryOperator::LtEq => Some(CompareOp::LtEq),
        BinaryOperator::Gt => Some(CompareOp::Gt),
        BinaryOperator::GtEq => Some(CompareOp::GtEq),
        _ => None,
    }
}

/// The value that a column is compared with. Texts are compared only for equality: their order is a
/// matter of collation.
fn value_of(target: &Target, column: usize, op: CompareOp, value: &Expr) -> Option<Value> {
    let column = &target.table.columns[column];
    if op != CompareOp::Eq && !column.sql_type.is_integer() {
        return None;
    }
    exact_value(&literal_value(value)?, column)
}
