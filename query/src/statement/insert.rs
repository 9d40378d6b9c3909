//! `INSERT` and `REPLACE`.
//!
//! `VALUES` of literals, which is what loaders send, go straight from the syntax tree into rows. Other
//! expressions of a statement are evaluated together, by one query. `INSERT … SELECT` takes whole
//! batches.

use std::collections::HashSet;

use datafusion::sql::sqlparser::ast::{self, Expr, OnInsert, Query, SetExpr, TableObject};
use deltatree_learner::catalog::{PrimaryKey, TableInfo};
use deltatree_learner::table_write::RowWriter;
use deltatree_storage::types::{RowKey, Value};

use super::conflict::OnConflict;
use super::parse::name_parts;
use super::rows::{RowIds, auto_increment_position};
use super::target::Target;
use super::update::{assigned_column, is_default};
use crate::error::{Result, SqlError};
use crate::session::{Completion, Session};
use crate::types::Datum;
use crate::types::coerce::cast_value;
use crate::types::literal::literal_value;

/// Expressions evaluated by one query.
const EVALUATED_TOGETHER: usize = 256;

/// A value of `VALUES`.
enum Cell {
    Value(Datum),
    Default,
    /// To be evaluated: its place among the statement's expressions.
    Pending(usize),
}

/// A new row, ready to be written.
pub(super) struct NewRow {
    /// Its key.
    pub(super) key: RowKey,
    /// Its columns.
    pub(super) values: Vec<Value>,
}

/// The table and columns that an `INSERT` names.
pub(super) struct InsertTarget {
    pub(super) target: Target,
    /// Position in the table of each value.
    pub(super) positions: Vec<usize>,
}

impl Session {
    /// Runs an `INSERT` or `REPLACE` in the open transaction.
    pub(crate) async fn insert(&mut self, insert: &ast::Insert) -> Result<Completion> {
        let into = self.insert_target(insert)?;
        let on_conflict = on_conflict(insert)?;
        let lenient = matches!(on_conflict, OnConflict::Ignore);
        self.use_schema(&into.target)?;
        let assigned: Vec<Vec<Expr>>;
        let rows: Option<Vec<&[Expr]>> = if !insert.assignments.is_empty() {
            assigned = vec![insert.assignments.iter().map(|a| a.value.clone()).collect()];
            Some(assigned.iter().map(Vec::as_slice).collect())
        } else {
            match insert.source.as_deref() {
                None => Some(vec![&[]]),
                Some(query) => literal_rows(query),
            }
        };
        match rows {
            Some(rows) => self.insert_rows(&into, &rows, lenient, on_conflict).await,
            None => {
                let query = insert.source.as_deref().ok_or_else(|| SqlError::internal("INSERT without a source"))?;
                self.insert_query(&into.target, &into.positions, query, on_conflict).await
            }
        }
    }

    /// Inserts rows of expressions.
    pub(super) async fn insert_rows(
        &mut self,
        into: &InsertTarget,
        rows: &[&[Expr]],
        lenient: bool,
        on_conflict: OnConflict,
    ) -> Result<Completion> {
        let cells = self.cells(rows).await?;
        let (rows, ids) = self.new_rows_of(into, &cells, lenient).await?;
        self.write_new_rows(&into.target, rows, &ids, on_conflict).await
    }

    fn insert_target(&self, insert: &ast::Insert) -> Result<InsertTarget> {
        let TableObject::TableName(name) = &insert.table else {
            return Err(SqlError::not_supported("INSERT into anything but a table"));
        };
        if insert.partitioned.is_some() {
            return Err(SqlError::new(1747, "PARTITION () clause on non partitioned table"));
        }
        let (database, name) = name_parts(name);
        let table = self.table(database, name)?;
        let names: Vec<&str> = if insert.assignments.is_empty() {
            insert.columns.iter().map(|c| name_parts(c).1).collect()
        } else {
            insert
                .assignments
                .iter()
                .map(|a| assigned_column(&a.target).map(|(_, name)| name))
                .collect::<Result<_>>()?
        };
        let explicit_empty =
            matches!(insert.source.as_deref().and_then(literal_rows), Some(rows) if rows.iter().all(|r| r.is_empty()));
        let positions = if !names.is_empty() {
            column_positions(&table, &names)?
        } else if insert.source.is_none() || explicit_empty {
            Vec::new()
        } else {
            (0..table.columns.len()).collect()
        };
        let name = table.name.clone();
        Ok(InsertTarget { target: Target { table, name }, positions })
    }

