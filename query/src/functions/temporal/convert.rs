//! Dates and times as other numbers: days, seconds, Unix time; and between time zones.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;
use datafusion::logical_expr::ReturnFieldArgs;
use deltatree_learner::catalog::SqlType;

use crate::error::Result;
use crate::functions::call::Call;
use crate::functions::convert::{is_decimal, is_text};
use crate::functions::scalar::{DATETIME, Definition, Returned, Returns};
use crate::types::SessionZone;
use crate::types::calendar::{MAX_DATE, MIN_DATE, SECOND, days_from_civil};
use crate::types::temporal::clamp_time;

/// Days from year 0, as MySQL counts them, to 1970-01-01.
const EPOCH_DAYS: i64 = 719_528;
/// The last second that a Unix time may name: 3001-01-18 23:59:59 UTC.
const MAX_UNIX_TIME: i64 = 32_536_771_199;

pub(in crate::functions) const FUNCTIONS: &[Definition] = &[
    Definition::new("to_days", 1..=1, Returns::Int, |c| {
        Ok(Arc::new(c.dates(0)?.array.unary::<_, Int64Type>(|d| i64::from(d) + EPOCH_DAYS)))
    }),
    Definition::new("from_days", 1..=1, Returns::Date, |c| {
        let days = c.ints(0)?;
        let date = |row| {
            let days = i32::try_from(days.get(row)?.checked_sub(EPOCH_DAYS)?).ok()?;
            (MIN_DATE..=MAX_DATE).contains(&days).then_some(days)
        };
        Ok(Arc::new((0..c.rows()).map(date).collect::<Date32Array>()))
    }),
    Definition::new("to_seconds", 1..=1, Returns::Int, |c| {
        let at = c.datetimes(0)?.array;
        Ok(Arc::new(at.unary::<_, Int64Type>(|v| v.div_euclid(SECOND) + EPOCH_DAYS * 86_400)))
    }),
    Definition::new("time_to_sec", 1..=1, Returns::Int, |c| {
        Ok(Arc::new(c.times(0)?.array.unary::<_, Int64Type>(|v| v / SECOND)))
    }),
    Definition::new("sec_to_time", 1..=1, Returns::Time, |c| {
        let seconds = c.doubles(0)?;
        let time = |row| seconds.get(row).map(|v| clamp_time((v * SECOND as f64).round() as i64));
        Ok(Arc::new((0..c.rows()).map(time).collect::<DurationMicrosecondArray>()))
    }),
    Definition::new("makedate", 2..=2, Returns::Date, |c| {
        let (years, days) = (c.ints(0)?, c.ints(1)?);
        let date = |row| {
            let (year, day) = (years.get(row)?, days.get(row)?);
            let year = match year {
                0..=69 => year + 2000,
                70..=99 => year + 1900,
                _ => year,
            };
            let first = days_from_civil(i32::try_from(year).ok()?, 1, 1)?;
            let date = i64::from(first).checked_add(day)? - 1;
            let date = i32::try_from(date).ok().filter(|d| *d <= MAX_DATE);
            date.filter(|_| day > 0)
        };
        Ok(Arc::new((0..c.rows()).map(date).collect::<Date32Array>()))
    }),
    Definition::new("maketime", 3..=3, Returns::Time, |c| {
        let (hours, minutes, seconds) = (c.ints(0)?, c.ints(1)?, c.doubles(2)?);
        let time = |row| {
            let (h, m, s) = (hours.get(row)?, minutes.get(row)?, seconds.get(row)?);
            if !(0..60).contains(&m) || !(0.0..60.0).contains(&s) {
                return None;
            }
            let magnitude =
                (h.unsigned_abs().min(10_000) as i64 * 3600 + m * 60) * SECOND + (s * SECOND as f64).round() as i64;
            Some(clamp_time(if h < 0 { -magnitude } else { magnitude }))
        };
        Ok(Arc::new((0..c.rows()).map(time).collect::<DurationMicrosecondArray>()))
    }),
    Definition::new("unix_timestamp", 1..=1, Returns::By(unix_type), unix_timestamp),
    // seconds; a format as second argument is applied by the rewrite
    Definition::new("from_unixtime", 1..=1, Returns::By(from_unix_type), from_unixtime),
    Definition::new("convert_tz", 3..=3, Returns::DateTime, |c| {
        let (at, from, to) = (c.datetimes(0)?, c.text(1)?, c.text(2)?);
        let moved = |row| {
            let (from, to) = (SessionZone::parse(from.get(row)?).ok()?, SessionZone::parse(to.get(row)?).ok()?);
            Some(to.local_from_utc(from.utc_from_local(at.get(row)?)))
        };
        Ok(Arc::new((0..c.rows()).map(moved).collect::<TimestampMicrosecondArray>()))
    }),
];

