//! New rows from Arrow batches: `INSERT … SELECT`, and loaders that have Arrow already.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast::Query;
use deltatree_learner::catalog::TableInfo;
use deltatree_learner::codec::arrow_row;
use deltatree_learner::table_write::RowWriter;
use deltatree_storage::types::{StoredType, Value};

use super::conflict::OnConflict;
use super::dispatch::lost_race;
use super::insert::{NewRow, column_positions};
use super::rows::{RowIds, auto_increment_position};
use super::target::Target;
use crate::error::{Result, SqlError};
use crate::session::{Completion, Session, StatementResult};
use crate::types::coerce::coerce_array;

impl Session {
    /// Inserts a batch into a table (`name` or `database.name`) in one transaction, or in the open one.
    /// The batch's columns are matched by name; those it lacks get their defaults. Returns the number of
    /// rows.
    pub async fn insert_batch(&mut self, table: &str, batch: &RecordBatch) -> Result<u64> {
        let (database, name) = match table.split_once('.') {
            Some((database, name)) => (Some(database), name),
            None => (None, table),
        };
        let mut retries = 0;
        loop {
            self.open_for_statement(false).await?;
            let own = self.transaction.as_ref().is_some_and(|t| t.of_statement);
            let result = self.insert_batch_once(database, name, batch).await;
            let result = if own { self.end_own_transaction(result).await } else { result };
            match result {
                // Only the definition can have changed: nothing was read.
                Err(e) if own && lost_race(&e) && retries < 3 => retries += 1,
                result => return result,
            }
        }
    }

    async fn insert_batch_once(&mut self, database: Option<&str>, name: &str, batch: &RecordBatch) -> Result<u64> {
        let table = self.table(database, name)?;
        let target = Target { name: table.name.clone(), table };
        let schema = batch.schema();
        let names: Vec<_> = schema.fields().iter().map(|f| f.name().as_str()).collect();
        let positions = column_positions(&target.table, &names)?;
        self.use_schema(&target)?;
        let ids = self.insert_columns(&target, &positions, batch, 1).await?;
        self.note_row_ids(&target.table, &ids).await?;
        Ok(batch.num_rows() as u64)
    }

    /// Writes a batch whose columns belong at `positions`. `first_row` is for messages.
    async fn insert_columns(
        &mut self,
        target: &Target,
        positions: &[usize],
        batch: &RecordBatch,
        first_row: u64,
    ) -> Result<RowIds> {
        let ids = self.row_ids(&target.table, batch.num_rows()).await?;
        let (batch, ids, hidden_start) = self.complete_batch(&target.table, positions, batch, first_row, ids, false)?;
        let mut ops = Vec::new();
        RowWriter::new(&target.table).insert_batch(&batch, hidden_start, &mut ops)?;
        self.write_checked(ops).await?;
        Ok(ids)
    }

    /// All columns of the table, in their stored types. Also returns the first number for hidden keys.
    fn complete_batch(
        &mut self,
        table: &TableInfo,
        positions: &[usize],
        batch: &RecordBatch,
        first_row: u64,
        mut ids: RowIds,
        lenient: bool,
    ) -> Result<(RecordBatch, RowIds, i64)> {
        if positions.len() != batch.num_columns() {
            return Err(SqlError::column_count(first_row));
        }
        let rows = batch.num_rows();
        let first_id = ids.take();
        let auto = auto_increment_position(table);
        let mut assignment = self.assignment(lenient);
        let schema = batch.schema();
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(table.columns.len());
        for (i, column) in table.columns.iter().enumerate() {
            let given = positions.iter().position(|&p| p == i);
            let array = match given {
                Some(at) if auto == Some(i) && batch.column(at).null_count() > 0 => {
                    return Err(SqlError::not_supported("NULL for an AUTO_INCREMENT column from a query"));
                }
                Some(at) => coerce_array(batch.column(at), schema.field(at), column, first_row, &mut assignment)?,
                None if auto == Some(i) => {
                    ids.generated(first_id);
                    let numbers: UInt64Array = (first_id..first_id + rows as u64).collect();
                    let numbers: ArrayRef = Arc::new(numbers);
                    let source = Field::new(&column.name, DataType::UInt64, false);
                    coerce_array(&numbers, &source, column, first_row, &mut assignment)?
                }
                None => repeat(&self.default_value(column, lenient)?, column.sql_type.stored(), rows)?,
            };
            if auto == Some(i) && given.is_some() {
                for row in 0..rows {
                    let value = deltatree_learner::codec::arrow_value(&array, row);
                    ids.given(&value?);
                }
            }
            columns.push(array);
        }
        self.diagnostics.warn(assignment.warnings);
        let fields = table.columns.iter().map(|c| Field::new(&c.name, c.sql_type.stored().arrow(), c.nullable));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let hidden_start = i64::try_from(first_id).map_err(|_| SqlError::internal("no row ids left"))?;
        Ok((RecordBatch::try_new(schema, columns)?, ids, hidden_start))
    }