    /// The values of `VALUES`, evaluated.
    async fn cells(&mut self, rows: &[&[Expr]]) -> Result<Vec<Vec<Cell>>> {
        let mut pending: Vec<Expr> = Vec::new();
        let mut cells: Vec<Vec<Cell>> = Vec::with_capacity(rows.len());
        for row in rows {
            let row = row.iter().map(|expr| match literal_value(expr) {
                Some(value) => Cell::Value(value),
                None if is_default(expr) => Cell::Default,
                None => {
                    pending.push(expr.clone());
                    Cell::Pending(pending.len() - 1)
                }
            });
            cells.push(row.collect());
        }
        if pending.is_empty() {
            return Ok(cells);
        }
        let mut values = Vec::with_capacity(pending.len());
        for chunk in pending.chunks(EVALUATED_TOGETHER) {
            values.extend(self.evaluate(chunk).await?.into_iter().map(Some));
        }
        for cell in cells.iter_mut().flatten() {
            if let Cell::Pending(i) = *cell {
                *cell = Cell::Value(values[i].take().unwrap_or(Datum::Null));
            }
        }
        Ok(cells)
    }

    /// Whole rows: values in their columns' form, defaults, and generated numbers.
    async fn new_rows_of(
        &mut self,
        into: &InsertTarget,
        cells: &[Vec<Cell>],
        lenient: bool,
    ) -> Result<(Vec<NewRow>, RowIds)> {
        let table = into.target.table.clone();
        let auto = auto_increment_position(&table);
        let keeps_zero = self.variables.text("sql_mode").contains("NO_AUTO_VALUE_ON_ZERO");
        let mut ids = self.row_ids(&table, cells.len()).await?;
        let mut assignment = self.assignment(lenient);
        let mut named = vec![false; table.columns.len()];
        into.positions.iter().for_each(|&p| named[p] = true);
        let mut blank = vec![Value::Null; table.columns.len()];
        if !cells.is_empty() {
            for (i, column) in table.columns.iter().enumerate() {
                if !named[i] {
                    blank[i] = self.default_value(column, lenient)?;
                }
            }
        }
        let writer = RowWriter::new(&table);
        let mut rows = Vec::with_capacity(cells.len());
        for (number, cells) in (1..).zip(cells) {
            if cells.len() != into.positions.len() {
                return Err(SqlError::column_count(number));
            }
            let id = ids.take();
            let mut values = blank.clone();
            for (&position, cell) in into.positions.iter().zip(cells) {
                let column = &table.columns[position];
                values[position] = match cell {
                    Cell::Value(Datum::Null) if Some(position) == auto => Value::Null,
                    Cell::Value(value) => cast_value(value, column, number, &mut assignment)?,
                    Cell::Default => self.default_value(column, lenient)?,
                    Cell::Pending(_) => return Err(SqlError::internal("a value was not evaluated")),
                };
            }
            if let Some(auto) = auto {
                let generate = match &values[auto] {
                    Value::Null => true,
                    Value::Int(0) | Value::UInt(0) => !keeps_zero,
                    _ => false,
                };
                if generate {
                    values[auto] = cast_value(&Datum::UInt(id), &table.columns[auto], number, &mut assignment)?;
                    ids.generated(id);
                } else {
                    ids.given(&values[auto]);
                }
            }
            let hidden = i64::try_from(id).map_err(|_| SqlError::internal("no row ids left"))?;
            let key = writer.key(&values, Some(hidden))?;
            rows.push(NewRow { key, values });
        }
        self.diagnostics.warn(assignment.warnings);
        Ok((rows, ids))
    }

