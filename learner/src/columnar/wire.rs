//! Requests and figures of columnar scans, for the wire.

use arrow::array::{Array, BinaryArray, Int64Array, RecordBatch};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use bytes::Bytes;
use deltatree_storage::api::{ColumnStatistics, ScanEstimate, ScanMetrics, ScanRequest, SnapshotStatistics};
use deltatree_storage::predicate::{CompareOp, Predicate};
use deltatree_storage::types::{KeyArray, KeyRange, Value};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What a replica elsewhere can evaluate of a [`ScanRequest`].
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WireRequest {
    projection: Vec<usize>,
    key_range: KeyRange,
    predicates: Vec<WirePredicate>,
    exclude: Option<WireKeys>,
    batch_rows: usize,
}

#[derive(Debug, Serialize, Deserialize)]
enum WireKeys {
    Int(Vec<i64>),
    Bytes(Vec<Bytes>),
}

#[derive(Debug, Serialize, Deserialize)]
enum WirePredicate {
    Compare { column: usize, op: WireOp, value: Value },
    In { column: usize, values: Vec<Value> },
    IsNull { column: usize },
    IsNotNull { column: usize },
    And(Vec<WirePredicate>),
    Or(Vec<WirePredicate>),
    Not(Box<WirePredicate>),
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum WireOp {
    Eq,
    NotEq,
    Lt,
    LtEq,
    Gt,
    GtEq,
}

impl WireRequest {
    /// `projection` and `predicates` instead of the request's own; its filters stay behind.
    pub(super) fn new(request: &ScanRequest, projection: Vec<usize>, predicates: &[Predicate]) -> Self {
        Self {
            projection,
            key_range: request.key_range.clone(),
            predicates: predicates.iter().map(WirePredicate::of).collect(),
            exclude: request.exclude.as_ref().map(WireKeys::of),
            batch_rows: request.batch_rows,
        }
    }

    pub(super) fn into_request(self) -> ScanRequest {
        ScanRequest {
            key_range: self.key_range,
            predicates: self.predicates.into_iter().map(WirePredicate::into_predicate).collect(),
            exclude: self.exclude.map(WireKeys::into_keys),
            batch_rows: self.batch_rows.max(1),
            ..ScanRequest::all(self.projection)
        }
    }
}

impl WireKeys {
    fn of(keys: &KeyArray) -> Self {
        match keys {
            KeyArray::Int(keys) => Self::Int(keys.values().to_vec()),
            KeyArray::Bytes(keys) => {
                Self::Bytes((0..keys.len()).map(|i| Bytes::copy_from_slice(keys.value(i))).collect())
            }
        }
    }

    fn into_keys(self) -> KeyArray {
        match self {
            Self::Int(keys) => KeyArray::Int(Int64Array::from(keys)),
            Self::Bytes(keys) => KeyArray::Bytes(BinaryArray::from_iter_values(keys)),
        }
    }
}

impl WirePredicate {
    fn of(predicate: &Predicate) -> Self {
        let all = |parts: &[Predicate]| parts.iter().map(Self::of).collect();
        match predicate {
            Predicate::Compare { column, op, value } => {
                Self::Compare { column: *column, op: WireOp::of(*op), value: value.clone() }
            }
            Predicate::In { column, values } => Self::In { column: *column, values: values.clone() },
            Predicate::IsNull { column } => Self::IsNull { column: *column },
            Predicate::IsNotNull { column } => Self::IsNotNull { column: *column },
            Predicate::And(parts) => Self::And(all(parts)),
            Predicate::Or(parts) => Self::Or(all(parts)),
            Predicate::Not(inner) => Self::Not(Box::new(Self::of(inner))),
        }
    }

    fn into_predicate(self) -> Predicate {
        let all = |parts: Vec<Self>| parts.into_iter().map(Self::into_predicate).collect();
        match self {
            Self::Compare { column, op, value } => Predicate::Compare { column, op: op.into_op(), value },
            Self::In { column, values } => Predicate::In { column, values },
            Self::IsNull { column } => Predicate::IsNull { column },
            Self::IsNotNull { column } => Predicate::IsNotNull { column },
            Self::And(parts) => Predicate::And(all(parts)),
            Self::Or(parts) => Predicate::Or(all(parts)),
            Self::Not(inner) => Predicate::Not(Box::new(inner.into_predicate())),
        }
    }
}

impl WireOp {
    fn of(op: CompareOp) -> Self {
        match op {
            CompareOp::Eq => Self::Eq,
            CompareOp::NotEq => Self::NotEq,
            CompareOp::Lt => Self::Lt,
            CompareOp::LtEq => Self::LtEq,
            CompareOp::Gt => Self::Gt,
            CompareOp::GtEq => Self::GtEq,
        }
    }

    fn into_op(self) -> CompareOp {
        match self {
            Self::Eq => CompareOp::Eq,
            Self::NotEq => CompareOp::NotEq,
            Self::Lt => CompareOp::Lt,
            Self::LtEq => CompareOp::LtEq,
            Self::Gt => CompareOp::Gt,
            Self::GtEq => CompareOp::GtEq,
        }
    }
}

/// See [`SnapshotStatistics`].
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WireStatistics {
    rows: u64,
    exact_rows: bool,
    columns: Vec<WireColumn>,
}

#[derive(Debug, Serialize, Deserialize)]
struct WireColumn {
    min: Option<Value>,
    max: Option<Value>,
    null_count: u64,
    exact: bool,
    distinct: Option<u64>,
    bytes: u64,
}

impl WireStatistics {
    pub(super) fn of(statistics: &SnapshotStatistics) -> Self {
        let columns = statistics.columns.iter().map(|c| WireColumn {
            min: c.min.clone(),
            max: c.max.clone(),
            null_count: c.null_count,
            exact: c.exact,
            distinct: c.distinct,
            bytes: c.bytes,
        });
        Self { rows: statistics.rows, exact_rows: statistics.exact_rows, columns: columns.collect() }
    }

