//! MySQL's conversions of arrays, as expressions need them: nothing here fails, text that does not read as
//! the wanted type becomes the number at its front, or NULL for dates and times.

use arrow::array::*;
use arrow::compute::cast;
use arrow::datatypes::*;

use crate::error::Result;
use crate::types::assign::{datetime_number, time_number};
use crate::types::calendar::DAY;
use crate::types::number::parse_f64_prefix;
use crate::types::text::{ColumnFormat, TextColumn};
use crate::types::{Decimal, SessionZone, temporal};

/// Whether values of the type are text.
pub(super) fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// Whether values of the type are bytes.
pub(super) fn is_binary(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_))
}

/// Whether values of the type are exact decimals.
pub(super) fn is_decimal(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..)
    )
}

/// Whether values of the type are dates, times or both.
pub(super) fn is_temporal(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Date32
            | DataType::Date64
            | DataType::Timestamp(..)
            | DataType::Duration(_)
            | DataType::Time32(_)
            | DataType::Time64(_)
    )
}

/// As text, in the form in which values are shown.
pub(super) fn to_text(array: &ArrayRef, field: &Field, zone: SessionZone) -> Result<StringViewArray> {
    if let DataType::Utf8View = array.data_type() {
        return Ok(array.as_string_view().clone());
    }
    if is_text(array.data_type()) || *array.data_type() == DataType::Null {
        return Ok(cast(array, &DataType::Utf8View)?.as_string_view().clone());
    }
    let format = ColumnFormat::new(field, zone);
    let column = TextColumn::new(array, &format)?;
    let mut builder = StringViewBuilder::with_capacity(array.len());
    let mut out = Vec::new();
    for row in 0..array.len() {
        if column.is_null(row) {
            builder.append_null();
        } else {
            out.clear();
            column.write(row, &mut out);
            builder.append_value(String::from_utf8_lossy(&out));
        }
    }
    Ok(builder.finish())
}

/// As bytes.
pub(super) fn to_bytes(array: &ArrayRef, field: &Field, zone: SessionZone) -> Result<BinaryViewArray> {
    if is_binary(array.data_type()) {
        return Ok(cast(array, &DataType::BinaryView)?.as_binary_view().clone());
    }
    Ok(to_text(array, field, zone)?.to_binary_view())
}

/// Values of a text or binary array as text; `None` for other types.
fn texts(array: &ArrayRef) -> Result<Option<StringViewArray>> {
    if is_text(array.data_type()) {
        return Ok(Some(cast(array, &DataType::Utf8View)?.as_string_view().clone()));
    }
    if is_binary(array.data_type()) {
        let bytes = cast(array, &DataType::BinaryView)?;
        let bytes = bytes.as_binary_view();
        return Ok(Some(bytes.iter().map(|v| v.map(String::from_utf8_lossy)).collect()));
    }
    Ok(None)
}

/// As doubles.
pub(super) fn to_double(array: &ArrayRef, zone: SessionZone) -> Result<Float64Array> {
    if let DataType::Float64 = array.data_type() {
        return Ok(array.as_primitive().clone());
    }
    if let Some(texts) = texts(array)? {
        return Ok(texts.iter().map(|v| v.map(|v| parse_f64_prefix(v).0)).collect());
    }
    if is_temporal(array.data_type()) {
        return Ok(temporal_numbers(array, zone)?.iter().map(|v| v.map(|v| v.to_f64())).collect());
    }
    Ok(cast(array, &DataType::Float64)?.as_primitive().clone())
}