    /// Numbers for so many rows of a table, if it needs any.
    pub(super) async fn row_ids(&self, table: &TableInfo, rows: usize) -> Result<RowIds> {
        let needed = table.primary_key == PrimaryKey::Hidden || auto_increment_position(table).is_some();
        if !needed || rows == 0 {
            return Ok(RowIds::new(0));
        }
        Ok(RowIds::new(self.node.group().allocate_ids(table.id, rows as u64, None).await?))
    }

    /// Writes rows and reports as `INSERT` does.
    async fn write_new_rows(
        &mut self,
        target: &Target,
        rows: Vec<NewRow>,
        ids: &RowIds,
        on_conflict: OnConflict,
    ) -> Result<Completion> {
        let count = rows.len() as u64;
        let affected = match on_conflict {
            OnConflict::Fail => {
                let writer = RowWriter::new(&target.table);
                let mut ops = Vec::with_capacity(rows.len() * (1 + target.table.maintained_indexes().count()));
                for row in &rows {
                    writer.insert(&row.key, &row.values, &mut ops)?;
                }
                self.write_checked(ops).await?;
                count
            }
            on_conflict => self.write_conflicting(target, rows, &on_conflict).await?,
        };
        self.note_row_ids(&target.table, ids).await?;
        let mut completion = Completion::affected(affected);
        completion.last_insert_id = ids.first_generated.or(ids.last_given).unwrap_or(0);
        if count > 1 {
            let duplicates = count.abs_diff(affected);
            completion.info =
                format!("Records: {count}  Duplicates: {duplicates}  Warnings: {}", self.diagnostics.count());
        }
        Ok(completion)
    }

    /// Keeps `LAST_INSERT_ID()`, and moves the table's counter past the values that the user gave.
    pub(super) async fn note_row_ids(&mut self, table: &TableInfo, ids: &RowIds) -> Result<()> {
        if let Some(first) = ids.first_generated {
            self.diagnostics.last_insert_id = first;
        }
        if let Some(largest) = ids.largest_given {
            self.node.group().allocate_ids(table.id, 0, Some(largest.saturating_add(1))).await?;
        }
        Ok(())
    }
}

/// Positions of named columns. Fails with 1054 or 1110.
pub(super) fn column_positions(table: &TableInfo, names: &[&str]) -> Result<Vec<usize>> {
    let mut seen = HashSet::new();
    names
        .iter()
        .map(|name| {
            let position = table.column_position(name).ok_or_else(|| SqlError::unknown_column(name, "field list"))?;
            if !seen.insert(position) {
                return Err(SqlError::new(1110, format!("Column '{name}' specified twice")));
            }
            Ok(position)
        })
        .collect()
}

/// The rows of a plain `VALUES` list.
fn literal_rows(query: &Query) -> Option<Vec<&[Expr]>> {
    match &*query.body {
        SetExpr::Values(values) if query.with.is_none() && query.order_by.is_none() && query.limit_clause.is_none() => {
            Some(values.rows.iter().map(|row| row.content.as_slice()).collect())
        }
        _ => None,
    }
}

fn on_conflict(insert: &ast::Insert) -> Result<OnConflict> {
    match &insert.on {
        Some(OnInsert::DuplicateKeyUpdate(assignments)) => Ok(OnConflict::Update(assignments.clone())),
        Some(OnInsert::OnConflict(_)) => Err(SqlError::not_supported("ON CONFLICT")),
        Some(_) => Err(SqlError::not_supported("this form of INSERT")),
        None if insert.replace_into => Ok(OnConflict::Replace),
        None if insert.ignore => Ok(OnConflict::Ignore),
        None => Ok(OnConflict::Fail),
    }
}
