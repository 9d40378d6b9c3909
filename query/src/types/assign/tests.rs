use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::{DataType, Field};
use deltatree_learner::catalog::{ColumnInfo, SqlType};
use deltatree_storage::types::{ColumnId, Value};

use crate::types::coerce::{Assignment, cast_value, coerce_array};
use crate::types::{Datum, Decimal, SessionZone};

fn column(sql_type: SqlType) -> ColumnInfo {
    ColumnInfo::new(ColumnId(1), "a", sql_type, true)
}

fn text(v: &str) -> Datum {
    Datum::Text(v.into())
}

fn decimal(v: &str) -> Datum {
    Datum::Decimal(Decimal::parse(v).unwrap())
}

fn store(sql_type: SqlType, datum: Datum) -> Result<Value, (u16, String)> {
    cast_value(&datum, &column(sql_type), 1, &mut Assignment::strict(SessionZone::UTC)).map_err(|e| (e.code, e.message))
}

fn code(sql_type: SqlType, datum: Datum) -> u16 {
    store(sql_type, datum).unwrap_err().0
}

fn bytes(v: &str) -> Value {
    Value::Bytes(v.to_owned().into())
}

const INT: SqlType = SqlType::Int { unsigned: false };

#[test]
fn integers_round_and_stay_in_range() {
    assert_eq!(store(INT, decimal("2.5")), Ok(Value::Int(3)));
    assert_eq!(store(INT, Datum::Float(2.5)), Ok(Value::Int(2)));
    assert_eq!(store(INT, text(" 12 ")), Ok(Value::Int(12)));
    assert_eq!(store(INT, text("1e2")), Ok(Value::Int(100)));
    assert_eq!(store(INT, Datum::Int(2_147_483_648)), Err((1264, "Out of range value for column 'a' at row 1".into())));
    assert_eq!(code(SqlType::TinyInt { unsigned: true, boolean: false }, Datum::Int(-1)), 1264);
    assert_eq!(code(SqlType::MediumInt { unsigned: false }, Datum::Int(8_388_608)), 1264);
    assert_eq!(store(SqlType::BigInt { unsigned: true }, Datum::UInt(u64::MAX)), Ok(Value::UInt(u64::MAX)));
    assert_eq!(store(INT, text("abc")), Err((1366, "Incorrect integer value: 'abc' for column 'a' at row 1".into())));
    assert_eq!(code(INT, text("12abc")), 1265);
    assert_eq!(store(INT, Datum::Bytes(vec![1, 0].into())), Ok(Value::Int(256)));
}

#[test]
fn decimals_round_half_away_and_stay_in_range() {
    let t = SqlType::Decimal { precision: 5, scale: 2 };
    assert_eq!(store(t.clone(), decimal("1.005")), Ok(Value::Decimal(101)));
    assert_eq!(store(t.clone(), decimal("-1.005")), Ok(Value::Decimal(-101)));
    assert_eq!(store(t.clone(), Datum::Float(0.1)), Ok(Value::Decimal(10)));
    assert_eq!(code(t.clone(), decimal("1000")), 1264);
    assert_eq!(code(t.clone(), text("12x")), 1366);
    assert_eq!(code(t, Datum::Float(1e300)), 1264);
    let wide = SqlType::Decimal { precision: 65, scale: 30 };
    assert!(matches!(store(wide, decimal("12345678901234567890123456789012345.5")), Ok(Value::BigDecimal(_))));
}

#[test]
fn text_keeps_its_length() {
    assert_eq!(store(SqlType::Char { length: 3 }, text("ab   ")), Ok(bytes("ab")));
    assert_eq!(store(SqlType::VarChar { length: 3 }, text("ab   ")), Ok(bytes("ab ")));
    assert_eq!(
        store(SqlType::VarChar { length: 3 }, text("abcd")),
        Err((1406, "Data too long for column 'a' at row 1".into()))
    );
    assert_eq!(store(SqlType::VarChar { length: 2 }, text("äö")), Ok(bytes("äö")));
    assert_eq!(store(SqlType::VarChar { length: 9 }, decimal("1.50")), Ok(bytes("1.50")));
    assert_eq!(store(SqlType::Binary { length: 4 }, text("ab")), Ok(bytes("ab\0\0")));
    assert_eq!(code(SqlType::VarBinary { length: 1 }, text("ab")), 1406);
    assert_eq!(code(SqlType::Text { limit: 255 }, Datum::Bytes(vec![0xFF].into())), 1366);
}

