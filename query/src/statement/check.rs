//! `CHECK` constraints: every row on its way into a table is tried against them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::physical_plan::PhysicalExpr;
use datafusion::sql::sqlparser::ast::Expr;
use deltatree_learner::catalog::TableInfo;
use deltatree_learner::codec::{KeyShape, RowsToArrow, key_shape};
use deltatree_learner::table_write::KeyOp;

use super::parse::quoted;
use super::select::restrict;
use super::view::definition;
use crate::error::{Result, SqlError};
use crate::rewrite::{self, RewriteContext};
use crate::session::{Session, StatementResult};
use crate::types::field::arrow_field;

/// A `CHECK` constraint, ready to be tried.
pub(crate) struct RowCheck {
    name: String,
    schema: SchemaRef,
    condition: Arc<dyn PhysicalExpr>,
}

impl RowCheck {
    /// Fails with 3819 if one of the rows, given by all columns of the table in their stored types, violates
    /// it.
    pub(crate) fn enforce(&self, columns: &[ArrayRef]) -> Result<()> {
        let rows = RecordBatch::try_new(self.schema.clone(), columns.to_vec())?;
        let holds = self.condition.evaluate(&rows)?.into_array(rows.num_rows())?;
        let violated = holds.as_boolean_opt().is_none_or(|holds| holds.iter().any(|row| row == Some(false)));
        // A condition that is NULL throughout has no truth value, and so none that is false.
        if violated && !holds.data_type().is_null() {
            return Err(SqlError::new(3819, format!("Check constraint '{}' is violated.", self.name)));
        }
        Ok(())
    }
}

impl Session {
    /// Fails with 3819 if one of the rows written violates a check of its table.
    pub(crate) fn enforce_checks(&self, ops: &[KeyOp]) -> Result<()> {
        let catalog = self.node.group().catalog();
        let row_table = |op: &KeyOp| match (op, key_shape(op.key())) {
            (KeyOp::Put { .. } | KeyOp::Insert { .. }, Some(KeyShape::Row { table, .. })) => Some(table),
            _ => None,
        };
        let Some(id) = ops.iter().find_map(row_table) else { return Ok(()) };
        let Some(table) = catalog.table_by_id(id).filter(|t| t.checks.iter().any(|c| c.enforced)) else {
            return Ok(());
        };
        let all: Vec<_> = (0..table.columns.len()).collect();
        let mut rows = RowsToArrow::new(table, &all, ops.len());
        for op in ops.iter().filter(|op| row_table(op) == Some(id)) {
            if let Some(value) = op.value() {
                rows.push(value)?;
            }
        }
        let rows = rows.finish()?;
        self.row_checks(table)?.iter().try_for_each(|check| check.enforce(rows.columns()))
    }

    /// The checks that rows of a table have to pass.
    pub(crate) fn row_checks(&self, table: &TableInfo) -> Result<Vec<RowCheck>> {
        let schema = row_schema(table);
        let enforced = table.checks.iter().filter(|c| c.enforced);
        enforced
            .map(|check| {
                let condition = self.node.engine().condition(&schema, self.check_condition(&check.condition)?)?;
                Ok(RowCheck { name: check.name.clone(), schema: schema.clone(), condition })
            })
            .collect()
    }

    /// Fails, as a query would, if a check of a new definition cannot be evaluated.
    pub(super) fn try_checks(&self, table: &TableInfo) -> Result<()> {
        for check in &table.checks {
            self.node.engine().condition(&row_schema(table), self.check_condition(&check.condition)?)?;
        }
        Ok(())
    }

    /// Fails with 3819 if a row that is there already violates the check of this name.
    pub(super) async fn try_rows(&mut self, table: &TableInfo, name: &str) -> Result<()> {
        let Some(check) = table.checks.iter().find(|c| c.enforced && c.name == name) else { return Ok(()) };
        let mut query = definition(&format!("SELECT 1 FROM {}.{}", quoted(&table.database), quoted(&table.name)))?;
        let violated = Expr::IsFalse(Box::new(Expr::Nested(Box::new(rewrite::parse_expr(&check.condition)?))));
        restrict(&mut query, Some(violated));
        let query = self.rewrite_query(query, &[])?;
        let read = self.read().await?;
        let rows = StatementResult::Rows(self.start_query(query, read).await?).collect().await?;
        if rows.iter().any(|batch| batch.num_rows() > 0) {
            return Err(SqlError::new(3819, format!("Check constraint '{name}' is violated.")));
        }
        Ok(())
    }

    fn check_condition(&self, text: &str) -> Result<Expr> {
        let function = self.function_context();
        rewrite::condition(
            rewrite::parse_expr(text)?,
            &RewriteContext { function: &function, variables: self, parameters: &[] },
        )
    }
}

fn row_schema(table: &TableInfo) -> SchemaRef {
    Arc::new(Schema::new(table.columns.iter().map(arrow_field).collect::<Vec<_>>()))
}