    pub(super) fn into_statistics(self) -> SnapshotStatistics {
        let columns = self.columns.into_iter().map(|c| ColumnStatistics {
            min: c.min,
            max: c.max,
            null_count: c.null_count,
            exact: c.exact,
            distinct: c.distinct,
            bytes: c.bytes,
        });
        SnapshotStatistics { rows: self.rows, exact_rows: self.exact_rows, columns: columns.collect() }
    }
}

/// See [`ScanEstimate`].
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WireEstimate {
    zones_total: u64,
    zones_kept: u64,
    rows_kept: u64,
    bytes_kept: u64,
    rows_total: u64,
}

impl WireEstimate {
    pub(super) fn of(e: &ScanEstimate) -> Self {
        let ScanEstimate { zones_total, zones_kept, rows_kept, bytes_kept, rows_total } = *e;
        Self { zones_total, zones_kept, rows_kept, bytes_kept, rows_total }
    }

    pub(super) fn into_estimate(self) -> ScanEstimate {
        let Self { zones_total, zones_kept, rows_kept, bytes_kept, rows_total } = self;
        ScanEstimate { zones_total, zones_kept, rows_kept, bytes_kept, rows_total }
    }
}

/// See [`ScanMetrics`].
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WireMetrics {
    zones_total: u64,
    zones_pruned: u64,
    rows_scanned: u64,
    rows_returned: u64,
    delta_rows: u64,
    packs_read: u64,
    packs_pruned: u64,
}

impl WireMetrics {
    pub(super) fn of(m: &ScanMetrics) -> Self {
        let ScanMetrics { zones_total, zones_pruned, rows_scanned, rows_returned, .. } = *m;
        let ScanMetrics { delta_rows, packs_read, packs_pruned, .. } = *m;
        Self { zones_total, zones_pruned, rows_scanned, rows_returned, delta_rows, packs_read, packs_pruned }
    }

    pub(super) fn into_metrics(self) -> ScanMetrics {
        let Self { zones_total, zones_pruned, rows_scanned, rows_returned, delta_rows, packs_read, packs_pruned } =
            self;
        ScanMetrics { zones_total, zones_pruned, rows_scanned, rows_returned, delta_rows, packs_read, packs_pruned }
    }
}

pub(super) fn encode<T: Serialize>(value: &T) -> Result<Bytes> {
    let encoded = postcard::to_allocvec(value);
    encoded.map(Bytes::from).map_err(|e| Error::Internal(format!("cannot encode a message: {e}")))
}

pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    postcard::from_bytes(bytes).map_err(|e| Error::Corrupt { what: "message", reason: e.to_string() })
}

/// A batch as an Arrow IPC stream of its own, so that parts can be read in any order.
pub(super) fn encode_rows(batch: &RecordBatch) -> Result<Bytes> {
    let mut out = Vec::new();
    let mut written = || {
        let mut writer = StreamWriter::try_new(&mut out, &batch.schema())?;
        writer.write(batch)?;
        writer.finish()
    };
    written().map_err(|e| Error::Internal(format!("cannot encode rows: {e}")))?;
    Ok(out.into())
}

/// Inverse of [`encode_rows`].
pub(super) fn decode_rows(bytes: &[u8]) -> Result<RecordBatch> {
    let damaged = |reason: String| Error::Corrupt { what: "rows of a columnar replica", reason };
    let mut reader = StreamReader::try_new(bytes, None).map_err(|e| damaged(e.to_string()))?;
    let batch = reader.next().ok_or_else(|| damaged("a part without a batch".into()))?;
    batch.map_err(|e| damaged(e.to_string()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, RecordBatchOptions, StringViewArray};
    use arrow::datatypes::Schema;
    use deltatree_storage::types::RowKey;

    use super::*;

    #[test]
    fn a_request_comes_over_whole() {
        let column = |value| Predicate::Compare { column: 1, op: CompareOp::LtEq, value };
        let predicates = [
            Predicate::Or(vec![column(Value::Int(3)), Predicate::Not(Box::new(Predicate::IsNull { column: 2 }))]),
            Predicate::In { column: 0, values: vec![Value::Bytes(Bytes::from_static(b"a"))] },
        ];
        let request = ScanRequest {
            key_range: KeyRange { start: Some(RowKey::Int(5)), end: None },
            exclude: Some(KeyArray::Int(vec![6, 9].into())),
            ..ScanRequest::all(vec![2, 0])
        };
        let sent = WireRequest::new(&request, vec![2, 0, 1], &predicates);
        let there = decode::<WireRequest>(&encode(&sent).unwrap()).unwrap().into_request();
        assert_eq!(there.projection, [2, 0, 1]);
        assert_eq!(there.predicates, predicates);
        assert_eq!(there.key_range, request.key_range);
        assert!(matches!(there.exclude, Some(KeyArray::Int(keys)) if keys.values() == &[6, 9]));
    }

    #[test]
    fn rows_come_over_also_without_columns() {
        let text: ArrayRef = Arc::new(StringViewArray::from(vec![Some("a"), None, Some("longer than twelve bytes")]));
        let batch = RecordBatch::try_from_iter([("t", text)]).unwrap();
        assert_eq!(decode_rows(&encode_rows(&batch).unwrap()).unwrap(), batch);
        let options = RecordBatchOptions::new().with_row_count(Some(7));
        let counted = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options).unwrap();
        assert_eq!(decode_rows(&encode_rows(&counted).unwrap()).unwrap().num_rows(), 7);
    }
}
