//! Tables and values of every type, for tests.

use arrow::datatypes::i256;
use bytes::Bytes;
use deltatree_storage::types::{ColumnId, StoredType, TableId, Value};
use proptest::prelude::*;

use super::{CatalogSnapshot, ColumnInfo, IndexInfo, PrimaryKey, SqlType, TableInfo};
use crate::table_write::KeyOp;

/// One of each type, with the variants that differ in storage.
pub(crate) fn all_types() -> Vec<SqlType> {
    let mut types = vec![
        SqlType::Float,
        SqlType::Double,
        SqlType::Decimal { precision: 15, scale: 2 },
        SqlType::Decimal { precision: 38, scale: 0 },
        SqlType::Decimal { precision: 65, scale: 30 },
        SqlType::Char { length: 10 },
        SqlType::VarChar { length: 100 },
        SqlType::Text { limit: 65_535 },
        SqlType::Binary { length: 4 },
        SqlType::VarBinary { length: 100 },
        SqlType::Blob { limit: 65_535 },
        SqlType::Date,
        SqlType::Time { fsp: 6 },
        SqlType::DateTime { fsp: 0 },
        SqlType::Timestamp { fsp: 3 },
        SqlType::Year,
        SqlType::Enum { values: vec!["a".into(), "b".into()] },
        SqlType::Set { values: vec!["a".into(), "b".into()] },
        SqlType::Bit { length: 64 },
        SqlType::Json,
    ];
    for unsigned in [false, true] {
        types.extend([
            SqlType::TinyInt { unsigned, boolean: false },
            SqlType::SmallInt { unsigned },
            SqlType::MediumInt { unsigned },
            SqlType::Int { unsigned },
            SqlType::BigInt { unsigned },
        ]);
    }
    types
}

pub(crate) fn column(id: u32, name: &str, sql_type: SqlType, nullable: bool) -> ColumnInfo {
    ColumnInfo::new(ColumnId(id), name, sql_type, nullable)
}

pub(crate) fn table(name: &str, columns: Vec<ColumnInfo>, primary_key: PrimaryKey) -> TableInfo {
    TableInfo {
        id: TableId(7),
        database_id: 1,
        schema_version: 3,
        ..TableInfo::new("test", name, columns, primary_key)
    }
}

/// The definitions after the changes are committed.
pub(crate) fn after(catalog: &CatalogSnapshot, ops: &[KeyOp]) -> CatalogSnapshot {
    let mutations = ops.iter().map(|op| (&op.key()[..], op.value().map(|v| &v[..])));
    catalog.apply(mutations).unwrap().unwrap()
}

pub(crate) fn index(id: u32, name: &str, columns: &[u32], unique: bool) -> IndexInfo {
    IndexInfo { id, name: name.into(), columns: columns.iter().map(|&c| ColumnId(c)).collect(), unique }
}

/// A table with a nullable column of every type, without a declared key. `first_id` may ask for
/// column ids that do not fit one byte.
pub(crate) fn wide_table(first_id: u32) -> TableInfo {
    let columns = (first_id..).zip(all_types()).map(|(id, t)| column(id, &format!("c{id}"), t, true)).collect();
    table("wide", columns, PrimaryKey::Hidden)
}

/// A value of the type, without NULL. The edges of each type come often.
pub(crate) fn value(sql_type: &SqlType) -> BoxedStrategy<Value> {
    fn int(min: i64, max: i64) -> BoxedStrategy<Value> {
        prop_oneof![Just(min), Just(max), Just(0), Just(-1), (-200i64..200), min..=max]
            .prop_map(move |v| Value::Int(v.clamp(min, max)))
            .boxed()
    }
    fn uint(max: u64) -> BoxedStrategy<Value> {
        prop_oneof![Just(0), Just(max), 0..=300u64, 0..=max].prop_map(move |v| Value::UInt(v.min(max))).boxed()
    }
    match sql_type.stored() {
        StoredType::Int8 => int(i8::MIN.into(), i8::MAX.into()),
        StoredType::Int16 => int(i16::MIN.into(), i16::MAX.into()),
        StoredType::Int32 | StoredType::Date32 => int(i32::MIN.into(), i32::MAX.into()),
        StoredType::Int64
        | StoredType::TimestampMicros
        | StoredType::TimestampMicrosUtc
        | StoredType::DurationMicros => int(i64::MIN, i64::MAX),
        StoredType::UInt8 => uint(u8::MAX.into()),
        StoredType::UInt16 => uint(u16::MAX.into()),
        StoredType::UInt32 => uint(u32::MAX.into()),
        StoredType::UInt64 => uint(u64::MAX),
        StoredType::Float32 => any::<f32>().prop_map(|v| Value::Float(v.into())).boxed(),
        StoredType::Float64 => any::<f64>().prop_map(Value::Float).boxed(),
        StoredType::Decimal128(precision, _) => {
            let max = 10i128.pow(precision.into()) - 1;
            prop_oneof![Just(max), Just(-max), Just(0), -1000i128..1000, -max..=max].prop_map(Value::Decimal).boxed()
        }
        StoredType::Decimal256(precision, _) => {
            let max = i256::from_i128(10).wrapping_pow(precision.into()).wrapping_sub(i256::ONE);
            prop_oneof![
                Just(max),
                Just(max.wrapping_neg()),
                Just(i256::ZERO),
                any::<i64>().prop_map(|v| i256::from_i128(v.into())),
                any::<i128>().prop_map(i256::from_i128),
            ]
            .prop_map(Value::BigDecimal)
            .boxed()
        }
        StoredType::Utf8 => prop_oneof![Just(String::new()), "[a-zäß]{0,20}", "\\PC{0,40}"]
            .prop_map(|s| Value::Bytes(Bytes::from(s)))
            .boxed(),
        StoredType::Binary => {
            prop::collection::vec(any::<u8>(), 0..40).prop_map(|b| Value::Bytes(Bytes::from(b))).boxed()
        }
    }
}

/// A row of the table, with NULLs where they may be.
pub(crate) fn row(info: &TableInfo) -> BoxedStrategy<Vec<Value>> {
    let cells: Vec<_> = info
        .columns
        .iter()
        .map(|c| {
            let value = value(&c.sql_type);
            if c.nullable { prop_oneof![1 => Just(Value::Null), 3 => value].boxed() } else { value }
        })
        .collect();
    cells.boxed()
}
