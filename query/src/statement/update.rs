//! `UPDATE`.
//!
//! The rows are found by a query that also computes the new values. MySQL assigns from left to right, so
//! that `SET a = a + 1, b = a` gives `b` the new `a`: a column assigned before is replaced by its
//! expression in the ones after.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    self, AssignmentTarget, Expr, Ident, LimitClause, OrderBy, OrderByKind, Query, SelectItem, TableFactor,
    TableWithJoins, VisitMut, VisitorMut,
};
use deltatree_learner::codec::arrow_value;
use deltatree_learner::table_write::{KeyOp, RowWriter};
use deltatree_storage::types::{RowKey, Value};

use super::parse::name_parts;
use super::select::{restrict, select_items};
use super::target::{Found, Target};
use crate::error::{Result, SqlError};
use crate::session::{Completion, Session};
use crate::types::coerce::{Assignment, coerce_array};

/// A column and its new value, in the order of the statement.
struct NewValue {
    position: usize,
    expr: Expr,
}

impl Session {
    /// Runs an `UPDATE` in the open transaction.
    pub(crate) async fn update(&mut self, update: &ast::Update) -> Result<Completion> {
        if let Some(completion) = self.keyed_update(update).await? {
            return Ok(completion);
        }
        let target = self.update_target(update)?;
        let new_values = new_values(&target, &update.assignments)?;
        let query = update_query(&target, update, &new_values);
        let found = self.find_and_lock(&target, &query).await?;
        let new_rows = self.new_rows(&target, &found, &new_values)?;
        let assigned: Vec<_> = new_values.iter().map(|n| n.position).collect();
        // A join may find a row more than once; the first counts.
        let mut seen = HashSet::new();
        let rows = found.rows.into_iter().zip(new_rows).filter(|(row, _)| seen.insert(row.key.clone()));
        let changes = rows.map(|(row, new)| (row.key, row.old, new)).collect();
        self.write_updates(&target, changes, &assigned).await
    }

    /// The table that the assignments change: it must be the same for all of them.
    fn update_target(&self, update: &ast::Update) -> Result<Target> {
        let mut candidates = Vec::new();
        let relations = std::iter::once(&update.table.relation).chain(update.table.joins.iter().map(|j| &j.relation));
        for relation in relations {
            candidates.extend(self.target_of(relation)?);
        }
        if candidates.is_empty()
            && let TableFactor::Table { name, .. } = &update.table.relation
        {
            let (database, name) = name_parts(name);
            self.table(database, name)?;
        }
        if candidates.len() == 1 {
            return Ok(candidates.remove(0));
        }
        let mut chosen: Option<usize> = None;
        for assignment in &update.assignments {
            let (qualifier, column) = assigned_column(&assignment.target)?;
            let matching = |target: &Target| {
                qualifier.is_none_or(|q| q.eq_ignore_ascii_case(&target.name))
                    && target.table.column_position(column).is_some()
            };
            let at = candidates.iter().position(matching);
            let at = at.ok_or_else(|| SqlError::unknown_column(column, "field list"))?;
            if chosen.is_some_and(|chosen| chosen != at) {
                return Err(SqlError::not_supported("UPDATE of several tables at once"));
            }
            chosen = Some(at);
        }
        chosen.map(|at| candidates.swap_remove(at)).ok_or_else(|| SqlError::not_supported("UPDATE of no table"))
    }

    /// The rows' columns after the assignments.
    fn new_rows(&mut self, target: &Target, found: &Found, new_values: &[NewValue]) -> Result<Vec<Vec<Value>>> {
        let mut assignment =
            Assignment { strict: self.variables.strict(), zone: self.time_zone(), warnings: Vec::new() };
        let mut columns = Vec::with_capacity(new_values.len());
        for (i, new) in new_values.iter().enumerate() {
            let column = &target.table.columns[new.position];
            let mut arrays = Vec::with_capacity(found.batches.len());
            let mut first_row = 1;
            for (array, field) in found.item(target.old_len() + i) {
                arrays.push(coerce_array(&array, &field, column, first_row, &mut assignment)?);
                first_row += array.len() as u64;
            }
            columns.push(arrays);
        }
        self.diagnostics.warn(assignment.warnings);
        let mut rows = Vec::with_capacity(found.rows.len());
        for row in &found.rows {
            let (batch, at) = row.place;
            let mut new = row.old.clone();
            for (value, arrays) in new_values.iter().zip(&columns) {
                new[value.position] = arrow_value(&arrays[batch], at)?;
            }
            rows.push(new);
        }
        Ok(rows)
    }

    /// Puts new rows in the place of old ones; each change is a key, the old row and the new one.
    pub(super) async fn write_updates(
        &mut self,
        target: &Target,
        changes: Vec<(RowKey, Vec<Value>, Vec<Value>)>,
        assigned: &[usize],
    ) -> Result<Completion> {
        let writer = RowWriter::new(&target.table);
        let mut ops = Vec::new();
        let (mut matched, mut changed) = (0, 0);
        for (old_key, old, mut new) in changes {
            matched += 1;
            if new != old {
                changed += 1;
                self.touch(target, assigned, &mut new);
                // A hidden key stays.
                let key = writer.key(&new, None).unwrap_or_else(|_| old_key.clone());
                writer.update(&old_key, &old, &key, &new, &mut ops)?;
            }
        }
        self.use_schema(target)?;
        self.write_checked(ops).await?;
        Ok(self.update_completion(matched, changed))
    }