    /// `INSERT … SELECT`.
    pub(super) async fn insert_query(
        &mut self,
        target: &Target,
        positions: &[usize],
        query: &Query,
        on_conflict: OnConflict,
    ) -> Result<Completion> {
        let query = self.rewrite_query(query.clone(), &[])?;
        let read = self.read_newest().await?;
        // The rows are collected first: a query on the table itself must not see what it adds.
        let batches = StatementResult::Rows(self.start_query(query, read).await?).collect().await?;
        let lenient = matches!(on_conflict, OnConflict::Ignore);
        let (mut affected, mut records, mut first_generated) = (0, 0, None);
        for batch in batches {
            let rows = batch.num_rows() as u64;
            if batch.num_columns() != positions.len() {
                return Err(SqlError::column_count(1));
            }
            let ids = if matches!(on_conflict, OnConflict::Fail) {
                affected += rows;
                self.insert_columns(target, positions, &batch, records + 1).await?
            } else {
                let ids = self.row_ids(&target.table, batch.num_rows()).await?;
                let (batch, ids, hidden) =
                    self.complete_batch(&target.table, positions, &batch, records + 1, ids, lenient)?;
                affected += self.write_conflicting(target, new_rows(target, &batch, hidden)?, &on_conflict).await?;
                ids
            };
            records += rows;
            first_generated = first_generated.or(ids.first_generated);
            self.note_row_ids(&target.table, &ids).await?;
        }
        if let Some(first) = first_generated {
            self.diagnostics.last_insert_id = first;
        }
        let duplicates = records.abs_diff(affected);
        let warnings = self.diagnostics.count();
        Ok(Completion {
            affected,
            last_insert_id: first_generated.unwrap_or(0),
            info: format!("Records: {records}  Duplicates: {duplicates}  Warnings: {warnings}"),
            ..Completion::default()
        })
    }
}

fn new_rows(target: &Target, batch: &RecordBatch, hidden_start: i64) -> Result<Vec<NewRow>> {
    let writer = RowWriter::new(&target.table);
    (0..batch.num_rows())
        .map(|row| {
            let values = arrow_row(batch.columns(), row)?;
            let key = writer.key(&values, Some(hidden_start + row as i64));
            Ok(NewRow { key: key?, values })
        })
        .collect()
}

/// An array that holds one value throughout.
pub(crate) fn repeat(value: &Value, stored: StoredType, rows: usize) -> Result<ArrayRef> {
    let data_type = stored.arrow();
    let scalar = match value {
        Value::Null => ScalarValue::try_from(&data_type)?,
        Value::Int(v) => match stored {
            StoredType::Date32 => ScalarValue::Date32(i32::try_from(*v).ok()),
            StoredType::TimestampMicros => ScalarValue::TimestampMicrosecond(Some(*v), None),
            StoredType::TimestampMicrosUtc => ScalarValue::TimestampMicrosecond(Some(*v), Some("UTC".into())),
            StoredType::DurationMicros => ScalarValue::DurationMicrosecond(Some(*v)),
            _ => ScalarValue::Int64(Some(*v)).cast_to(&data_type)?,
        },
        Value::UInt(v) => ScalarValue::UInt64(Some(*v)).cast_to(&data_type)?,
        Value::Float(v) => ScalarValue::Float64(Some(*v)).cast_to(&data_type)?,
        Value::Decimal(v) => match stored {
            StoredType::Decimal128(p, s) => ScalarValue::Decimal128(Some(*v), p, s),
            _ => return Err(SqlError::internal("a decimal in a column of another type")),
        },
        Value::BigDecimal(v) => match stored {
            StoredType::Decimal256(p, s) => ScalarValue::Decimal256(Some(*v), p, s),
            _ => return Err(SqlError::internal("a decimal in a column of another type")),
        },
        Value::Bytes(bytes) if stored == StoredType::Utf8 => {
            ScalarValue::Utf8View(Some(String::from_utf8_lossy(bytes).into_owned()))
        }
        Value::Bytes(bytes) => ScalarValue::BinaryView(Some(bytes.to_vec())),
    };
    Ok(scalar.to_array_of_size(rows)?)
}
