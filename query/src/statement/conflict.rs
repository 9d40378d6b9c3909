//! New rows whose keys may exist: `INSERT IGNORE`, `REPLACE`, `ON DUPLICATE KEY UPDATE`.
//!
//! Every unique key of a new row, the primary one first, is looked up in the order of the index list. In
//! a pessimistic transaction all of them are locked before, so that what is found stays.

use std::ops::ControlFlow;

use bytes::Bytes;
use datafusion::sql::sqlparser::ast::{self, Expr, VisitMut, VisitorMut};
use deltatree_learner::catalog::TableInfo;
use deltatree_learner::codec::{KeyShape, decode_index_entry, decode_row, decode_row_key, key_shape};
use deltatree_learner::table_write::{KeyOp, RowWriter, duplicate_message};
use deltatree_storage::types::{RowKey, Timestamp, Value};

use super::insert::NewRow;
use super::rows::{default_expr, stored_datum};
use super::target::Target;
use super::update::{assigned_column, is_default};
use super::values::{Columns, evaluate_small, values_argument};
use crate::error::{Result, SqlError};
use crate::session::Session;
use crate::types::Datum;
use crate::types::coerce::cast_value;

/// What to do with a new row whose key exists.
pub(super) enum OnConflict {
    /// Error 1062.
    Fail,
    /// Leave it out, with a warning.
    Ignore,
    /// Delete the rows in the way.
    Replace,
    /// Change the first row in the way instead.
    Update(Vec<ast::Assignment>),
}

/// A row in the way of a new one.
struct Obstacle {
    /// The unique key that both have.
    entry: Bytes,
    key: RowKey,
    values: Vec<Value>,
}

/// The columns of an old row, and of the new one that it is in the way of.
struct BothRows<'a> {
    table: &'a TableInfo,
    old: &'a [Value],
    new: &'a [Value],
}

impl BothRows<'_> {
    fn value(&self, row: &[Value], name: &str) -> Option<Datum> {
        let position = self.table.column_position(name)?;
        Some(stored_datum(&row[position], &self.table.columns[position].sql_type))
    }
}

impl Columns for BothRows<'_> {
    fn column(&self, name: &str) -> Option<Datum> {
        self.value(self.old, name)
    }

    fn inserted(&self, name: &str) -> Option<Datum> {
        self.value(self.new, name)
    }
}

fn codec(e: impl std::fmt::Display) -> SqlError {
    SqlError::internal(e.to_string())
}

