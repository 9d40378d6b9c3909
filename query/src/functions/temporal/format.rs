//! `DATE_FORMAT`, `TIME_FORMAT` and `STR_TO_DATE`.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::DataType;
use datafusion::logical_expr::ReturnFieldArgs;
use deltatree_learner::catalog::SqlType;

use super::parts::{day_name, month_name};
use super::str_to_date;
use super::week::{day_of_year, week, weekday};
use crate::error::Result;
use crate::functions::call::Call;
use crate::functions::scalar::{DATETIME, Definition, Returned, Returns, TIME};
use crate::types::calendar::{Civil, DAY, SECOND, days_from_civil};

pub(in crate::functions) const FUNCTIONS: &[Definition] = &[
    Definition::new("date_format", 2..=2, Returns::Text, |c| {
        let (dates, formats) = (c.datetimes(0)?, c.text(1)?);
        let text = |row| Some(date_format(dates.get(row)?, formats.get(row)?));
        Ok(Arc::new((0..c.rows()).map(text).collect::<StringViewArray>()))
    }),
    Definition::new("time_format", 2..=2, Returns::Text, |c| {
        let (times, formats) = (c.times(0)?, c.text(1)?);
        let text = |row| Some(time_format(times.get(row)?, formats.get(row)?));
        Ok(Arc::new((0..c.rows()).map(text).collect::<StringViewArray>()))
    }),
    Definition::new("str_to_date", 2..=2, Returns::By(str_to_date_type), str_to_date),
];

fn date_format(micros: i64, format: &str) -> String {
    let days = micros.div_euclid(DAY) as i32;
    let c = Civil::from_micros(micros);
    let mut out = String::with_capacity(format.len() * 2);
    let mut chars = format.chars();
    while let Some(next) = chars.next() {
        if next != '%' {
            out.push(next);
            continue;
        }
        let Some(code) = chars.next() else {
            out.push('%');
            break;
        };
        match code {
            'Y' => push(&mut out, c.year as u32, 4),
            'y' => push(&mut out, (c.year % 100) as u32, 2),
            'm' => push(&mut out, c.month, 2),
            'c' => push(&mut out, c.month, 1),
            'M' => out.push_str(month_name(c.month)),
            'b' => out.push_str(&month_name(c.month)[..3]),
            'd' => push(&mut out, c.day, 2),
            'e' => push(&mut out, c.day, 1),
            'D' => {
                push(&mut out, c.day, 1);
                out.push_str(ordinal(c.day));
            }
            'j' => push(&mut out, day_of_year(days) as u32, 3),
            'W' => out.push_str(day_name(days)),
            'a' => out.push_str(&day_name(days)[..3]),
            'w' => push(&mut out, ((weekday(days) + 1) % 7) as u32, 1),
            'U' => push(&mut out, week(days, 0).0 as u32, 2),
            'u' => push(&mut out, week(days, 1).0 as u32, 2),
            'V' => push(&mut out, week(days, 2).0 as u32, 2),
            'v' => push(&mut out, week(days, 3).0 as u32, 2),
            'X' => push(&mut out, week(days, 2).1 as u32, 4),
            'x' => push(&mut out, week(days, 3).1 as u32, 4),
            other => clock(other, u64::from(c.hour), &c, &mut out),
        }
    }
    out
}

/// A time of any number of hours; parts of dates are zeros.
fn time_format(micros: i64, format: &str) -> String {
    let hours = micros.unsigned_abs() / SECOND as u64 / 3600;
    let c = Civil::from_micros(micros.abs() % DAY);
    let mut out = String::with_capacity(format.len() * 2);
    if micros < 0 {
        out.push('-');
    }
    let mut chars = format.chars();
    while let Some(next) = chars.next() {
        if next != '%' {
            out.push(next);
            continue;
        }
        match chars.next() {
            None => out.push('%'),
            Some('Y') => out.push_str("0000"),
            Some('y' | 'm' | 'd') => out.push_str("00"),
            Some('c' | 'e') => out.push('0'),
            Some(code) => clock(code, hours, &c, &mut out),
        }
    }
    out
}

/// The codes that dates and times share; any other letter stands for itself.
fn clock(code: char, hours: u64, c: &Civil, out: &mut String) {
    let twelve = match hours % 12 {
        0 => 12,
        h => h as u32,
    };
    let half = if hours % 24 < 12 { "AM" } else { "PM" };
    match code {
        'H' => push(out, hours as u32, 2),
        'k' => push(out, hours as u32, 1),
        'h' | 'I' => push(out, twelve, 2),
        'l' => push(out, twelve, 1),
        'i' => push(out, c.minute, 2),
        's' | 'S' => push(out, c.second, 2),
        'f' => push(out, c.micro, 6),
        'p' => out.push_str(half),
        'r' => {
            push(out, twelve, 2);
            out.push(':');
            push(out, c.minute, 2);
            out.push(':');
            push(out, c.second, 2);
            out.push(' ');
            out.push_str(half);
        }
        'T' => {
            push(out, hours as u32, 2);
            out.push(':');
            push(out, c.minute, 2);
            out.push(':');
            push(out, c.second, 2);
        }
        other => out.push(other),
    }
}

/// Appends a number with at least so many digits.
fn push(out: &mut String, v: u32, width: usize) {
    use std::fmt::Write;
    write!(out, "{v:0width$}").expect("writing to a string cannot fail");
}

fn ordinal(day: u32) -> &'static str {
    match (day, day % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    }
}

/// What a constant format reads: a date, a time, or both.
fn str_to_date_type(args: &ReturnFieldArgs<'_>) -> Result<Returned> {
    let format = args.scalar_arguments.get(1).copied().flatten().and_then(|v| v.try_as_str().flatten());
    let Some(format) = format else {
        return Ok(Returned { data_type: DATETIME, sql_type: Some(SqlType::DateTime { fsp: 6 }) });
    };
    let kind = str_to_date::kind(format);
    let fsp = if kind.fraction { 6 } else { 0 };
    Ok(match (kind.date, kind.time) {
        (true, false) => DataType::Date32.into(),
        (false, true) => Returned { data_type: TIME, sql_type: Some(SqlType::Time { fsp }) },
        _ => Returned { data_type: DATETIME, sql_type: Some(SqlType::DateTime { fsp }) },
    })
}

fn str_to_date(call: &Call<'_>) -> Result<ArrayRef> {
    let (texts, formats) = (call.text(0)?, call.text(1)?);
    let read = |row| str_to_date::read(texts.get(row)?, formats.get(row)?);
    let date = |f: &str_to_date::Fields| days_from_civil(f.year, f.month, f.day);
    Ok(match call.return_type {
        DataType::Date32 => Arc::new((0..call.rows()).map(|row| date(&read(row)?)).collect::<Date32Array>()),
        DataType::Duration(_) => {
            let time = |row| read(row).map(|f| f.clock());
            Arc::new((0..call.rows()).map(time).collect::<DurationMicrosecondArray>())
        }
        _ => {
            let at = |row| {
                let fields = read(row)?;
                Some(i64::from(date(&fields)?) * DAY + fields.clock())
            };
            Arc::new((0..call.rows()).map(at).collect::<TimestampMicrosecondArray>())
        }
    })
}