/// Whole seconds of values that have no fraction by their type.
fn unix_type(args: &ReturnFieldArgs<'_>) -> Result<Returned> {
    let field = &args.arg_fields[0];
    let fsp = match crate::types::field::sql_type_of(field) {
        Some(SqlType::DateTime { fsp } | SqlType::Timestamp { fsp })
            if field.metadata().contains_key(crate::types::field::SQL_TYPE_KEY) =>
        {
            fsp
        }
        _ if is_text(field.data_type()) => {
            let text = args.scalar_arguments.first().copied().flatten().and_then(|v| v.try_as_str().flatten());
            text.and_then(crate::types::temporal::parse_datetime).map_or(6, |p| p.fsp)
        }
        _ => 0,
    };
    Ok(if fsp == 0 { DataType::Int64.into() } else { DataType::Decimal128(18, fsp as i8).into() })
}

/// As many digits of a second as the number has.
fn from_unix_type(args: &ReturnFieldArgs<'_>) -> Result<Returned> {
    let data_type = args.arg_fields[0].data_type();
    let fsp = match data_type {
        t if is_decimal(t) => crate::functions::convert::decimal_scale(t).min(6),
        t if t.is_integer() => 0,
        _ => 6,
    };
    Ok(Returned { data_type: DATETIME, sql_type: Some(SqlType::DateTime { fsp }) })
}

/// 0 for what lies outside of Unix time.
fn unix_timestamp(call: &Call<'_>) -> Result<ArrayRef> {
    let at = call.datetimes(0)?;
    let micros = |row| {
        let utc = call.zone.utc_from_local(at.get(row)?);
        Some(if (0..=MAX_UNIX_TIME * SECOND).contains(&utc) { utc } else { 0 })
    };
    Ok(match call.return_type {
        DataType::Decimal128(p, s) => {
            let unit = i128::from(10_i64.pow(6 - (*s).clamp(0, 6) as u32));
            let out: Decimal128Array = (0..call.rows()).map(|row| micros(row).map(|v| i128::from(v) / unit)).collect();
            Arc::new(out.with_precision_and_scale(*p, *s)?)
        }
        _ => Arc::new((0..call.rows()).map(|row| micros(row).map(|v| v / SECOND)).collect::<Int64Array>()),
    })
}

fn from_unixtime(call: &Call<'_>) -> Result<ArrayRef> {
    let local = |micros: i64| {
        let range = 0..=MAX_UNIX_TIME * SECOND + SECOND - 1;
        range.contains(&micros).then(|| call.zone.local_from_utc(micros))
    };
    let array = &call.argument(0).array;
    let out: TimestampMicrosecondArray = if is_decimal(array.data_type()) {
        let values = crate::functions::convert::rescale_decimal(array, 6)?;
        values.into_iter().map(|v| local(i64::try_from(v?).ok()?)).collect()
    } else if array.data_type().is_integer() {
        call.ints(0)?.array.iter().map(|v| local(v?.checked_mul(SECOND)?)).collect()
    } else {
        call.doubles(0)?.array.iter().map(|v| local((v? * SECOND as f64).round() as i64)).collect()
    };
    Ok(Arc::new(out))
}
