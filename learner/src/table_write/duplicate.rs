//! The message for a key that exists already.

use deltatree_storage::types::{StoredType, Value};

use crate::catalog::{SqlType, TableInfo};
use crate::codec::{KeyShape, decode_row_key, key_shape, key_values};

/// MySQL's text for error 1062, from the key that was in the way:
/// `Duplicate entry '1-a' for key 't.PRIMARY'`. Points in time are shown in UTC.
pub fn duplicate_message(info: &TableInfo, key: &[u8]) -> String {
    let (name, values) = match key_shape(key) {
        Some(KeyShape::Index { index, rest, .. }) => index_values(info, index, rest),
        Some(KeyShape::Row { .. } | KeyShape::Meta) | None => ("PRIMARY", row_values(info, key)),
    };
    format!("Duplicate entry '{}' for key '{}.{name}'", values.join("-"), info.name)
}

fn row_values(info: &TableInfo, key: &[u8]) -> Vec<String> {
    decode_row_key(key, info.key_kind())
        .and_then(|(_, key)| key_values(info, &key))
        .map(|values| values.iter().map(|(i, v)| display(&info.columns[*i].sql_type, v)).collect())
        .unwrap_or_default()
}

fn index_values<'a>(info: &'a TableInfo, index: u32, mut rest: &[u8]) -> (&'a str, Vec<String>) {
    let copies = info.converting.iter().flat_map(|conversion| &conversion.indexes);
    let mut indexes = info.maintained_indexes().chain(copies);
    let Some(index) = indexes.find(|i| i.id == index) else { return ("?", Vec::new()) };
    let stored = info.as_stored();
    let values = index.columns.iter().filter_map(|c| {
        let value = deltatree_storage::types::memcomparable::decode(&mut rest)?;
        Some(display(&stored.columns[stored.position_of(*c)?].sql_type, &value))
    });
    (&index.name, values.collect())
}

/// A value as MySQL prints it.
fn display(sql_type: &SqlType, value: &Value) -> String {
    match value {
        Value::Null => "NULL".into(),
        Value::Int(v) => time(sql_type, *v).unwrap_or_else(|| v.to_string()),
        Value::UInt(v) => v.to_string(),
        Value::Float(v) => v.to_string(),
        Value::Decimal(v) => scaled(sql_type, v.to_string()),
        Value::BigDecimal(v) => scaled(sql_type, v.to_string()),
        Value::Bytes(b) => String::from_utf8_lossy(b).into_owned(),
    }
}

fn scaled(sql_type: &SqlType, digits: String) -> String {
    let SqlType::Decimal { scale, .. } = sql_type else { return digits };
    let scale = usize::from(*scale);
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits.as_str()), |d| ("-", d));
    if scale == 0 {
        return format!("{sign}{digits}");
    }
    let digits = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    format!("{sign}{whole}.{fraction}")
}

/// `None` for columns that hold no time.
fn time(sql_type: &SqlType, v: i64) -> Option<String> {
    use arrow::temporal_conversions::{date32_to_datetime, timestamp_us_to_datetime};
    match sql_type.stored() {
        StoredType::Date32 => date32_to_datetime(v.try_into().ok()?).map(|d| d.date().to_string()),
        StoredType::TimestampMicros | StoredType::TimestampMicrosUtc => {
            timestamp_us_to_datetime(v).map(|t| t.to_string())
        }
        StoredType::DurationMicros => {
            let (sign, micros) = (if v < 0 { "-" } else { "" }, v.unsigned_abs());
            let seconds = micros / 1_000_000;
            Some(format!("{sign}{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60))
        }
        _ => None,
    }
}
