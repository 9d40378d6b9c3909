//! Queries for one row by its whole primary key, without the planner.
//!
//! What a prepared statement of this kind needs is found out once and kept with it, until definitions
//! change.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::sql::sqlparser::ast::{Expr, Query, Select, SelectItem, Statement};
use deltatree_learner::catalog::CatalogSnapshot;
use deltatree_learner::codec::{RowsToArrow, row_key};
use deltatree_storage::types::RowKey;
use parking_lot::Mutex;

use super::parsed::{ParsedStatement, StatementKind};
use super::point_key::{PointKey, column_of, makes_groups, plain_select};
use super::target::Target;
use crate::error::Result;
use crate::planner::QueryStream;
use crate::session::{Session, rows_of};
use crate::types::{Datum, field};

/// What is known of a prepared statement; clones share it.
#[derive(Clone, Default)]
pub(crate) struct KeptPoint(Arc<Mutex<Option<Known>>>);

impl fmt::Debug for KeptPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeptPoint")
    }
}

/// Holds as long as definitions and the current database are the same.
#[derive(Clone)]
struct Known {
    catalog: Arc<CatalogSnapshot>,
    database: Option<String>,
    /// `None`: the statement is no query for one row.
    point: Option<Arc<PointSelect>>,
}

/// A query for one row.
struct PointSelect {
    key: PointKey,
    /// Whether it locks the row.
    locks: bool,
    projection: Vec<usize>,
    schema: SchemaRef,
}

impl Session {
    /// Runs a query for one row; `None` if it is not such a query.
    pub(super) async fn point_select(&mut self, query: &Query) -> Result<Option<QueryStream>> {
        let Some(point) = self.point_of(query) else { return Ok(None) };
        let Some(key) = point.key.key(&[]) else { return Ok(None) };
        self.read_point(&point, &key).await
    }

    /// Runs a prepared query for one row; `None` if it is not such a query.
    pub(super) async fn prepared_point_select(
        &mut self,
        statement: &ParsedStatement,
        parameters: &[Datum],
    ) -> Result<Option<QueryStream>> {
        let Some(point) = self.prepared_point(statement) else { return Ok(None) };
        let Some(key) = point.key.key(parameters) else { return Ok(None) };
        self.read_point(&point, &key).await
    }

    fn prepared_point(&self, statement: &ParsedStatement) -> Option<Arc<PointSelect>> {
        let StatementKind::Sql(sql) = &statement.kind else { return None };
        let Statement::Query(query) = &**sql else { return None };
        let catalog = self.node.group().catalog();
        let mut kept = statement.point.0.lock();
        let known = kept.as_ref().filter(|k| Arc::ptr_eq(&k.catalog, &catalog) && k.database == self.database);
        if let Some(known) = known {
            return known.point.clone();
        }
        let point = self.point_of(query).filter(|p| p.key.parameters() == statement.parameters).map(Arc::new);
        *kept = Some(Known { catalog, database: self.database.clone(), point: point.clone() });
        point
    }

    /// The columns of a query for one row; `None` if it is not such a query.
    pub(super) fn point_schema(&self, query: &Query) -> Option<SchemaRef> {
        self.point_of(query).map(|point| point.schema)
    }

    async fn read_point(&mut self, point: &PointSelect, key: &RowKey) -> Result<Option<QueryStream>> {
        if !self.engines().row || (self.transaction.is_none() && self.past_ts()?.is_some()) {
            return Ok(None);
        }
        let table = &point.key.target.table;
        let key = row_key(table.id, key.as_ref());
        let ts = match &self.transaction {
            None => self.node.group().timestamp().await?,
            Some(open) => open.query_ts().await?,
        };
        let bytes = match &self.transaction {
            None => self.node.group().reader().get(&key, ts)?,
            Some(_) if point.locks => self.locked_row(&key).await?,
            Some(open) => open.inner.get_at(&key, ts)?,
        };
        if !self.reads_by(table, ts) {
            return Ok(None);
        }
        let mut rows = RowsToArrow::new(table, &point.projection, 1);
        if let Some(bytes) = bytes {
            rows.push(&bytes)?;
        }
        let batch = rows.finish()?;
        let batch = RecordBatch::try_new(point.schema.clone(), batch.columns().to_vec())?;
        Ok(Some(rows_of(point.schema.clone(), vec![batch])))
    }

    fn point_of(&self, query: &Query) -> Option<PointSelect> {
        let (select, table) = plain_select(query)?;
        let one_by_one = query.order_by.is_none()
            && query.limit_clause.is_none()
            && select.distinct.is_none()
            && !makes_groups(select);
        if !one_by_one {
            return None;
        }
        let key = self.point_key(table, select.selection.as_ref())?;
        let (projection, schema) = projection(&key.target, select)?;
        Some(PointSelect { key, locks: !query.locks.is_empty(), projection, schema })
    }
}

/// The columns that a query selects, if it selects plain columns.
pub(super) fn projection(target: &Target, select: &Select) -> Option<(Vec<usize>, SchemaRef)> {
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
