//! Parts of dates and times: `YEAR`, `EXTRACT`, `WEEK`, `LAST_DAY`, …

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;

use super::week::{day_of_year, week, weekday};
use crate::error::{Result, SqlError};
use crate::functions::call::Call;
use crate::functions::scalar::{Definition, Returns};
use crate::types::calendar::{Civil, DAY, SECOND, civil_from_days, days_in_month};

/// `BIGINT`-sized answers are not needed for parts of dates.
const INT: Returns = Returns::By(|_| Ok(DataType::Int32.into()));

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

pub(super) fn month_name(month: u32) -> &'static str {
    MONTHS[(month.clamp(1, 12) - 1) as usize]
}

pub(super) fn day_name(days: i32) -> &'static str {
    DAYS[weekday(days) as usize]
}

pub(in crate::functions) const FUNCTIONS: &[Definition] = &[
    Definition::new("year", 1..=1, INT, |c| of_date(c, |d| civil_from_days(d).0)),
    Definition::new("month", 1..=1, INT, |c| of_date(c, |d| civil_from_days(d).1 as i32)),
    Definition::new("day", 1..=1, INT, |c| of_date(c, |d| civil_from_days(d).2 as i32)).aliases(&["dayofmonth"]),
    Definition::new("dayofweek", 1..=1, INT, |c| of_date(c, |d| (weekday(d) + 1) % 7 + 1)),
    Definition::new("weekday", 1..=1, INT, |c| of_date(c, weekday)),
    Definition::new("dayofyear", 1..=1, INT, |c| of_date(c, day_of_year)),
    Definition::new("quarter", 1..=1, INT, |c| of_date(c, |d| (civil_from_days(d).1 as i32 + 2) / 3)),
    Definition::new("week", 1..=2, INT, |c| week_of(c, |(week, _)| week)),
    Definition::new("weekofyear", 1..=1, INT, |c| of_date(c, |d| week(d, 3).0)),
    Definition::new("yearweek", 1..=2, INT, |c| {
        let mode = if c.len() > 1 { Some(c.ints(1)?) } else { None };
        let dates = c.dates(0)?;
        let value = |row| {
            let mode = mode.as_ref().map_or(Some(0), |m| m.get(row))?;
            let (week, year) = week(dates.get(row)?, (mode & 7) | 2);
            Some(year * 100 + week)
        };
        Ok(Arc::new((0..c.rows()).map(value).collect::<Int32Array>()))
    }),
    Definition::new("hour", 1..=1, INT, |c| of_time(c, |t| (t.abs() / SECOND / 3600) as i32)),
    Definition::new("minute", 1..=1, INT, |c| of_time(c, |t| (t.abs() / SECOND / 60 % 60) as i32)),
    Definition::new("second", 1..=1, INT, |c| of_time(c, |t| (t.abs() / SECOND % 60) as i32)),
    Definition::new("microsecond", 1..=1, INT, |c| of_time(c, |t| (t.abs() % SECOND) as i32)),
    Definition::new("monthname", 1..=1, Returns::Text, |c| {
        let dates = c.dates(0)?;
        Ok(Arc::new(
            (0..c.rows())
                .map(|row| dates.get(row).map(|d| month_name(civil_from_days(d).1)))
                .collect::<StringViewArray>(),
        ))
    }),
    Definition::new("dayname", 1..=1, Returns::Text, |c| {
        let dates = c.dates(0)?;
        Ok(Arc::new((0..c.rows()).map(|row| dates.get(row).map(day_name)).collect::<StringViewArray>()))
    }),
    Definition::new("last_day", 1..=1, Returns::Date, |c| {
        let dates = c.dates(0)?;
        let last = |d| {
            let (y, m, day) = civil_from_days(d);
            d + days_in_month(y, m) as i32 - day as i32
        };
        Ok(Arc::new((0..c.rows()).map(|row| dates.get(row).map(last)).collect::<Date32Array>()))
    }),
    // Of units with several fields: unit, date or time.
    Definition::new("mysql_extract_fields", 2..=2, Returns::Int, extract_fields),
];

fn of_date(call: &Call<'_>, part: impl Fn(i32) -> i32) -> Result<ArrayRef> {
    let dates = call.dates(0)?.array;
    Ok(Arc::new(dates.unary::<_, Int32Type>(part)))
}

fn of_time(call: &Call<'_>, part: impl Fn(i64) -> i32) -> Result<ArrayRef> {
    let times = call.times(0)?.array;
    Ok(Arc::new(times.unary::<_, Int32Type>(part)))
}

fn week_of(call: &Call<'_>, part: fn((i32, i32)) -> i32) -> Result<ArrayRef> {
    let mode = if call.len() > 1 { Some(call.ints(1)?) } else { None };
    let dates = call.dates(0)?;
    let value = |row| {
        let mode = mode.as_ref().map_or(Some(0), |m| m.get(row))?;
        Some(part(week(dates.get(row)?, mode & 7)))
    };
    Ok(Arc::new((0..call.rows()).map(value).collect::<Int32Array>()))
}

/// `EXTRACT(DAY_MINUTE FROM x)`: the fields as one number.
fn extract_fields(call: &Call<'_>) -> Result<ArrayRef> {
    let unit = call.text(0)?;
    let unit = unit.get(0).unwrap_or_default().to_ascii_uppercase();
    let digits = |fields: &[u32]| fields.iter().fold(0_i64, |v, f| v * 100 + i64::from(*f));
    if unit == "YEAR_MONTH" {
        let dates = call.dates(1)?;
        let value = |row| {
            let (y, m, _) = civil_from_days(dates.get(row)?);
            Some(i64::from(y) * 100 + i64::from(m))
        };
        return Ok(Arc::new((0..call.rows()).map(value).collect::<Int64Array>()));
    }
    let from: fn(&Civil, i64) -> Vec<u32> = match unit.as_str() {
        "DAY_HOUR" => |c, h| vec![c.day, h as u32],
        "DAY_MINUTE" => |c, h| vec![c.day, h as u32, c.minute],
        "DAY_SECOND" | "DAY_MICROSECOND" => |c, h| vec![c.day, h as u32, c.minute, c.second],
        "HOUR_MINUTE" => |c, h| vec![h as u32, c.minute],
        "HOUR_SECOND" | "HOUR_MICROSECOND" => |c, h| vec![h as u32, c.minute, c.second],
        "MINUTE_SECOND" | "MINUTE_MICROSECOND" => |c, _| vec![c.minute, c.second],
        "SECOND_MICROSECOND" => |c, _| vec![c.second],
        _ => return Err(SqlError::parse(&unit, 1)),
    };
    let micros = unit.ends_with("MICROSECOND");
    // Without a day there may be more than 24 hours.
    let is_time = !unit.starts_with("DAY");
    let (dates, times) = (call.datetimes(1)?, call.times(1)?);
    let value = |row| {
        let at = if is_time { times.get(row)? } else { dates.get(row)? };
        let civil = Civil::from_micros(if is_time { at.abs() % DAY } else { at });
        let hours = if is_time { at.abs() / (3600 * SECOND) } else { i64::from(civil.hour) };
        let v = digits(&from(&civil, hours));
        let v = if micros { v * SECOND + i64::from(civil.micro) } else { v };
        Some(if is_time && at < 0 { -v } else { v })
    };
    Ok(Arc::new((0..call.rows()).map(value).collect::<Int64Array>()))
}
