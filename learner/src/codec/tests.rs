use std::ops::Bound;

use ::arrow::array::{Array, RecordBatch};
use bytes::Bytes;
use deltatree_storage::types::{ColumnId, KeyRange, RowKey, TableId, Value};
use proptest::prelude::*;

use super::*;
use crate::catalog::testing::{column, index, row, table, value, wide_table};
use crate::catalog::{PrimaryKey, SqlType, TableInfo};

const KEY: RowKey = RowKey::Int(1);

fn encoded(info: &TableInfo, row: &[Value]) -> Vec<u8> {
    let mut out = Vec::new();
    encode_row(info, row, &mut out).unwrap();
    out
}

fn to_arrow(info: &TableInfo, rows: &[Vec<u8>]) -> RecordBatch {
    let all: Vec<_> = (0..info.columns.len()).collect();
    let mut arrow = RowsToArrow::new(info, &all, rows.len());
    rows.iter().for_each(|row| arrow.push(row).unwrap());
    arrow.finish().unwrap()
}

fn int() -> SqlType {
    SqlType::Int { unsigned: false }
}

fn text() -> SqlType {
    SqlType::VarChar { length: 20 }
}

fn keyed(columns: Vec<SqlType>) -> TableInfo {
    let columns: Vec<_> = (1..).zip(columns).map(|(id, t)| column(id, &format!("c{id}"), t, false)).collect();
    let key = columns.iter().map(|c| c.id).collect();
    table("keyed", columns, PrimaryKey::Columns { columns: key })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn rows_of_every_type_come_back(first_id in prop_oneof![Just(1u32), Just(250)], rows in prop::collection::vec(row(&wide_table(1)), 1..5)) {
        let info = wide_table(first_id);
        let bytes: Vec<_> = rows.iter().map(|row| encoded(&info, row)).collect();
        for (row, bytes) in rows.iter().zip(&bytes) {
            prop_assert_eq!(&decode_row(&info, &KEY, bytes).unwrap(), row);
        }
        let batch = to_arrow(&info, &bytes);
        for (i, column) in info.columns.iter().enumerate() {
            prop_assert_eq!(batch.column(i).data_type(), &column.sql_type.stored().arrow());
        }
        let again = encode_batch(&info, &batch, 10).unwrap();
        for (i, row) in rows.iter().enumerate() {
            prop_assert_eq!(&arrow_row(batch.columns(), i).unwrap(), row);
            prop_assert_eq!(&again.value(i)[..], &bytes[i][..]);
            prop_assert_eq!(&again.keys[i], &RowKey::Int(10 + i as i64));
        }
    }

    #[test]
    fn noise_is_refused_or_read_but_never_panics(noise in prop::collection::vec(any::<u8>(), 0..60)) {
        let info = wide_table(1);
        let _ = decode_row(&info, &KEY, &noise);
        let _ = RowsToArrow::new(&info, &[0, 3, 5], 1).push(&noise);
        let mut almost = vec![1, noise.first().copied().unwrap_or(0) & 3];
        almost.extend_from_slice(&noise);
        let _ = decode_row(&info, &KEY, &almost);
        let _ = decode_row_key(&noise, info.key_kind());
        let _ = decode_index_entry(&info, &index(1, "i", &[1], true), &noise, &noise);
    }

    #[test]
    fn a_damaged_row_never_panics(row in row(&wide_table(1)), flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), cut in any::<prop::sample::Index>()) {
        let info = wide_table(1);
        let mut bytes = encoded(&info, &row);
        prop_assert!(bytes.len() == 1 + cut.index(bytes.len()) || decode_row(&info, &KEY, &bytes[..cut.index(bytes.len())]).is_err());
        for (at, with) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= with;
        }
        let all: Vec<_> = (0..info.columns.len()).collect();
        let mut arrow = RowsToArrow::new(&info, &all, 1);
        let decoded = decode_row(&info, &KEY, &bytes);
        let pushed = arrow.push(&bytes);
        prop_assert_eq!(decoded.is_ok(), pushed.is_ok());
        if let Ok(decoded) = decoded {
            prop_assert_eq!(arrow_row(arrow.finish().unwrap().columns(), 0).unwrap(), decoded);
        }
    }

    #[test]
    fn projections_are_the_columns_asked_for(row in row(&wide_table(1)), projection in prop::collection::vec(0usize..30, 0..6)) {
        let info = wide_table(1);
        let mut arrow = RowsToArrow::new(&info, &projection, 1);
        arrow.push(&encoded(&info, &row)).unwrap();
        let batch = arrow.finish().unwrap();
        prop_assert_eq!(batch.num_rows(), 1);
        let expected: Vec<_> = projection.iter().map(|&i| row[i].clone()).collect();
        prop_assert_eq!(arrow_row(batch.columns(), 0).unwrap(), expected);
    }

    #[test]
    fn composite_keys_keep_order_and_come_back(
        a in (value(&SqlType::BigInt { unsigned: true }), value(&text())),
        b in (value(&SqlType::BigInt { unsigned: true }), value(&text())),
    ) {
        let info = keyed(vec![SqlType::BigInt { unsigned: true }, text()]);
        let (a, b) = (vec![a.0, a.1], vec![b.0, b.1]);
        let (ka, kb) = (handle_of(&info, &a).unwrap(), handle_of(&info, &b).unwrap());
        let order = a[0].compare(&b[0]).unwrap().then(a[1].compare(&b[1]).unwrap());
        prop_assert_eq!(ka.cmp(&kb), order);
        prop_assert_eq!(row_key(info.id, ka.as_ref()).cmp(&row_key(info.id, kb.as_ref())), order);
        let values: Vec<_> = a.into_iter().enumerate().collect();
        prop_assert_eq!(key_values(&info, &ka).unwrap(), values);
        let bytes = row_key(info.id, ka.as_ref());
        prop_assert_eq!(decode_row_key(&bytes, info.key_kind()).unwrap(), (info.id, ka));
    }

    #[test]
    fn integer_keys_keep_order_and_come_back(a in any::<u64>(), b in any::<u64>(), signed in any::<bool>()) {
        let column_type = SqlType::BigInt { unsigned: !signed };
        let info = table("t", vec![column(1, "id", column_type, false)], PrimaryKey::Integer { column: ColumnId(1) });
        let cell = |v: u64| if signed { Value::Int(v as i64) } else { Value::UInt(v) };
        let key = |v: u64| handle_of(&info, &[cell(v)]).unwrap();
        let bytes = |v: u64| row_key(info.id, key(v).as_ref());
        prop_assert_eq!(bytes(a).cmp(&bytes(b)), cell(a).compare(&cell(b)).unwrap());
        prop_assert_eq!(decode_row_key(&bytes(a), info.key_kind()).unwrap(), (info.id, key(a)));
        prop_assert_eq!(key_values(&info, &key(a)).unwrap(), vec![(0, cell(a))]);
        let (start, end) = row_range(info.id, &KeyRange { start: Some(key(b)), end: None });
        prop_assert_eq!(start <= bytes(a) && bytes(a) < end, key(b) <= key(a));
    }

    #[test]
    fn index_entries_name_their_row_and_lie_in_their_ranges(
        row in row(&table("t", vec![column(1, "a", int(), true), column(2, "b", text(), true)], PrimaryKey::Hidden)),
        other in row(&table("t", vec![column(1, "a", int(), true), column(2, "b", text(), true)], PrimaryKey::Hidden)),
        unique in any::<bool>(),
    ) {
        let info = table("t", vec![column(1, "a", int(), true), column(2, "b", text(), true)], PrimaryKey::Hidden);
        let index = index(4, "i", &[2, 1], unique);
        let (key, value, exclusive) = index_key(&info, &index, &row, KEY.as_ref()).unwrap();
        let values = vec![row[1].clone(), row[0].clone()];
        prop_assert_eq!(exclusive, unique && !values.contains(&Value::Null));
        let entry = decode_index_entry(&info, &index, &key, &value).unwrap();
        prop_assert_eq!(&entry.values, &values);
        prop_assert_eq!(entry.handle, KEY);
        // Another row meets this one at the same key only if both must be the only one.
        let (second, _, _) = index_key(&info, &index, &row, RowKey::Int(2).as_ref()).unwrap();
        prop_assert_eq!(second == key, exclusive);

        let bound = [other[1].clone()];
        let order = values[0].compare(&bound[0]).unwrap();
        let within = |start, end| {
            let (start, end) = index_range(info.id, index.id, start, end);
            start <= key && key < end
        };
        prop_assert_eq!(within(Bound::Included(&bound[..]), Bound::Included(&bound[..])), order.is_eq());
        prop_assert_eq!(within(Bound::Included(&bound[..]), Bound::Unbounded), order.is_ge());
        prop_assert_eq!(within(Bound::Excluded(&bound[..]), Bound::Unbounded), order.is_gt());
        prop_assert_eq!(within(Bound::Unbounded, Bound::Included(&bound[..])), order.is_le());
        prop_assert_eq!(within(Bound::Unbounded, Bound::Excluded(&bound[..])), order.is_lt());
    }
}

