//! The ends of an import's pipeline: sorted batches into the row store and into packs. All of it blocks.

use std::cell::Cell;

use arrow::array::{AsArray, RecordBatch, UInt64Array};
use deltatree_learner::codec::{append_row_key, encode_rows};
use deltatree_learner::table_write::duplicate_message;
use deltatree_learner::{Error as GroupError, RunSink};
use deltatree_storage::error::Error as StorageError;
use deltatree_storage::pack::PackRows;
use deltatree_storage::types::Timestamp;
use tokio::sync::mpsc::Receiver;

use super::convert::keys_of;
use super::pipeline::{Sorted, stopped};
use super::{Converter, RunningImport};
use crate::error::{Result, SqlError};

/// Writes rows as they come. Returns their number.
pub(super) fn write_rows(
    converter: &Converter,
    import: &RunningImport,
    ts: Timestamp,
    batches: Receiver<Sorted>,
) -> Result<u64> {
    let table = &converter.table;
    let mut key = Vec::new();
    write_run(converter, import, ts, batches, |sink, batch| {
        import.enter("importing");
        let keys = keys_of(batch);
        let (data, offsets) = encode_rows(table, &columns_of(batch)?)?;
        for row in 0..batch.num_rows() {
            key.clear();
            append_row_key(&mut key, table.id, keys.get(row));
            put(converter, sink, &key, &data[offsets[row]..offsets[row + 1]])?;
        }
        import.advance(batch.num_rows() as u64);
        Ok(())
    })
}

/// Writes index entries as they come.
pub(super) fn write_entries(
    converter: &Converter,
    import: &RunningImport,
    ts: Timestamp,
    batches: Receiver<Sorted>,
) -> Result<u64> {
    write_run(converter, import, ts, batches, |sink, batch| {
        let (keys, values) = (batch.column(0).as_binary::<i32>(), batch.column(1).as_binary::<i32>());
        (0..batch.num_rows()).try_for_each(|row| put(converter, sink, keys.value(row), values.value(row)))
    })
}

fn write_run(
    converter: &Converter,
    import: &RunningImport,
    ts: Timestamp,
    mut batches: Receiver<Sorted>,
    mut write: impl FnMut(&mut dyn RunSink, &RecordBatch) -> Result<()>,
) -> Result<u64> {
    let mut cause = None;
    let written = converter.group.ingest(ts, &mut |sink| {
        let mut all = || loop {
            match batches.blocking_recv() {
                Some(Some(batch)) => {
                    import.check()?;
                    write(sink, &batch)?;
                }
                Some(None) => return Ok(()),
                None => return Err(stopped()),
            }
        };
        all().map_err(|e: SqlError| {
            let text = e.message.clone();
            cause = Some(e);
            GroupError::Invalid(text)
        })
    });
    match cause {
        Some(cause) => Err(cause),
        None => Ok(written?),
    }
}

fn put(converter: &Converter, sink: &mut dyn RunSink, key: &[u8], value: &[u8]) -> Result<()> {
    sink.put(key, value).map_err(|e| match e {
        GroupError::DuplicateKey { key } => SqlError::new(1062, duplicate_message(&converter.table, &key)),
        other => other.into(),
    })
}

/// Builds packs of the rows as they come, if a columnar replica in this process wants them.
pub(super) fn build_packs(converter: &Converter, ts: Timestamp, mut batches: Receiver<Sorted>) -> Result<()> {
    let gave_up = Cell::new(false);
    let mut packs = std::iter::from_fn(|| match batches.blocking_recv() {
        Some(Some(batch)) => Some(Ok(PackRows {
            keys: keys_of(&batch),
            commit_ts: UInt64Array::from_value(ts.0, batch.num_rows()),
            tombstones: None,
            columns: batch.columns()[1..].to_vec(),
        })),
        Some(None) => None,
        None => {
            gave_up.set(true);
            Some(Err(StorageError::Cancelled))
        }
    });
    let built = converter.group.build_columns(&converter.table, ts, &mut packs);
    match built {
        _ if gave_up.get() => Err(stopped()),
        Ok(true) => Ok(()),
        // Nobody here wants them, but the rows must not wait for us.
        Ok(false) => loop {
            match batches.blocking_recv() {
                Some(Some(_)) => {}
                Some(None) => return Ok(()),
                None => return Err(stopped()),
            }
        },
        Err(e) => Err(e.into()),
    }
}

/// A converted batch without its key.
fn columns_of(batch: &RecordBatch) -> Result<RecordBatch> {
    let columns: Vec<_> = (1..batch.num_columns()).collect();
    Ok(batch.project(&columns)?)
}
