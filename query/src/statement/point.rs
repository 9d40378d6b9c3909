//! Statements on one row by its whole primary key, without the planner.
//!
//! What does not fit exactly (another condition, an expression too large, a literal of another type than
//! the key) is left to the general path, which gives the same answer.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use bytes::Bytes;
use datafusion::sql::sqlparser::ast::{
    self, BinaryOperator, Expr, FromTable, GroupByExpr, Query, Select, SelectItem, SetExpr, TableFactor,
};
use deltatree_learner::catalog::{ColumnInfo, PrimaryKey, SqlType, TableInfo};
use deltatree_learner::codec::{RowsToArrow, decode_row, handle_of, row_key};
use deltatree_learner::table_write::RowWriter;
use deltatree_storage::types::{RowKey, StoredType, Value};

use super::rows::stored_datum;
use super::target::Target;
use super::update::{assigned_column, is_default, single_table};
use super::values::{Columns, evaluate_small};
use crate::error::{Result, SqlError};
use crate::planner::Engines;
use crate::session::{Completion, Session};
use crate::types::coerce::cast_value;
use crate::types::literal::literal_value;
use crate::types::{Datum, field};

/// A row that a statement names by its key.
struct Point {
    target: Target,
    key: RowKey,
}

impl Point {
    fn row_key(&self) -> Bytes {
        row_key(self.target.table.id, self.key.as_ref())
    }

    fn decode(&self, bytes: &[u8]) -> Result<Vec<Value>> {
        decode_row(&self.target.table, &self.key, bytes).map_err(|e| SqlError::internal(e.to_string()))
    }
}

impl Session {
    /// Runs a query for one row; `None` if it is not such a query.
    pub(super) async fn point_select(&mut self, query: &Query) -> Result<Option<RecordBatch>> {
        let Some((select, point)) = self.point_query(query) else { return Ok(None) };
        let Some((projection, schema)) = projection(&point.target, select) else { return Ok(None) };
        let engines = self.variables.text("tidb_isolation_read_engines");
        if !Engines::parse(&engines).is_some_and(|e| e.row) || !self.variables.text("tidb_snapshot").is_empty() {
            return Ok(None);
        }
        let key = point.row_key();
        let bytes = if self.transaction.is_none() {
            let ts = self.node.group().timestamp().await?;
            self.node.group().reader().get(&key, ts)?
        } else if query.locks.is_empty() {
            self.transaction.as_ref().map(|open| open.inner.get(&key)).transpose()?.flatten()
        } else {
            self.locked_row(&key).await?
        };
        let mut rows = RowsToArrow::new(&point.target.table, &projection, 1);
        if let Some(bytes) = bytes {
            rows.push(&bytes)?;
        }
        let batch = rows.finish()?;
        Ok(Some(RecordBatch::try_new(schema, batch.columns().to_vec())?))
    }

    /// The columns of a query for one row; `None` if it is not such a query.
    pub(super) fn point_schema(&self, query: &Query) -> Option<SchemaRef> {
        let (select, point) = self.point_query(query)?;
        projection(&point.target, select).map(|(_, schema)| schema)
    }

    /// Runs an `UPDATE` of one row; `None` if it is not such a statement.
    pub(super) async fn point_update(&mut self, update: &ast::Update) -> Result<Option<Completion>> {
        if update.limit.is_some() || !update.order_by.is_empty() || update.from.is_some() {
            return Ok(None);
        }
        let relation = single_table(&update.table);
        let Some(point) = relation.and_then(|r| self.point(r, update.selection.as_ref())) else { return Ok(None) };
        let Some(bytes) = self.locked_row(&point.row_key()).await? else {
            return Ok(Some(self.update_completion(0, 0)));
        };
        let table = &*point.target.table;
        let old = point.decode(&bytes)?;
        let mut new = old.clone();
        let mut assigned = Vec::with_capacity(update.assignments.len());
        let mut rules = self.assignment(false);
        for assignment in &update.assignments {
            let (_, name) = assigned_column(&assignment.target)?;
            let position = table.column_position(name).ok_or_else(|| SqlError::unknown_column(name, "field list"))?;
            if is_default(&assignment.value) {
                return Ok(None);
            }
            let Some(value) = evaluate_small(&assignment.value, &OneRow { table, row: &new }) else {
                return Ok(None);
            };
            new[position] = cast_value(&value, &table.columns[position], 1, &mut rules)?;
            assigned.push(position);
        }
        self.diagnostics.warn(rules.warnings);
        if new == old {
            return Ok(Some(self.update_completion(1, 0)));
        }
        self.touch(&point.target, &assigned, &mut new);
        let writer = RowWriter::new(table);
        let key = writer.key(&new, None)?;
        let mut ops = Vec::new();
        writer.update(&point.key, &old, &key, &new, &mut ops)?;
        self.use_schema(&point.target)?;
        self.write_checked(ops).await?;
        Ok(Some(self.update_completion(1, 1)))
    }

    /// Runs a `DELETE` of one row; `None` if it is not such a statement.
    pub(super) async fn point_delete(&mut self, delete: &ast::Delete) -> Result<Option<Completion>> {
        let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
        let ([from], None, true, true) =
            (from.as_slice(), &delete.using, delete.tables.is_empty(), delete.limit.is_none())
        else {
            return Ok(None);
        };
        let relation = single_table(from);
        let Some(point) = relation.and_then(|r| self.point(r, delete.selection.as_ref())) else { return Ok(None) };
        let Some(bytes) = self.locked_row(&point.row_key()).await? else {
            return Ok(Some(Completion::affected(0)));
        };
        let old = point.decode(&bytes)?;
        let mut ops = Vec::new();
        RowWriter::new(&point.target.table).delete(&point.key, &old, &mut ops)?;
        self.use_schema(&point.target)?;
        self.apply(ops, None)?;
        Ok(Some(Completion::affected(1)))
    }