impl Session {
    /// Writes rows one by one. Returns how many were affected, as MySQL counts them.
    pub(super) async fn write_conflicting(
        &mut self,
        target: &Target,
        rows: Vec<NewRow>,
        on_conflict: &OnConflict,
    ) -> Result<u64> {
        let table = target.table.clone();
        let writer = RowWriter::new(&table);
        let mut inserts = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut ops = Vec::new();
            writer.insert(&row.key, &row.values, &mut ops).map_err(codec)?;
            inserts.push(ops);
        }
        let keys: Vec<_> = inserts.iter().flatten().filter_map(unique_key).cloned().collect();
        let mut at = self.settle(&keys).await?;
        let mut affected = 0;
        for (row, insert) in rows.iter().zip(inserts) {
            let obstacles = self.obstacles(&table, &insert, &mut at).await?;
            let Some(first) = obstacles.first() else {
                self.apply(insert, Some(at))?;
                affected += 1;
                continue;
            };
            match on_conflict {
                OnConflict::Fail => return Err(SqlError::new(1062, duplicate_message(&table, &first.entry))),
                OnConflict::Ignore => {
                    self.diagnostics.warn(vec![SqlError::new(1062, duplicate_message(&table, &first.entry))]);
                }
                OnConflict::Replace => {
                    let mut ops = Vec::new();
                    for obstacle in &obstacles {
                        writer.delete(&obstacle.key, &obstacle.values, &mut ops).map_err(codec)?;
                        affected += 1;
                    }
                    ops.extend(insert);
                    self.apply(ops, Some(at))?;
                    affected += 1;
                }
                OnConflict::Update(assignments) => {
                    affected += self.update_obstacle(target, first, row, assignments, at).await?;
                }
            }
        }
        Ok(affected)
    }

    /// Locks keys if the transaction does that, and says at which timestamp to read them.
    async fn settle(&mut self, keys: &[Bytes]) -> Result<Timestamp> {
        match self.lock(keys).await? {
            Some(settled) => Ok(settled),
            None => Ok(self.writable()?.inner.start_ts()),
        }
    }

    /// The rows that have a unique key of the new one.
    async fn obstacles(&mut self, table: &TableInfo, insert: &[KeyOp], at: &mut Timestamp) -> Result<Vec<Obstacle>> {
        let mut found: Vec<Obstacle> = Vec::new();
        for entry in insert.iter().filter_map(unique_key) {
            let Some(value) = self.writable()?.inner.get_at(entry, *at)? else { continue };
            let key = match key_shape(entry) {
                Some(KeyShape::Index { index, .. }) => {
                    let index = table.maintained_indexes().find(|i| i.id == index);
                    let index = index.ok_or_else(|| codec("an entry of an index that does not exist"))?;
                    decode_index_entry(table, index, entry, &value).map_err(codec)?.handle
                }
                Some(KeyShape::Row { .. } | KeyShape::Meta) | None => {
                    decode_row_key(entry, table.key_kind()).map_err(codec)?.1
                }
            };
            if found.iter().any(|o| o.key == key) {
                continue;
            }
            let row_key = deltatree_learner::codec::row_key(table.id, key.as_ref());
            if row_key != *entry {
                // Found through an index: the row itself is not locked yet.
                *at = (*at).max(self.settle(std::slice::from_ref(&row_key)).await?);
            }
            let Some(bytes) = self.writable()?.inner.get_at(&row_key, *at)? else { continue };
            let values = decode_row(table, &key, &bytes).map_err(codec)?;
            found.push(Obstacle { entry: entry.clone(), key, values });
        }
        Ok(found)
    }

    /// `ON DUPLICATE KEY UPDATE` of one row. Returns 2 if that changed it, and 0, or 1 if the client
    /// counts rows found, if not.
    async fn update_obstacle(
        &mut self,
        target: &Target,
        obstacle: &Obstacle,
        row: &NewRow,
        assignments: &[ast::Assignment],
        at: Timestamp,
    ) -> Result<u64> {
        let table = &*target.table;
        let mut values = obstacle.values.clone();
        let mut assigned = Vec::with_capacity(assignments.len());
        let mut rules = self.assignment(false);
        for assignment in assignments {
            let (_, name) = assigned_column(&assignment.target)?;
            let position = table.column_position(name).ok_or_else(|| SqlError::unknown_column(name, "field list"))?;
            let both = BothRows { table, old: &values, new: &row.values };
            let value = if is_default(&assignment.value) {
                let expr = default_expr(&table.columns[position])?;
                self.evaluate(&[expr]).await?.pop()
            } else {
                match evaluate_small(&assignment.value, &both) {
                    Some(value) => Some(value),
                    None => {
                        let expr = with_values(assignment.value.clone(), &both);
                        self.evaluate(&[expr]).await?.pop()
                    }
                }
            };
            values[position] = cast_value(&value.unwrap_or(Datum::Null), &table.columns[position], 1, &mut rules)?;
            assigned.push(position);
        }
        self.diagnostics.warn(rules.warnings);
        if values == obstacle.values {
            return Ok(u64::from(self.count_found_rows));
        }
        self.touch(target, &assigned, &mut values);
        let writer = RowWriter::new(table);
        let key = writer.key(&values, None).unwrap_or_else(|_| obstacle.key.clone());
        let mut ops = Vec::new();
        writer.update(&obstacle.key, &obstacle.values, &key, &values, &mut ops).map_err(codec)?;
        let keys: Vec<_> = ops.iter().filter_map(unique_key).cloned().collect();
        let at = at.max(self.settle(&keys).await?);
        self.apply(ops, Some(at))?;
        Ok(2)
    }
}

fn unique_key(op: &KeyOp) -> Option<&Bytes> {
    match op {
        KeyOp::Insert { key, .. } => Some(key),
        KeyOp::Put { .. } | KeyOp::Delete { .. } => None,
    }
}

/// The expression with the rows' values in the place of their columns.
fn with_values(mut expr: Expr, both: &BothRows<'_>) -> Expr {
    struct Substitute<'a, 'b>(&'a BothRows<'b>);
    impl VisitorMut for Substitute<'_, '_> {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
            let value = match expr {
                Expr::Function(f) if f.name.to_string().eq_ignore_ascii_case("values") => {
                    values_argument(&f.args).and_then(|name| self.0.inserted(name))
                }
                Expr::Identifier(name) => self.0.column(&name.value),
                Expr::CompoundIdentifier(names) => names.last().and_then(|n| self.0.column(&n.value)),
                _ => None,
            };
            if let Some(value) = value {
                *expr = value.to_ast();
            }
            ControlFlow::Continue(())
        }
    }
    let _ = expr.visit(&mut Substitute(both));
    expr
}