    /// What an `UPDATE` reports.
    pub(super) fn update_completion(&self, matched: u64, changed: u64) -> Completion {
        let warnings = self.diagnostics.count();
        Completion {
            affected: if self.count_found_rows { matched } else { changed },
            info: format!("Rows matched: {matched}  Changed: {changed}  Warnings: {warnings}"),
            ..Completion::default()
        }
    }

    /// Sets the columns declared `ON UPDATE CURRENT_TIMESTAMP`, unless the statement assigned them.
    pub(super) fn touch(&self, target: &Target, assigned: &[usize], new: &mut [Value]) {
        for (i, column) in target.table.columns.iter().enumerate() {
            if column.on_update_now && !assigned.contains(&i) {
                new[i] = self.current_timestamp(&column.sql_type);
            }
        }
    }

    /// Says which definition the rows of this transaction are written by.
    pub(super) fn use_schema(&mut self, target: &Target) -> Result<()> {
        if target.table.import.is_some() {
            return Err(SqlError::importing(&target.table.name));
        }
        self.writable()?.inner.use_schema(target.table.id, target.table.schema_version);
        Ok(())
    }

    /// Buffers changes. Keys that must be new are locked in a pessimistic transaction and looked up at
    /// once; a statement's own transaction leaves that to the commit.
    pub(super) async fn write_checked(&mut self, ops: Vec<KeyOp>) -> Result<()> {
        let ops = self.with_hidden_column(ops)?;
        let keys: Vec<_> = ops
            .iter()
            .filter_map(|op| match op {
                KeyOp::Insert { key, .. } => Some(key.clone()),
                KeyOp::Put { .. } | KeyOp::Delete { .. } => None,
            })
            .collect();
        let settled = self.lock(&keys).await?;
        let open = self.writable()?;
        let checked = settled.or((!open.of_statement).then(|| open.inner.start_ts()));
        self.apply(ops, checked)
    }
}

/// The qualifier, if any, and the name of an assigned column.
pub(super) fn assigned_column(target: &AssignmentTarget) -> Result<(Option<&str>, &str)> {
    match target {
        AssignmentTarget::ColumnName(name) => Ok(name_parts(name)),
        AssignmentTarget::Tuple(_) => Err(SqlError::not_supported("assignment to several columns at once")),
    }
}

fn new_values(target: &Target, assignments: &[ast::Assignment]) -> Result<Vec<NewValue>> {
    let mut earlier: HashMap<String, Expr> = HashMap::new();
    let mut values: Vec<NewValue> = Vec::with_capacity(assignments.len());
    for assignment in assignments {
        let (_, name) = assigned_column(&assignment.target)?;
        let position =
            target.table.column_position(name).ok_or_else(|| SqlError::unknown_column(name, "field list"))?;
        let mut expr = if is_default(&assignment.value) {
            super::rows::default_expr(&target.table.columns[position])?
        } else {
            assignment.value.clone()
        };
        replace_columns(&mut expr, &target.name, &earlier);
        earlier.insert(name.to_lowercase(), Expr::Nested(Box::new(expr.clone())));
        values.retain(|v| v.position != position);
        values.push(NewValue { position, expr });
    }
    Ok(values)
}

/// The keyword `DEFAULT`, which the parser takes for a column.
pub(super) fn is_default(expr: &Expr) -> bool {
    matches!(expr, Expr::Identifier(ident) if ident.quote_style.is_none() && ident.value.eq_ignore_ascii_case("DEFAULT"))
}

/// Puts expressions in the place of the columns assigned before.
fn replace_columns(expr: &mut Expr, table: &str, earlier: &HashMap<String, Expr>) {
    struct Replace<'a>(&'a str, &'a HashMap<String, Expr>);
    impl VisitorMut for Replace<'_> {
        type Break = ();
        fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
            let name = match &*expr {
                Expr::Identifier(name) => Some(name),
                Expr::CompoundIdentifier(names) => match names.as_slice() {
                    [.., table, name] if table.value.eq_ignore_ascii_case(self.0) => Some(name),
                    _ => None,
                },
                _ => None,
            };
            if let Some(new) = name.and_then(|name| self.1.get(&name.value.to_lowercase())).cloned() {
                *expr = new;
            }
            ControlFlow::Continue(())
        }
    }
    if !earlier.is_empty() {
        let _ = expr.visit(&mut Replace(table, earlier));
    }
}

fn update_query(target: &Target, update: &ast::Update, new_values: &[NewValue]) -> Query {
    let mut items = target.old_items();
    items.extend(
        new_values.iter().enumerate().map(|(i, new)| SelectItem::ExprWithAlias {
            expr: new.expr.clone(),
            alias: Ident::new(format!("new_{i}")),
        }),
    );
    let mut query = select_items(items, vec![update.table.clone()]);
    restrict(&mut query, update.selection.clone());
    order_and_limit(&mut query, &update.order_by, update.limit.as_ref());
    query
}

/// `ORDER BY … LIMIT …` of a statement that changes rows.
pub(super) fn order_and_limit(query: &mut Query, order_by: &[ast::OrderByExpr], limit: Option<&Expr>) {
    if !order_by.is_empty() {
        query.order_by = Some(OrderBy { kind: OrderByKind::Expressions(order_by.to_vec()), interpolate: None });
    }
    if let Some(limit) = limit {
        query.limit_clause =
            Some(LimitClause::LimitOffset { limit: Some(limit.clone()), offset: None, limit_by: Vec::new() });
    }
}

/// Whether a statement's `FROM` is one plain table, and which.
pub(super) fn single_table(from: &TableWithJoins) -> Option<&TableFactor> {
    (from.joins.is_empty() && matches!(from.relation, TableFactor::Table { .. })).then_some(&from.relation)
}
