//! Branches that may be of different types.

use datafusion::sql::sqlparser::ast::{CaseWhen, Expr};

use super::build;
use crate::types::Datum;
use crate::types::literal::literal_value;

/// More branches than this are left to the planner: each is told of all others.
const MAX_BRANCHES: usize = 16;

/// Values of which one will be taken, each in the type that they have together.
pub(super) fn values(values: Vec<Expr>) -> Vec<Expr> {
    if values.len() < 2 || values.len() > MAX_BRANCHES || !may_differ(values.iter()) {
        return values;
    }
    let one = |value: &Expr| build::call("mysql_alike", std::iter::once(value).chain(&values).cloned().collect());
    values.iter().map(one).collect()
}

/// The results of a `CASE`, likewise.
pub(super) fn results(conditions: &mut [CaseWhen], otherwise: &mut Option<Box<Expr>>) {
    let branches: Vec<_> = conditions.iter().map(|c| &c.result).chain(otherwise.as_deref()).cloned().collect();
    let count = conditions.len();
    let mut alike = values(branches).into_iter();
    for (condition, result) in conditions.iter_mut().zip(alike.by_ref().take(count)) {
        condition.result = result;
    }
    if let (Some(otherwise), Some(result)) = (otherwise, alike.next()) {
        **otherwise = result;
    }
}

/// Whether they could be of different types, by their form alone.
fn may_differ<'a>(values: impl Iterator<Item = &'a Expr>) -> bool {
    let (mut text, mut other, mut unknown) = (false, false, 0);
    for value in values {
        match literal_value(value) {
            Some(Datum::Text(_)) => text = true,
            Some(Datum::Null) => {}
            Some(_) => other = true,
            None => unknown += 1,
        }
    }
    unknown > 1 || (unknown > 0 && (text || other)) || (text && other)
}
