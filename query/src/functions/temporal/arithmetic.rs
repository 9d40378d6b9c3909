//! `DATE_ADD`, `DATEDIFF`, `TIMESTAMPDIFF` and their kind.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::ReturnFieldArgs;
use deltatree_learner::catalog::SqlType;

use super::unit::{Step, Unit};
use crate::error::{Result, SqlError};
use crate::functions::call::Call;
use crate::functions::convert::{is_temporal, is_text};
use crate::functions::scalar::{DATETIME, Definition, Returned, Returns, TIME};
use crate::types::Decimal;
use crate::types::calendar::{Civil, DAY, SECOND, write_date, write_datetime};
use crate::types::temporal::{clamp_time, parse_datetime};

pub(in crate::functions) const FUNCTIONS: &[Definition] = &[
    // date, amount, unit
    Definition::new("mysql_date_add", 3..=3, Returns::By(date_add_type), |c| date_add(c, false)),
    Definition::new("mysql_date_sub", 3..=3, Returns::By(date_add_type), |c| date_add(c, true)),
    Definition::new("datediff", 2..=2, Returns::Int, |c| {
        let (a, b) = (c.dates(0)?, c.dates(1)?);
        let days = |row| Some(i64::from(a.get(row)?) - i64::from(b.get(row)?));
        Ok(Arc::new((0..c.rows()).map(days).collect::<Int64Array>()))
    }),
    Definition::new("timediff", 2..=2, Returns::Time, timediff),
    // unit, from, to
    Definition::new("timestampdiff", 3..=3, Returns::Int, timestampdiff),
    Definition::new("addtime", 2..=2, Returns::By(addtime_type), |c| addtime(c, 1)),
    Definition::new("subtime", 2..=2, Returns::By(addtime_type), |c| addtime(c, -1)),
    Definition::new("period_add", 2..=2, Returns::Int, |c| {
        let (period, months) = (c.ints(0)?, c.ints(1)?);
        let add = |row| Some(to_period(from_period(period.get(row)?) + months.get(row)?));
        Ok(Arc::new((0..c.rows()).map(add).collect::<Int64Array>()))
    }),
    Definition::new("period_diff", 2..=2, Returns::Int, |c| {
        let (a, b) = (c.ints(0)?, c.ints(1)?);
        let diff = |row| Some(from_period(a.get(row)?) - from_period(b.get(row)?));
        Ok(Arc::new((0..c.rows()).map(diff).collect::<Int64Array>()))
    }),
];

/// The text of a literal argument.
fn literal_text(args: &ReturnFieldArgs<'_>, i: usize) -> Option<String> {
    let value: &ScalarValue = args.scalar_arguments.get(i).copied().flatten()?;
    value.try_as_str().flatten().map(str::to_owned)
}

/// A date stays a date when whole days are added; text stays text; the rest are datetimes.
fn date_add_type(args: &ReturnFieldArgs<'_>) -> Result<Returned> {
    let unit = literal_text(args, 2).map(|u| Unit::parse(&u)).transpose()?;
    Ok(match args.arg_fields[0].data_type() {
        DataType::Date32 if unit.is_some_and(|u| !u.has_time()) => DataType::Date32.into(),
        DataType::Duration(_) => TIME.into(),
        t if is_temporal(t) => {
            let fraction = unit.is_some_and(Unit::has_fraction);
            let declared = crate::types::field::sql_type_of(&args.arg_fields[0]);
            let sql_type = match declared {
                _ if fraction => Some(SqlType::DateTime { fsp: 6 }),
                Some(SqlType::DateTime { fsp } | SqlType::Timestamp { fsp })
                    if args.arg_fields[0].metadata().contains_key(crate::types::field::SQL_TYPE_KEY) =>
                {
                    Some(SqlType::DateTime { fsp })
                }
                _ => None,
            };
            Returned { data_type: DATETIME, sql_type }
        }
        _ => DataType::Utf8View.into(),
    })
}

