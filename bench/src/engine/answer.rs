//! Results as text, for comparison.

use anyhow::Context;
use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use deltatree_query::tpch::answers::Row;

/// The rows of a result, as text.
///
/// # Errors
/// When a column is of a type that has no text form.
pub fn rows_of(batches: &[RecordBatch]) -> anyhow::Result<Vec<Row>> {
    let options = FormatOptions::default();
    let mut rows = Vec::with_capacity(batches.iter().map(RecordBatch::num_rows).sum());
    for batch in batches {
        let columns: Vec<_> = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
            .collect::<Result<_, _>>()
            .context("cannot show a column of the result")?;
        for row in 0..batch.num_rows() {
            let cell = |(formatter, column): (&ArrayFormatter<'_>, &arrow::array::ArrayRef)| {
                column.is_valid(row).then(|| formatter.value(row).to_string())
            };
            rows.push(columns.iter().zip(batch.columns()).map(cell).collect());
        }
    }
    Ok(rows)
}
