//! Conditions that name one row by its whole primary key.

use datafusion::sql::sqlparser::ast::{self, BinaryOperator, Expr, GroupByExpr, Query, Select, SetExpr, TableFactor};
use deltatree_learner::catalog::{ColumnInfo, PrimaryKey, SqlType};
use deltatree_learner::codec::handle_of;
use deltatree_storage::types::{RowKey, Value};

use super::target::Target;
use super::update::single_table;
use crate::session::Session;
use crate::types::Datum;
use crate::types::coerce::cast_value;
use crate::types::literal::literal_value;

/// A query's `SELECT` and its only table, if nothing says how to find its rows.
pub(super) fn plain_select(query: &Query) -> Option<(&Select, &TableFactor)> {
    let SetExpr::Select(select) = &*query.body else { return None };
    let [from] = select.from.as_slice() else { return None };
    let plain =
        query.with.is_none() && query.fetch.is_none() && select.optimizer_hints.is_empty() && select.into.is_none();
    if plain { Some((&**select, single_table(from)?)) } else { None }
}

/// Whether the rows of a result stand for groups of rows.
pub(super) fn makes_groups(select: &Select) -> bool {
    let ungrouped = matches!(&select.group_by, GroupByExpr::Expressions(by, with) if by.is_empty() && with.is_empty());
    !ungrouped || select.having.is_some()
}

/// The row that a statement is for: its table, and where each column of the key comes from.
pub(super) struct PointKey {
    pub(super) target: Target,
    parts: Vec<(usize, KeyPart)>,
}

/// A value of the key.
enum KeyPart {
    Literal(Value),
    /// The parameter of this number.
    Parameter(usize),
}

impl PointKey {
    /// How many parameters the conditions take.
    pub(super) fn parameters(&self) -> usize {
        self.parts.iter().filter(|(_, part)| matches!(part, KeyPart::Parameter(_))).count()
    }

    /// The key. `None` if a parameter is not a value that the column can have.
    pub(super) fn key(&self, parameters: &[Datum]) -> Option<RowKey> {
        let columns = &self.target.table.columns;
        let mut row = vec![Value::Null; columns.len()];
        for (position, part) in &self.parts {
            row[*position] = match part {
                KeyPart::Literal(value) => value.clone(),
                KeyPart::Parameter(number) => exact_value(parameters.get(*number)?, &columns[*position])?,
            };
        }
        handle_of(&self.target.table, &row)
    }

    /// Reads `column = value AND …`.
    fn bind(&mut self, conditions: &Expr) -> Option<()> {
        match conditions {
            Expr::Nested(inner) => self.bind(inner),
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                self.bind(left)?;
                self.bind(right)
            }
            Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => {
                let (position, value) = match (column_of(&self.target, left), column_of(&self.target, right)) {
                    (Some(position), None) => (position, right),
                    (None, Some(position)) => (position, left),
                    _ => return None,
                };
                let part = match &**value {
                    Expr::Value(value) if matches!(value.value, ast::Value::Placeholder(_)) => {
                        KeyPart::Parameter(self.parameters())
                    }
                    value => {
                        let column = &self.target.table.columns[position];
                        KeyPart::Literal(exact_value(&literal_value(value)?, column)?)
                    }
                };
                self.parts.push((position, part));
                Some(())
            }
            _ => None,
        }
    }
}

impl Session {
    /// A table that is named without anything special.
    pub(super) fn plain_target(&self, relation: &TableFactor) -> Option<Target> {
        let TableFactor::Table { version: None, partitions, index_hints, sample: None, args: None, .. } = relation
        else {
            return None;
        };
        if !partitions.is_empty() || !index_hints.is_empty() {
            return None;
        }
        self.target_of(relation).ok().flatten()
    }

    /// The row that conditions name by the whole primary key, and nothing else.
    pub(super) fn point_key(&self, relation: &TableFactor, selection: Option<&Expr>) -> Option<PointKey> {
        let selection = selection?;
        let mut point = PointKey { target: self.plain_target(relation)?, parts: Vec::new() };
        point.bind(selection)?;
        let table = &point.target.table;
        let mut bound: Vec<_> = point.parts.iter().map(|(position, _)| *position).collect();
        let mut wanted = table.primary_key_positions();
        wanted.sort_unstable();
        bound.sort_unstable();
        let whole = !wanted.is_empty() && wanted == bound && table.primary_key != PrimaryKey::Hidden;
        whole.then_some(point)
    }
}

pub(super) fn column_of(target: &Target, expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Identifier(name) => target.table.column_position(&name.value),
        Expr::CompoundIdentifier(names) => match names.as_slice() {
            [table, name] if table.value.eq_ignore_ascii_case(&target.name) => {
                target.table.column_position(&name.value)
            }
            _ => None,
        },
        _ => None,
    }
}

/// A literal as the column stores it, where comparing the two is comparing bytes.
pub(super) fn exact_value(value: &Datum, column: &ColumnInfo) -> Option<Value> {
    let fits = match (&column.sql_type, value) {
        (sql_type, Datum::Int(_) | Datum::UInt(_)) => sql_type.is_integer(),
        (SqlType::VarChar { .. }, Datum::Text(_)) => column.collation.ends_with("_bin"),
        _ => false,
    };
    if !fits {
        return None;
    }
    let mut rules = crate::types::coerce::Assignment::strict(crate::types::SessionZone::UTC);
    cast_value(value, column, 1, &mut rules).ok()
}