/// What each row adds.
fn steps(call: &Call<'_>, unit: Unit, negate: bool) -> Result<impl Fn(usize) -> Option<Step>> {
    let texts = if unit.takes_text() || unit == Unit::Second { Some(call.text(1)?) } else { None };
    let ints = if texts.is_none() { Some(call.ints(1)?) } else { None };
    Ok(move |row: usize| {
        let step = match (&texts, &ints) {
            (Some(texts), _) if unit == Unit::Second => {
                let (v, _) = Decimal::parse_prefix(texts.get(row)?).unwrap_or((Decimal::from_int(0), false));
                let micros = v.rescale(6)?.to_i128()?;
                Step { months: 0, micros: i64::try_from(micros).ok()? }
            }
            (Some(texts), _) => unit.step_of_text(texts.get(row)?)?,
            (None, Some(ints)) => unit.step(ints.get(row)?)?,
            (None, None) => return None,
        };
        Some(if negate { step.negated() } else { step })
    })
}

fn unit(call: &Call<'_>, i: usize) -> Result<Unit> {
    let text = call.text(i)?;
    Unit::parse(text.get(0).ok_or_else(|| SqlError::wrong_arguments("INTERVAL"))?)
}

fn date_add(call: &Call<'_>, negate: bool) -> Result<ArrayRef> {
    let unit = unit(call, 2)?;
    let step = steps(call, unit, negate)?;
    if is_text(call.return_type) {
        return date_add_text(call, unit, step);
    }
    if let DataType::Duration(_) = call.return_type {
        let times = call.times(0)?;
        let moved = |row| times.get(row)?.checked_add(step(row)?.micros).map(clamp_time);
        return Ok(Arc::new((0..call.rows()).map(moved).collect::<DurationMicrosecondArray>()));
    }
    let from = call.datetimes(0)?;
    let moved = |row| step(row)?.apply(from.get(row)?);
    Ok(if *call.return_type == DataType::Date32 {
        let days = |row| moved(row).map(|micros| micros.div_euclid(DAY) as i32);
        Arc::new((0..call.rows()).map(days).collect::<Date32Array>())
    } else {
        Arc::new((0..call.rows()).map(moved).collect::<TimestampMicrosecondArray>())
    })
}

/// Text that reads as a date gives text of a date, or of a datetime if there is a time in it.
fn date_add_text(call: &Call<'_>, unit: Unit, step: impl Fn(usize) -> Option<Step>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    let mut out = StringViewBuilder::with_capacity(call.rows());
    let mut buffer = Vec::new();
    for row in 0..call.rows() {
        let moved = texts.get(row).and_then(parse_datetime).and_then(|p| Some((p, step(row)?.apply(p.micros)?)));
        let Some((parsed, micros)) = moved else {
            out.append_null();
            continue;
        };
        buffer.clear();
        if parsed.has_time || unit.has_time() {
            let fraction = parsed.fsp > 0 || micros % SECOND != 0;
            write_datetime(micros, if fraction { 6 } else { 0 }, &mut buffer);
        } else {
            write_date(micros.div_euclid(DAY) as i32, &mut buffer);
        }
        out.append_value(String::from_utf8_lossy(&buffer));
    }
    Ok(Arc::new(out.finish()))
}

/// Both sides must be of one kind: times, or dates with times.
fn timediff(call: &Call<'_>) -> Result<ArrayRef> {
    let is_time = |i: usize| -> Result<bool> {
        Ok(match call.data_type(i) {
            DataType::Duration(_) => true,
            t if is_text(t) => call.text(i)?.get(0).is_some_and(|t| parse_datetime(t).is_none_or(|p| !p.has_time)),
            _ => false,
        })
    };
    let out: DurationMicrosecondArray = if is_time(0)? && is_time(1)? {
        let (a, b) = (call.times(0)?, call.times(1)?);
        (0..call.rows()).map(|row| Some(clamp_time(a.get(row)? - b.get(row)?))).collect()
    } else {
        let (a, b) = (call.datetimes(0)?, call.datetimes(1)?);
        (0..call.rows()).map(|row| Some(clamp_time(a.get(row)? - b.get(row)?))).collect()
    };
    Ok(Arc::new(out))
}

