//! The data of TPC-H as Arrow batches, byte for byte the official generator's.
//!
//! Batches come in key order, decimals as `Decimal128(15, 2)`, text as `Utf8View`, dates as `Date32`.
//! A table may be made in several parts by several threads; the parts, one after the other, are the
//! table.

use std::thread;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use tokio::sync::mpsc;
use tpchgen::generators::{
    CustomerGenerator, LineItemGenerator, NationGenerator, OrderGenerator, PartGenerator, PartSuppGenerator,
    RegionGenerator, SupplierGenerator,
};
use tpchgen_arrow::{
    CustomerArrow, LineItemArrow, NationArrow, OrderArrow, PartArrow, PartSuppArrow, RecordBatchIterator, RegionArrow,
    SupplierArrow,
};

use super::schema::Table;

/// Batches that a producing thread may be ahead of its consumer.
const BATCHES_AHEAD: usize = 4;

/// Makes what all tables share: a pool of text of 300 MB, kept for the life of the process.
///
/// Blocks for a second or more, the first time. Without it the first table's batches take that long.
pub fn prepare() {
    drop(batches(Table::Region, 1.0, 1, 1, 1).next());
}

/// Part `part` (from 1) of `parts` of a table, in batches of at most `batch_rows` rows.
///
/// `nation` and `region` are not divided: they come whole as the first part, the others are empty.
pub fn batches(table: Table, scale: f64, batch_rows: usize, part: usize, parts: usize) -> Batches {
    let (p, n) = (part as i32, parts as i32);
    let source: Box<dyn RecordBatchIterator> = match table {
        Table::Region => Box::new(RegionArrow::new(RegionGenerator::new(scale, 1, 1)).with_batch_size(batch_rows)),
        Table::Nation => Box::new(NationArrow::new(NationGenerator::new(scale, 1, 1)).with_batch_size(batch_rows)),
        Table::Supplier => {
            Box::new(SupplierArrow::new(SupplierGenerator::new(scale, p, n)).with_batch_size(batch_rows))
        }
        Table::Part => Box::new(PartArrow::new(PartGenerator::new(scale, p, n)).with_batch_size(batch_rows)),
        Table::PartSupp => {
            Box::new(PartSuppArrow::new(PartSuppGenerator::new(scale, p, n)).with_batch_size(batch_rows))
        }
        Table::Customer => {
            Box::new(CustomerArrow::new(CustomerGenerator::new(scale, p, n)).with_batch_size(batch_rows))
        }
        Table::Orders => Box::new(OrderArrow::new(OrderGenerator::new(scale, p, n)).with_batch_size(batch_rows)),
        Table::LineItem => {
            Box::new(LineItemArrow::new(LineItemGenerator::new(scale, p, n)).with_batch_size(batch_rows))
        }
    };
    let whole_in_first = matches!(table, Table::Region | Table::Nation);
    Batches { source, ended: whole_in_first && part > 1 }
}

/// An iterator over one part of a table.
pub struct Batches {
    source: Box<dyn RecordBatchIterator>,
    ended: bool,
}

impl Batches {
    /// The schema of every batch.
    pub fn schema(&self) -> SchemaRef {
        self.source.schema().clone()
    }
}

impl Iterator for Batches {
    type Item = RecordBatch;

    fn next(&mut self) -> Option<RecordBatch> {
        if self.ended {
            return None;
        }
        let batch = self.source.next();
        self.ended = batch.is_none();
        batch
    }
}

/// A table's batches, made by a thread of its own while the receiver uses the earlier ones.
///
/// The thread ends with the table, or soon after the receiver is dropped.
///
/// # Errors
/// When the system gives no thread.
pub fn stream(table: Table, scale: f64, batch_rows: usize) -> std::io::Result<mpsc::Receiver<RecordBatch>> {
    let (sender, receiver) = mpsc::channel(BATCHES_AHEAD);
    thread::Builder::new().name(format!("tpch-{table}")).spawn(move || {
        for batch in batches(table, scale, batch_rows, 1, 1) {
            if sender.blocking_send(batch).is_err() {
                break;
            }
        }
    })?;
    Ok(receiver)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_together_are_the_table() {
        for table in Table::ALL {
            let rows =
                |part, parts| -> usize { batches(table, 0.01, 1000, part, parts).map(|batch| batch.num_rows()).sum() };
            let whole = rows(1, 1);
            assert_eq!(whole, (1..=3).map(|part| rows(part, 3)).sum::<usize>(), "{table}");
            if table != Table::LineItem {
                assert_eq!(whole as u64, table.rows(0.01), "{table}");
            }
        }
    }

    #[test]
    fn a_dropped_receiver_ends_the_stream() {
        let mut receiver = stream(Table::LineItem, 0.01, 100).unwrap();
        assert_eq!(receiver.blocking_recv().unwrap().num_rows(), 100);
    }
}
