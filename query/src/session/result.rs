//! What a statement gives back.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt, TryStreamExt, stream};

use crate::error::Result;
use crate::planner::QueryStream;

/// The result of one statement.
#[derive(Debug)]
pub enum StatementResult {
    /// Rows, as they are computed.
    Rows(QueryStream),
    /// The statement is done.
    Ok(Completion),
}

/// What a statement without rows reports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// Rows changed, as MySQL counts them.
    pub affected: u64,
    /// First `AUTO_INCREMENT` value that the statement generated, or 0.
    pub last_insert_id: u64,
    /// A sentence for the user, as `Rows matched: 1  Changed: 1  Warnings: 0`.
    pub info: String,
    /// Number of warnings.
    pub warnings: u16,
}

impl Completion {
    /// So many rows changed.
    pub(crate) fn affected(affected: u64) -> Self {
        Self { affected, ..Self::default() }
    }
}

impl StatementResult {
    /// A statement that changed nothing.
    pub(crate) fn done() -> Self {
        Self::Ok(Completion::default())
    }

    /// All rows, in memory: at least one batch, maybe empty, if the statement has a result.
    pub async fn collect(self) -> Result<Vec<RecordBatch>> {
        let Self::Rows(rows) = self else { return Ok(Vec::new()) };
        let mut batches: Vec<_> = rows.stream.try_collect().await?;
        if batches.is_empty() {
            batches.push(RecordBatch::new_empty(rows.schema));
        }
        Ok(batches)
    }

    /// The report of a statement without rows.
    pub fn completion(&self) -> Option<&Completion> {
        match self {
            Self::Ok(completion) => Some(completion),
            Self::Rows(_) => None,
        }
    }
}

/// A result that is in memory.
pub(crate) fn rows_of(schema: SchemaRef, batches: Vec<RecordBatch>) -> QueryStream {
    let stream = stream::iter(batches).map(Ok);
    QueryStream { schema: schema.clone(), stream: Box::pin(RecordBatchStreamAdapter::new(schema, stream)) }
}

/// A small result made row by row: the answers to `SHOW`.
pub(crate) struct TextTable {
    columns: Vec<(String, DataType)>,
    rows: Vec<Vec<Option<String>>>,
}

impl TextTable {
    /// A table with these columns, all of them text.
    pub(crate) fn new<S: AsRef<str>>(columns: &[S]) -> Self {
        Self {
            columns: columns.iter().map(|name| (name.as_ref().to_owned(), DataType::Utf8)).collect(),
            rows: Vec::new(),
        }
    }

    /// Says that a column holds numbers.
    pub(crate) fn number(mut self, column: &str) -> Self {
        for (name, data_type) in &mut self.columns {
            if *name == column {
                *data_type = DataType::Int64;
            }
        }
        self
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Adds a row.
    pub(crate) fn push<const N: usize>(&mut self, row: [Option<String>; N]) {
        self.rows.push(row.into());
    }

    /// Adds a row without NULL.
    pub(crate) fn push_all<const N: usize>(&mut self, row: [&str; N]) {
        self.rows.push(row.into_iter().map(|cell| Some(cell.to_owned())).collect());
    }

    /// The table as a batch.
    pub(crate) fn into_batch(self) -> Result<RecordBatch> {
        let mut fields = Vec::with_capacity(self.columns.len());
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.columns.len());
        for (i, (name, data_type)) in self.columns.into_iter().enumerate() {
            let text: StringArray = self.rows.iter().map(|row| row[i].as_deref()).collect();
            arrays.push(arrow::compute::cast(&text, &data_type)?);
            fields.push(Field::new(name, data_type, true));
        }
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(self.rows.len()));
        Ok(RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)?)
    }

    /// The table as a statement's result.
    pub(crate) fn into_result(self) -> Result<StatementResult> {
        let batch = self.into_batch()?;
        Ok(StatementResult::Rows(rows_of(batch.schema(), vec![batch])))
    }
}