/// As integers: exact fractions round half away from zero, floats half to even, text is cut.
pub(super) fn to_int(array: &ArrayRef, zone: SessionZone) -> Result<Int64Array> {
    match array.data_type() {
        DataType::Int64 => Ok(array.as_primitive().clone()),
        DataType::UInt64 => Ok(array.as_primitive::<UInt64Type>().unary(|v| v as i64)),
        DataType::Float32 | DataType::Float64 => {
            let doubles = cast(array, &DataType::Float64)?;
            Ok(doubles.as_primitive::<Float64Type>().unary(|v| v.round_ties_even() as i64))
        }
        t if is_decimal(t) => {
            let rounded = rescale_decimal(array, 0)?;
            Ok(rounded.iter().map(|v| v.map(saturate)).collect())
        }
        t if is_temporal(t) => {
            let numbers = temporal_numbers(array, zone)?;
            Ok(numbers.iter().map(|v| v.and_then(|v| v.to_integer()).map(saturate)).collect())
        }
        _ => match texts(array)? {
            Some(texts) => Ok(texts.iter().map(|v| v.map(|v| saturate(integer_prefix(v)))).collect()),
            None => Ok(cast(array, &DataType::Int64)?.as_primitive().clone()),
        },
    }
}

/// As unsigned integers; negative ones by their two's complement.
pub(super) fn to_uint(array: &ArrayRef, zone: SessionZone) -> Result<UInt64Array> {
    match array.data_type() {
        DataType::UInt64 => Ok(array.as_primitive().clone()),
        t if is_decimal(t) => {
            let rounded = rescale_decimal(array, 0)?;
            Ok(rounded.iter().map(|v| v.map(wrap_unsigned)).collect())
        }
        DataType::Float32 | DataType::Float64 => {
            let doubles = cast(array, &DataType::Float64)?;
            Ok(doubles.as_primitive::<Float64Type>().unary(|v| wrap_unsigned(v.round_ties_even() as i128)))
        }
        _ => match texts(array)? {
            Some(texts) => Ok(texts.iter().map(|v| v.map(|v| wrap_unsigned(integer_prefix(v)))).collect()),
            None => Ok(to_int(array, zone)?.unary(|v| v as u64)),
        },
    }
}