fn timestampdiff(call: &Call<'_>) -> Result<ArrayRef> {
    let unit = unit(call, 0)?;
    let (from, to) = (call.datetimes(1)?, call.datetimes(2)?);
    let diff = |row: usize| -> Option<i64> {
        let (from, to) = (from.get(row)?, to.get(row)?);
        let micros = to - from;
        Some(match unit {
            Unit::Microsecond => micros,
            Unit::Second => micros / SECOND,
            Unit::Minute => micros / (60 * SECOND),
            Unit::Hour => micros / (3600 * SECOND),
            Unit::Day => micros / DAY,
            Unit::Week => micros / (7 * DAY),
            Unit::Month => whole_months(from, to),
            Unit::Quarter => whole_months(from, to) / 3,
            Unit::Year => whole_months(from, to) / 12,
            Unit::Fields(..) => return None,
        })
    };
    Ok(Arc::new((0..call.rows()).map(diff).collect::<Int64Array>()))
}

/// Full months between two points.
fn whole_months(from: i64, to: i64) -> i64 {
    if to < from {
        return -whole_months(to, from);
    }
    let (a, b) = (Civil::from_micros(from), Civil::from_micros(to));
    let months = i64::from(b.year - a.year) * 12 + i64::from(b.month) - i64::from(a.month);
    let rest = |c: Civil, at: i64| (c.day, at.rem_euclid(DAY));
    months - i64::from(rest(b, to) < rest(a, from))
}

fn addtime_type(args: &ReturnFieldArgs<'_>) -> Result<Returned> {
    Ok(match args.arg_fields[0].data_type() {
        DataType::Duration(_) => TIME.into(),
        DataType::Date32 | DataType::Timestamp(..) => DATETIME.into(),
        _ => DataType::Utf8View.into(),
    })
}

fn addtime(call: &Call<'_>, sign: i64) -> Result<ArrayRef> {
    let times = call.times(1)?;
    match call.return_type {
        DataType::Duration(_) => {
            let from = call.times(0)?;
            let moved = |row| Some(clamp_time(from.get(row)? + sign * times.get(row)?));
            Ok(Arc::new((0..call.rows()).map(moved).collect::<DurationMicrosecondArray>()))
        }
        DataType::Timestamp(..) => {
            let from = call.datetimes(0)?;
            let moved = |row| Step { months: 0, micros: sign * times.get(row)? }.apply(from.get(row)?);
            Ok(Arc::new((0..call.rows()).map(moved).collect::<TimestampMicrosecondArray>()))
        }
        _ => {
            let texts = call.text(0)?;
            let mut out = StringViewBuilder::with_capacity(call.rows());
            for row in 0..call.rows() {
                out.append_option(texts.get(row).zip(times.get(row)).and_then(|(t, d)| add_to_text(t, sign * d)));
            }
            Ok(Arc::new(out.finish()))
        }
    }
}

fn add_to_text(text: &str, micros: i64) -> Option<String> {
    let fsp = |v: i64| if v % SECOND == 0 { 0 } else { 6 };
    let mut out = Vec::new();
    match parse_datetime(text).filter(|p| p.has_time) {
        Some(parsed) => {
            let v = Step { months: 0, micros }.apply(parsed.micros)?;
            write_datetime(v, fsp(v), &mut out);
        }
        None => {
            let v = clamp_time(crate::types::temporal::parse_time(text)?.0 + micros);
            crate::types::calendar::write_time(v, fsp(v), &mut out);
        }
    }
    String::from_utf8(out).ok()
}

/// Months of a period `YYYYMM` or `YYMM`.
fn from_period(period: i64) -> i64 {
    let (year, month) = (period / 100, period % 100);
    let year = match year {
        0..=69 => year + 2000,
        70..=99 => year + 1900,
        _ => year,
    };
    year * 12 + month - 1
}

fn to_period(months: i64) -> i64 {
    months.div_euclid(12) * 100 + months.rem_euclid(12) + 1
}