    /// The newest state of a row, locked if the transaction does that.
    async fn locked_row(&mut self, key: &Bytes) -> Result<Option<Bytes>> {
        let settled = self.lock(std::slice::from_ref(key)).await?;
        let open = self.writable()?;
        let at = settled.unwrap_or_else(|| open.inner.start_ts());
        Ok(open.inner.get_at(key, at)?)
    }

    /// The row that a query is for.
    fn point_query<'a>(&self, query: &'a Query) -> Option<(&'a Select, Point)> {
        let SetExpr::Select(select) = &*query.body else { return None };
        let [from] = select.from.as_slice() else { return None };
        let plain = query.with.is_none()
            && query.limit_clause.is_none()
            && query.order_by.is_none()
            && query.fetch.is_none()
            && select.optimizer_hints.is_empty()
            && select.distinct.is_none()
            && select.having.is_none()
            && select.into.is_none()
            && matches!(&select.group_by, GroupByExpr::Expressions(by, with) if by.is_empty() && with.is_empty());
        if !plain {
            return None;
        }
        let point = self.point(single_table(from)?, select.selection.as_ref())?;
        Some((&**select, point))
    }

    /// The row that conditions name by the whole primary key, and nothing else.
    fn point(&self, relation: &TableFactor, selection: Option<&Expr>) -> Option<Point> {
        let TableFactor::Table { version: None, partitions, index_hints, sample: None, args: None, .. } = relation
        else {
            return None;
        };
        if !partitions.is_empty() || !index_hints.is_empty() {
            return None;
        }
        let selection = selection?;
        let target = self.target_of(relation).ok().flatten()?;
        let mut row = vec![Value::Null; target.table.columns.len()];
        let mut bound = Vec::new();
        bind_conditions(&target, selection, &mut row, &mut bound)?;
        let mut wanted = target.table.primary_key_positions();
        wanted.sort_unstable();
        bound.sort_unstable();
        if wanted.is_empty() || wanted != bound || target.table.primary_key == PrimaryKey::Hidden {
            return None;
        }
        let key = handle_of(&target.table, &row)?;
        Some(Point { target, key })
    }
}

/// Reads `column = literal AND …` into a row.
fn bind_conditions(target: &Target, expr: &Expr, row: &mut [Value], bound: &mut Vec<usize>) -> Option<()> {
    match expr {
        Expr::Nested(inner) => bind_conditions(target, inner, row, bound),
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            bind_conditions(target, left, row, bound)?;
            bind_conditions(target, right, row, bound)
        }
        Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => {
            let (position, literal) = match (column_of(target, left), column_of(target, right)) {
                (Some(position), None) => (position, right),
                (None, Some(position)) => (position, left),
                _ => return None,
            };
            row[position] = exact_value(&literal_value(literal)?, &target.table.columns[position])?;
            bound.push(position);
            Some(())
        }
        _ => None,
    }
}

fn column_of(target: &Target, expr: &Expr) -> Option<usize> {
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
fn exact_value(value: &Datum, column: &ColumnInfo) -> Option<Value> {
    let fits = match (&column.sql_type, column.sql_type.stored(), value) {
        (SqlType::Bit { .. } | SqlType::Year, _, _) => false,
        (
            _,
            StoredType::Int8
            | StoredType::Int16
            | StoredType::Int32
            | StoredType::Int64
            | StoredType::UInt8
            | StoredType::UInt16
            | StoredType::UInt32
            | StoredType::UInt64,
            Datum::Int(_) | Datum::UInt(_),
        ) => true,
        (SqlType::VarChar { .. }, _, Datum::Text(_)) => column.collation.ends_with("_bin"),
        _ => false,
    };
    if !fits {
        return None;
    }
    let mut rules = crate::types::coerce::Assignment::strict(crate::types::SessionZone::UTC);
    cast_value(value, column, 1, &mut rules).ok()
}

/// The columns that a query selects, if it selects plain columns.
fn projection(target: &Target, select: &Select) -> Option<(Vec<usize>, SchemaRef)> {
    let table = &*target.table;
    let mut positions = Vec::new();
    let mut fields = Vec::new();
    let mut add = |position: usize, label: &str| {
        positions.push(position);
        let field = field::arrow_field(&table.columns[position]).with_name(label);
        fields.push(field::with_table(field, &table.database, &target.name));
    };
    for item in &select.projection {
        match item {
            SelectItem::Wildcard(_) => {
                table.columns.iter().enumerate().for_each(|(i, column)| add(i, &column.name));
            }
            SelectItem::UnnamedExpr(expr) => {
                let name = match expr {
                    Expr::Identifier(name) => name,
                    Expr::CompoundIdentifier(names) => names.last()?,
                    _ => return None,
                };
                add(column_of(target, expr)?, &name.value);
            }
            SelectItem::ExprWithAlias { expr, alias } => add(column_of(target, expr)?, &alias.value),
            _ => return None,
        }
    }
    Some((positions, Arc::new(Schema::new(fields))))
}

/// The columns of a row that is being changed.
struct OneRow<'a> {
    table: &'a TableInfo,
    row: &'a [Value],
}

impl Columns for OneRow<'_> {
    fn column(&self, name: &str) -> Option<Datum> {
        let position = self.table.column_position(name)?;
        Some(stored_datum(&self.row[position], &self.table.columns[position].sql_type))
    }

    fn inserted(&self, _: &str) -> Option<Datum> {
        None
    }
}
