//! The columns: what tables of orders and customers have.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Decimal128Array, Float64Array, Int64Array, StringViewArray, UInt64Array};
use deltatree_storage::pack::PackRows;
use deltatree_storage::types::{ColumnId, ColumnSchema, KeyArray, KeyKind, StoredType, TableId, TableSchema, Value};

use crate::crash::random::Random;

/// Rows made at a time.
const CHUNK_ROWS: u64 = 65_536;
/// Words that comments are made of.
const WORDS: [&str; 16] = [
    "carefully",
    "final",
    "deposits",
    "sleep",
    "furiously",
    "among",
    "the",
    "quickly",
    "ironic",
    "packages",
    "above",
    "special",
    "requests",
    "haggle",
    "blithely",
    "express",
];

/// One column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    /// Ascending without gaps: the primary key.
    Key,
    /// 1 to 50.
    Quantity,
    /// Any of a million.
    Customer,
    /// Any 64-bit integer.
    Hash,
    /// Cents.
    Price,
    /// Seven years.
    Day,
    /// Anything between 0 and 1.
    Ratio,
    /// One of three letters.
    Flag,
    /// A word and nine digits.
    Name,
    /// Six words.
    Comment,
}

impl Column {
    pub(super) const ALL: [Self; 10] = [
        Self::Key,
        Self::Quantity,
        Self::Customer,
        Self::Hash,
        Self::Price,
        Self::Day,
        Self::Ratio,
        Self::Flag,
        Self::Name,
        Self::Comment,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Quantity => "quantity",
            Self::Customer => "customer",
            Self::Hash => "hash",
            Self::Price => "price",
            Self::Day => "day",
            Self::Ratio => "ratio",
            Self::Flag => "flag",
            Self::Name => "name",
            Self::Comment => "comment",
        }
    }

    pub(super) fn data_type(self) -> StoredType {
        match self {
            Self::Key | Self::Quantity | Self::Customer | Self::Hash => StoredType::Int64,
            Self::Price => StoredType::Decimal128(15, 2),
            Self::Day => StoredType::Date32,
            Self::Ratio => StoredType::Float64,
            Self::Flag | Self::Name | Self::Comment => StoredType::Utf8,
        }
    }

    fn values(self, rows: Range<u64>) -> ArrayRef {
        let randoms = rows.clone().map(|row| Random::new(row * 31 + self as u64));
        let texts = |of: &dyn Fn(Random) -> String| -> ArrayRef {
            Arc::new(StringViewArray::from_iter_values(randoms.clone().map(of)))
        };
        let below = |limit: u64| {
            Arc::new(Int64Array::from_iter_values(randoms.clone().map(|mut r| r.below(limit).cast_signed())))
        };
        match self {
            Self::Key => Arc::new(Int64Array::from_iter_values(rows.map(u64::cast_signed))),
            Self::Quantity => below(50),
            Self::Customer => below(1_000_000),
            Self::Hash => below(u64::MAX),
            Self::Price => {
                let cents = randoms.clone().map(|mut r| i128::from(90_000 + r.below(10_000_000)));
                let cents = Decimal128Array::from_iter_values(cents);
                Arc::new(cents.with_data_type(self.data_type().arrow()))
            }
            Self::Day => {
                let days = randoms.clone().map(|mut r| 8_035 + i32::try_from(r.below(2_526)).unwrap_or_default());
                Arc::new(Date32Array::from_iter_values(days))
            }
            Self::Ratio => Arc::new(Float64Array::from_iter_values(
                randoms.clone().map(|mut r| r.number() as f64 / u64::MAX as f64),
            )),
            Self::Flag => texts(&|mut r| ["A", "N", "R"][r.below(3) as usize].to_owned()),
            Self::Name => texts(&|mut r| format!("Customer#{:09}", r.below(1_000_000))),
            Self::Comment => texts(&|mut r| {
                let words: Vec<&str> = (0..6).map(|_| WORDS[r.below(WORDS.len() as u64) as usize]).collect();
                words.join(" ")
            }),
        }
    }
}

/// The table of all columns.
pub(super) fn schema() -> TableSchema {
    let columns = Column::ALL.into_iter().zip(0..).map(|(column, id)| ColumnSchema {
        id: ColumnId(id),
        name: column.name().to_owned(),
        data_type: column.data_type(),
        nullable: false,
        default: Value::Null,
    });
    TableSchema { table: TableId(1), version: 1, key: KeyKind::Int, key_column: Some(0), columns: columns.collect() }
}

/// Its rows, in key order.
pub(super) fn rows(count: u64) -> impl Iterator<Item = PackRows> {
    let step = usize::try_from(CHUNK_ROWS).unwrap_or(usize::MAX);
    (0..count).step_by(step).map(move |start| {
        let rows = start..count.min(start + CHUNK_ROWS);
        PackRows {
            keys: KeyArray::Int(rows.clone().map(u64::cast_signed).collect()),
            commit_ts: UInt64Array::from_value(1, (rows.end - rows.start) as usize),
            tombstones: None,
            columns: Column::ALL.iter().map(|column| column.values(rows.clone())).collect(),
        }
    })
}
