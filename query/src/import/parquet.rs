//! Rows of Parquet files, in the Arrow types that values are taken from.

use std::collections::BTreeSet;
use std::fs::File;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::parquet::arrow::ProjectionMask;
use datafusion::parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};

use super::Input;
use crate::error::{Result, SqlError};

/// Rows of a batch.
const BATCH_ROWS: usize = 8192;

/// A file whose footer has been read.
#[derive(Clone)]
pub(crate) struct ParquetInput {
    input: Input,
    metadata: ArrowReaderMetadata,
}

impl ParquetInput {
    /// Reads the footer. Fails with 29 or 8157 (TiDB's error for a file that is not what it should be). Blocks.
    pub(crate) fn open(input: &Input) -> Result<Self> {
        let file = input.open()?;
        let damaged = |e| damaged(input, &e);
        let plain = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).map_err(damaged)?;
        // Text comes as views of what was read, not as copies; what has an Arrow type of its own stays.
        let hint = ArrowReaderOptions::new().with_schema(with_views(plain.schema()));
        let metadata = ArrowReaderMetadata::try_new(plain.metadata().clone(), hint).unwrap_or(plain);
        Ok(Self { input: input.clone(), metadata })
    }

    /// Names of its columns.
    pub(crate) fn columns(&self) -> Vec<String> {
        self.metadata.schema().fields().iter().map(|f| f.name().clone()).collect()
    }

    /// The file.
    pub(crate) fn input(&self) -> &Input {
        &self.input
    }

    /// How many row groups it has.
    pub(super) fn groups(&self) -> usize {
        self.metadata.metadata().num_row_groups()
    }

    /// Number of the first row of a group, from 1.
    pub(super) fn first_row(&self, group: usize) -> u64 {
        let before = self.metadata.metadata().row_groups().iter().take(group);
        1 + before.map(|g| u64::try_from(g.num_rows()).unwrap_or(0)).sum::<u64>()
    }

    /// The rows of a group, with the columns at these positions of the file.
    pub(super) fn read(&self, group: usize, columns: &[usize]) -> Result<ParquetBatches<'_>> {
        let file: File = self.input.open()?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone());
        let mask = ProjectionMask::roots(builder.parquet_schema(), columns.iter().copied());
        let reader = builder.with_batch_size(BATCH_ROWS).with_row_groups(vec![group]).with_projection(mask).build();
        // The reader gives columns in the file's order, each once.
        let read: BTreeSet<usize> = columns.iter().copied().collect();
        let order = columns.iter().map(|wanted| read.range(..wanted).count()).collect();
        Ok(ParquetBatches { input: &self.input, reader: reader.map_err(|e| damaged(&self.input, &e))?, order })
    }
}

/// Batches of one row group. Blocks.
pub(super) struct ParquetBatches<'a> {
    input: &'a Input,
    reader: ParquetRecordBatchReader,
    /// Where in the reader's batches each wanted column is.
    order: Vec<usize>,
}

impl ParquetBatches<'_> {
    pub(super) fn next(&mut self) -> Result<Option<RecordBatch>> {
        let Some(batch) = self.reader.next() else { return Ok(None) };
        let batch = batch.map_err(|e| damaged(self.input, &e))?;
        let arrays: Vec<_> = self.order.iter().map(|&at| simplified(batch.column(at))).collect::<Result<_>>()?;
        let schema = batch.schema();
        let fields = self.order.iter().zip(&arrays).map(|(&at, array)| {
            // What the file's writer has noted besides means nothing here.
            Field::new(schema.field(at).name(), array.data_type().clone(), true)
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(Some(RecordBatch::try_new_with_options(schema, arrays, &options)?))
    }
}

fn damaged(input: &Input, e: &impl std::fmt::Display) -> SqlError {
    SqlError::new(8157, format!("cannot read Parquet file '{}': {e}", input.name()))
}

fn with_views(schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| {
        let viewed = match field.data_type() {
            DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
            DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
            other => other.clone(),
        };
        Field::clone(field).with_data_type(viewed)
    });
    Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone()))
}

/// The array in a type that values are assigned from: one unit of time, plain text, no dictionaries.
fn simplified(array: &ArrayRef) -> Result<ArrayRef> {
    let wanted = match array.data_type() {
        DataType::Timestamp(unit, zone) if *unit != TimeUnit::Microsecond || zone.is_some() => {
            DataType::Timestamp(TimeUnit::Microsecond, zone.as_ref().map(|_| "UTC".into()))
        }
        DataType::Time32(_) | DataType::Time64(_) => {
            let micros = arrow::compute::cast(array, &DataType::Time64(TimeUnit::Microsecond))?;
            let micros = arrow::compute::cast(&micros, &DataType::Int64)?;
            return Ok(arrow::compute::cast(&micros, &DataType::Duration(TimeUnit::Microsecond))?);
        }
        DataType::Duration(_) => DataType::Duration(TimeUnit::Microsecond),
        DataType::Date64 => DataType::Date32,
        DataType::Float16 => DataType::Float32,
        DataType::Decimal32(p, s) | DataType::Decimal64(p, s) => DataType::Decimal128(*p, *s),
        DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::Dictionary(_, values) => match &**values {
            DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
            other => other.clone(),
        },
        nested if nested.is_nested() => {
            return Err(SqlError::not_supported(format!("IMPORT INTO of a column of type {nested}")));
        }
        _ => return Ok(array.clone()),
    };
    Ok(arrow::compute::cast(array, &wanted)?)
}