#[test]
fn a_column_added_later_reads_as_its_origin_default_and_a_dropped_one_is_skipped() {
    let old = table("t", vec![column(1, "a", int(), false), column(2, "b", text(), true)], PrimaryKey::Hidden);
    let bytes = encoded(&old, &[Value::Int(5), Value::Bytes("x".into())]);
    let mut added = column(300, "c", SqlType::Decimal { precision: 5, scale: 1 }, false);
    added.origin_default = Value::Decimal(15);
    let new = table("t", vec![added, column(4, "d", text(), true), column(1, "a", int(), false)], PrimaryKey::Hidden);
    let expected = vec![Value::Decimal(15), Value::Null, Value::Int(5)];
    assert_eq!(decode_row(&new, &KEY, &bytes).unwrap(), expected);
    let batch = to_arrow(&new, &[bytes.clone(), encoded(&new, &expected), bytes]);
    for row in 0..3 {
        assert_eq!(arrow_row(batch.columns(), row).unwrap(), expected);
    }
}

#[test]
fn rows_beyond_64_kib_and_tombstones() {
    let info = table("t", vec![column(1, "a", text(), true), column(2, "b", text(), true)], PrimaryKey::Hidden);
    let big = Value::Bytes(Bytes::from(vec![b'x'; 70_000]));
    for row in [vec![big.clone(), Value::Null], vec![big.clone(), Value::Bytes("y".into())], vec![Value::Null, big]] {
        let bytes = encoded(&info, &row);
        assert_eq!(decode_row(&info, &KEY, &bytes).unwrap(), row);
        let mut arrow = RowsToArrow::new(&info, &[0, 1], 2);
        arrow.push_blank();
        arrow.push(&bytes).unwrap();
        let batch = arrow.finish().unwrap();
        assert!(!batch.column(0).is_null(0));
        assert_eq!(arrow_row(batch.columns(), 1).unwrap(), row);
    }
}