#[test]
fn dates_and_times_are_read_and_checked() {
    assert_eq!(store(SqlType::Date, text("2024-1-2")), Ok(Value::Int(19_724)));
    assert_eq!(store(SqlType::Date, Datum::Int(20_240_102)), Ok(Value::Int(19_724)));
    assert_eq!(
        store(SqlType::Date, text("2024-02-30")),
        Err((1292, "Incorrect date value: '2024-02-30' for column 'a' at row 1".into()))
    );
    for zero in ["0000-00-00", "2024-00-01"] {
        assert_eq!(code(SqlType::Date, text(zero)), 1292);
    }
    assert_eq!(store(SqlType::DateTime { fsp: 0 }, text("1970-01-01 00:00:00.5")), Ok(Value::Int(1_000_000)));
    assert_eq!(store(SqlType::DateTime { fsp: 1 }, text("1970-01-01 00:00:00.55")), Ok(Value::Int(600_000)));
    assert_eq!(code(SqlType::DateTime { fsp: 0 }, text("x")), 1292);
    assert_eq!(store(SqlType::Time { fsp: 0 }, text("-1:00:00")), Ok(Value::Int(-3_600_000_000)));
    assert_eq!(code(SqlType::Time { fsp: 0 }, text("839:00:00")), 1292);
    let mut east = Assignment::strict(SessionZone::Fixed(3600));
    let stamp = column(SqlType::Timestamp { fsp: 0 });
    assert_eq!(cast_value(&text("1970-01-01 02:00:00"), &stamp, 1, &mut east), Ok(Value::Int(3_600_000_000)));
    assert_eq!(cast_value(&text("1970-01-01 02:00:00+00:00"), &stamp, 1, &mut east), Ok(Value::Int(7_200_000_000)));
    assert_eq!(code(SqlType::Timestamp { fsp: 0 }, text("1969-12-31 00:00:00")), 1292);
    assert_eq!(code(SqlType::Timestamp { fsp: 0 }, text("2038-01-19 03:14:08")), 1292);
}

#[test]
fn years_enums_sets_bits_and_json() {
    assert_eq!(store(SqlType::Year, Datum::Int(70)), Ok(Value::UInt(1970)));
    assert_eq!(store(SqlType::Year, Datum::Int(0)), Ok(Value::UInt(0)));
    assert_eq!(store(SqlType::Year, text("0")), Ok(Value::UInt(2000)));
    assert_eq!(code(SqlType::Year, Datum::Int(2156)), 1264);
    let members = || vec!["x".to_owned(), "y".to_owned()];
    assert_eq!(store(SqlType::Enum { values: members() }, text("y")), Ok(bytes("y")));
    assert_eq!(store(SqlType::Enum { values: members() }, Datum::Int(1)), Ok(bytes("x")));
    assert_eq!(code(SqlType::Enum { values: members() }, text("z")), 1265);
    assert_eq!(store(SqlType::Set { values: members() }, text("y,x")), Ok(bytes("x,y")));
    assert_eq!(store(SqlType::Set { values: members() }, Datum::Int(2)), Ok(bytes("y")));
    assert_eq!(code(SqlType::Set { values: members() }, text("x,z")), 1265);
    assert_eq!(store(SqlType::Bit { length: 9 }, Datum::Bytes(vec![1, 1].into())), Ok(Value::UInt(257)));
    assert_eq!(code(SqlType::Bit { length: 8 }, Datum::Int(256)), 1406);
    assert_eq!(store(SqlType::Json, text(r#"{"bb":1,"a":[1,2]}"#)), Ok(bytes(r#"{"a": [1, 2], "bb": 1}"#)));
    assert_eq!(code(SqlType::Json, text("{")), 3140);
}

#[test]
fn without_strict_mode_values_are_clamped_with_a_warning() {
    let mut lax = Assignment { strict: false, ..Assignment::strict(SessionZone::UTC) };
    assert_eq!(cast_value(&Datum::Int(300), &column(INT), 1, &mut lax), Ok(Value::Int(300)));
    let tiny = column(SqlType::TinyInt { unsigned: false, boolean: false });
    assert_eq!(cast_value(&Datum::Int(300), &tiny, 1, &mut lax), Ok(Value::Int(127)));
    assert_eq!(cast_value(&text("abcd"), &column(SqlType::VarChar { length: 2 }), 1, &mut lax), Ok(bytes("ab")));
    assert_eq!(lax.warnings.iter().map(|w| w.code).collect::<Vec<_>>(), [1264, 1406]);
    let mut required = column(INT);
    required.nullable = false;
    assert_eq!(cast_value(&Datum::Null, &required, 1, &mut lax).unwrap_err().code, 1048);
}

#[test]
fn arrays_follow_the_rules_of_single_values() {
    let source = |array: &ArrayRef| Field::new("s", array.data_type().clone(), true);
    let mut strict = Assignment::strict(SessionZone::UTC);
    let mut coerce =
        |array: ArrayRef, sql_type: SqlType| coerce_array(&array, &source(&array), &column(sql_type), 1, &mut strict);
    let ints: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]));
    let out = coerce(ints.clone(), INT).unwrap();
    assert_eq!(out.as_primitive::<arrow::datatypes::Int32Type>(), &Int32Array::from(vec![Some(1), None, Some(3)]));
    let out = coerce(ints, SqlType::VarChar { length: 2 }).unwrap();
    assert_eq!(out.data_type(), &DataType::Utf8View);
    assert_eq!(out.as_string_view().value(2), "3");
    let wide: ArrayRef = Arc::new(Int64Array::from(vec![1, 1 << 40]));
    assert_eq!(coerce(wide, INT).unwrap_err().message, "Out of range value for column 'a' at row 2");
    let padded: ArrayRef = Arc::new(StringArray::from(vec!["a ", "b"]));
    assert_eq!(coerce(padded, SqlType::Char { length: 1 }).unwrap().as_string_view().value(0), "a");
    let dates: ArrayRef = Arc::new(StringArray::from(vec!["2024-01-02", "nonsense"]));
    assert_eq!(coerce(dates, SqlType::Date).unwrap_err().code, 1292);
}