fn saturate(v: i128) -> i64 {
    v.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

fn wrap_unsigned(v: i128) -> u64 {
    if v < 0 { v.max(i64::MIN.into()) as i64 as u64 } else { v.min(u64::MAX.into()) as u64 }
}

/// The integer at the front of a text, 0 if there is none.
fn integer_prefix(text: &str) -> i128 {
    let text = text.trim_start();
    let sign = usize::from(text.starts_with(['-', '+']));
    let digits = text[sign..].bytes().take_while(u8::is_ascii_digit).count();
    let value = text[..sign + digits].trim_start_matches('+');
    value.parse().unwrap_or(match (digits, text.starts_with('-')) {
        (0, _) => 0,
        (_, true) => i128::MIN,
        (_, false) => i128::MAX,
    })
}

/// Unscaled values of a decimal array at another scale, rounded half away from zero.
pub(super) fn rescale_decimal(array: &ArrayRef, scale: u8) -> Result<Vec<Option<i128>>> {
    let precision = if matches!(array.data_type(), DataType::Decimal256(..)) { 76 } else { 38 };
    let from = decimal_scale(array.data_type());
    let wide = match array.data_type() {
        DataType::Decimal256(..) => array.clone(),
        DataType::Decimal128(..) => array.clone(),
        _ => cast(array, &DataType::Decimal128(38, from as i8))?,
    };
    let rescale = |unscaled: i256| Decimal { unscaled, scale: from }.rescale(scale).and_then(|v| v.to_i128());
    Ok(if precision == 76 {
        wide.as_primitive::<Decimal256Type>().iter().map(|v| v.and_then(rescale)).collect()
    } else {
        wide.as_primitive::<Decimal128Type>().iter().map(|v| v.and_then(|v| rescale(i256::from_i128(v)))).collect()
    })
}

/// The scale of a decimal type, 0 of any other.
pub(super) fn decimal_scale(data_type: &DataType) -> u8 {
    match data_type {
        DataType::Decimal32(_, s)
        | DataType::Decimal64(_, s)
        | DataType::Decimal128(_, s)
        | DataType::Decimal256(_, s) => (*s).max(0) as u8,
        _ => 0,
    }
}

/// Dates and times as the numbers that they are written by: 20240102, 20240102030405.
pub(super) fn temporal_numbers(array: &ArrayRef, zone: SessionZone) -> Result<Vec<Option<Decimal>>> {
    Ok(match array.data_type() {
        DataType::Duration(_) => to_time(array, zone)?.iter().map(|v| v.map(time_number)).collect(),
        DataType::Date32 => {
            let days = array.as_primitive::<Date32Type>();
            days.iter()
                .map(|v| {
                    v.map(|days| {
                        let (y, m, d) = crate::types::calendar::civil_from_days(days);
                        Decimal::from_int(i64::from(y) * 10_000 + i64::from(m) * 100 + i64::from(d))
                    })
                })
                .collect()
        }
        _ => to_datetime(array, zone)?.iter().map(|v| v.map(datetime_number)).collect(),
    })
}

/// As local date and time.
pub(super) fn to_datetime(array: &ArrayRef, zone: SessionZone) -> Result<TimestampMicrosecondArray> {
    match array.data_type() {
        DataType::Timestamp(TimeUnit::Microsecond, None) => Ok(array.as_primitive().clone()),
        DataType::Timestamp(_, None) => {
            Ok(cast(array, &DataType::Timestamp(TimeUnit::Microsecond, None))?.as_primitive().clone())
        }
        DataType::Timestamp(_, Some(_)) => {
            let utc = cast(array, &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))?;
            let utc = utc.as_primitive::<TimestampMicrosecondType>().clone().with_timezone_opt(None::<&str>);
            Ok(match zone {
                SessionZone::Fixed(0) => utc,
                _ => utc.unary(|v| zone.local_from_utc(v)),
            })
        }
        DataType::Date32 => Ok(array.as_primitive::<Date32Type>().unary(|days| i64::from(days) * DAY)),
        DataType::Null => Ok(TimestampMicrosecondArray::new_null(array.len())),
        DataType::Duration(_) => Ok(TimestampMicrosecondArray::new_null(array.len())),
        _ => match texts(array)? {
            Some(texts) => Ok(texts.iter().map(|v| v.and_then(temporal::parse_datetime).map(|p| p.micros)).collect()),
            None => {
                let numbers = to_int(array, zone)?;
                Ok(numbers.iter().map(|v| v.and_then(temporal::from_number).map(|p| p.micros)).collect())
            }
        },
    }
}

/// As days.
pub(super) fn to_date(array: &ArrayRef, zone: SessionZone) -> Result<Date32Array> {
    if let DataType::Date32 = array.data_type() {
        return Ok(array.as_primitive().clone());
    }
    Ok(to_datetime(array, zone)?.unary(|micros| micros.div_euclid(DAY) as i32))
}

/// As times.
pub(super) fn to_time(array: &ArrayRef, zone: SessionZone) -> Result<DurationMicrosecondArray> {
    match array.data_type() {
        DataType::Duration(TimeUnit::Microsecond) => Ok(array.as_primitive().clone()),
        DataType::Duration(_) => Ok(cast(array, &DataType::Duration(TimeUnit::Microsecond))?.as_primitive().clone()),
        DataType::Null => Ok(DurationMicrosecondArray::new_null(array.len())),
        DataType::Date32 | DataType::Timestamp(..) => {
            Ok(to_datetime(array, zone)?.unary(|micros| micros.rem_euclid(DAY)))
        }
        _ => match texts(array)? {
            Some(texts) => {
                let parse = |v| temporal::parse_time(v).map(|(micros, _)| temporal::clamp_time(micros));
                Ok(texts.iter().map(|v| v.and_then(parse)).collect())
            }
            None => {
                let numbers = to_int(array, zone)?;
                let clamp = |v| temporal::time_from_number(v).map(temporal::clamp_time);
                Ok(numbers.iter().map(|v| v.and_then(clamp)).collect())
            }
        },
    }
}