#[test]
fn values_that_do_not_fit_are_refused_and_leave_nothing_behind() {
    let info = table(
        "t",
        vec![column(1, "a", SqlType::TinyInt { unsigned: false, boolean: false }, false)],
        PrimaryKey::Hidden,
    );
    let mut out = vec![9];
    for wrong in [Value::Int(128), Value::UInt(1), Value::Bytes("1".into())] {
        let message = encode_row(&info, &[wrong], &mut out).unwrap_err().to_string();
        assert!(message.contains("does not fit a column stored as Int8"), "{message}");
    }
    assert!(encode_row(&info, &[], &mut out).unwrap_err().to_string().contains("1 columns, the row has 0"));
    assert_eq!(out, vec![9]);
    let not_text = table("t", vec![column(1, "a", text(), false)], PrimaryKey::Hidden);
    assert!(encode_row(&not_text, &[Value::Bytes(Bytes::from_static(b"\xff"))], &mut out).is_err());
    let money =
        table("t", vec![column(1, "a", SqlType::Decimal { precision: 3, scale: 1 }, false)], PrimaryKey::Hidden);
    assert!(encode_row(&money, &[Value::Decimal(1000)], &mut out).is_err());
}

#[test]
fn the_message_for_damage_names_table_and_key() {
    let info = wide_table(1);
    let message = decode_row(&info, &RowKey::Int(42), b"\x01\x00\x03").unwrap_err().to_string();
    assert_eq!(message, "damaged row Int(42) of table wide: the row of 3 bytes is cut short");
    let message = decode_row(&info, &KEY, b"\x07\x00\x03").unwrap_err().to_string();
    assert!(message.contains("expected row format 1, found 7"), "{message}");
}

#[test]
fn keys_of_tables_do_not_mix() {
    let info = table("t", vec![column(1, "a", int(), true)], PrimaryKey::Hidden);
    let (key, _, _) = index_key(&info, &index(1, "i", &[1], false), &[Value::Null], KEY.as_ref()).unwrap();
    let (start, end) = table_range(info.id);
    let row = row_key(info.id, RowKey::Int(i64::MIN).as_ref());
    assert!(start <= key && key < row && row < end);
    assert!(end <= table_range(TableId(8)).0);
    let (rows_start, rows_end) = row_range(info.id, &KeyRange::ALL);
    assert!(rows_start <= row && row < rows_end && rows_end < end && key < rows_start);
    assert_eq!(key_shape(&key), Some(KeyShape::Index { table: info.id, index: 1, rest: &key[15..] }));
    assert_eq!(key_shape(b"m_next_id"), Some(KeyShape::Meta));
    assert_eq!(key_shape(b"t12"), None);
}

#[test]
fn zeros_of_both_signs_are_one_key() {
    let info = keyed(vec![SqlType::Double]);
    assert_eq!(handle_of(&info, &[Value::Float(-0.0)]), handle_of(&info, &[Value::Float(0.0)]));
}

#[test]
fn batches_of_the_wrong_shape_are_refused() {
    let info = keyed(vec![int(), text()]);
    let other = table("o", vec![column(1, "a", int(), true)], PrimaryKey::Hidden);
    let batch = to_arrow(&other, &[encoded(&other, &[Value::Null])]);
    assert!(encode_batch(&info, &batch, 0).unwrap_err().to_string().contains("2 columns, the batch has 1"));
    let not_null = table("o", vec![column(1, "a", int(), false)], PrimaryKey::Integer { column: ColumnId(1) });
    assert!(encode_batch(&not_null, &batch, 0).unwrap_err().to_string().contains("a cannot be NULL"));
    let wrong = table("o", vec![column(1, "a", SqlType::Double, false)], PrimaryKey::Hidden);
    assert!(
        encode_batch(&wrong, &batch, 0).unwrap_err().to_string().contains("stored as Float64, the batch has Int32")
    );
}
