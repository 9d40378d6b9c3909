//! Texts put together: `CONCAT`, `LPAD`, `REPLACE`, `FORMAT`, case.

use std::sync::Arc;

use arrow::array::*;

use crate::error::Result;
use crate::functions::call::{Call, Texts};
use crate::functions::scalar::{Definition, MANY, Returns};
use crate::types::Decimal;

/// Longest text that a function makes (`max_allowed_packet`); longer ones are NULL.
const MAX_TEXT: usize = 64 << 20;

pub(in crate::functions) const FUNCTIONS: &[Definition] = &[
    Definition::new("concat", 1..=MANY, Returns::Text, concat),
    Definition::new("concat_ws", 2..=MANY, Returns::Text, concat_ws),
    Definition::new("lower", 1..=1, Returns::Text, |c| {
        Ok(Arc::new(c.text(0)?.array.iter().map(|v| v.map(str::to_lowercase)).collect::<StringViewArray>()))
    })
    .aliases(&["lcase"]),
    Definition::new("upper", 1..=1, Returns::Text, |c| {
        Ok(Arc::new(c.text(0)?.array.iter().map(|v| v.map(str::to_uppercase)).collect::<StringViewArray>()))
    })
    .aliases(&["ucase"]),
    Definition::new("reverse", 1..=1, Returns::Text, |c| {
        let reversed = |v: &str| v.chars().rev().collect::<String>();
        Ok(Arc::new(c.text(0)?.array.iter().map(|v| v.map(reversed)).collect::<StringViewArray>()))
    }),
    Definition::new("repeat", 2..=2, Returns::Text, |c| {
        let (texts, counts) = (c.text(0)?, c.ints(1)?);
        by_row(c, |row| repeat(texts.get(row)?, counts.get(row)?))
    }),
    Definition::new("space", 1..=1, Returns::Text, |c| {
        let counts = c.ints(0)?;
        by_row(c, |row| repeat(" ", counts.get(row)?))
    }),
    Definition::new("replace", 3..=3, Returns::Text, |c| {
        let (texts, from, to) = (c.text(0)?, c.text(1)?, c.text(2)?);
        by_row(c, |row| {
            let (text, from, to) = (texts.get(row)?, from.get(row)?, to.get(row)?);
            if from.is_empty() {
                return Some(text.to_owned());
            }
            let grown = text.len() + text.matches(from).count() * to.len();
            (grown <= MAX_TEXT + text.len()).then(|| text.replace(from, to))
        })
    }),
    Definition::new("insert", 4..=4, Returns::Text, |c| {
        let (texts, positions, lengths, news) = (c.text(0)?, c.ints(1)?, c.ints(2)?, c.text(3)?);
        by_row(c, |row| Some(insert(texts.get(row)?, positions.get(row)?, lengths.get(row)?, news.get(row)?)))
    }),
    Definition::new("lpad", 3..=3, Returns::Text, |c| pad(c, true)),
    Definition::new("rpad", 3..=3, Returns::Text, |c| pad(c, false)),
    Definition::new("quote", 1..=1, Returns::Text, |c| {
        let quoted = |v: Option<&str>| match v {
            None => "NULL".to_owned(),
            Some(v) => format!("'{}'", v.replace('\\', "\\\\").replace('\'', "\\'").replace('\0', "\\0")),
        };
        Ok(Arc::new(c.text(0)?.array.iter().map(|v| Some(quoted(v))).collect::<StringViewArray>()))
    }),
    Definition::new("format", 2..=3, Returns::Text, |c| {
        let (numbers, digits) = (c.text(0)?, c.ints(1)?);
        by_row(c, |row| format(numbers.get(row)?, digits.get(row)?))
    }),
    Definition::new("elt", 2..=MANY, Returns::Text, |c| {
        let positions = c.ints(0)?;
        let texts: Vec<Texts> = (1..c.len()).map(|i| c.text(i)).collect::<Result<_>>()?;
        by_row(c, |row| {
            let at = usize::try_from(positions.get(row)?).ok()?.checked_sub(1)?;
            texts.get(at)?.get(row).map(str::to_owned)
        })
    }),
];

fn by_row(call: &Call<'_>, value: impl Fn(usize) -> Option<String>) -> Result<ArrayRef> {
    let mut out = StringViewBuilder::with_capacity(call.rows());
    for row in 0..call.rows() {
        out.append_option(value(row));
    }
    Ok(Arc::new(out.finish()))
}

fn concat(call: &Call<'_>) -> Result<ArrayRef> {
    let texts: Vec<Texts> = (0..call.len()).map(|i| call.text(i)).collect::<Result<_>>()?;
    let mut out = StringViewBuilder::with_capacity(call.rows());
    let mut buffer = String::new();
    for row in 0..call.rows() {
        buffer.clear();
        let whole = texts.iter().try_for_each(|texts| texts.get(row).map(|text| buffer.push_str(text)));
        out.append_option(whole.map(|()| buffer.as_str()));
    }
    Ok(Arc::new(out.finish()))
}

fn concat_ws(call: &Call<'_>) -> Result<ArrayRef> {
    let separators = call.text(0)?;
    let texts: Vec<Texts> = (1..call.len()).map(|i| call.text(i)).collect::<Result<_>>()?;
    let mut out = StringViewBuilder::with_capacity(call.rows());
    let mut buffer = String::new();
    for row in 0..call.rows() {
        let Some(separator) = separators.get(row) else {
            out.append_null();
            continue;
        };
        buffer.clear();
        let mut first = true;
        for text in texts.iter().filter_map(|texts| texts.get(row)) {
            if !first {
                buffer.push_str(separator);
            }
            first = false;
            buffer.push_str(text);
        }
        out.append_value(&buffer);
    }
    Ok(Arc::new(out.finish()))
}

fn repeat(text: &str, count: i64) -> Option<String> {
    let count = usize::try_from(count).unwrap_or(0);
    (text.len().checked_mul(count)? <= MAX_TEXT).then(|| text.repeat(count))
}

fn insert(text: &str, position: i64, length: i64, new: &str) -> String {
    let count = text.chars().count() as i64;
    if position < 1 || position > count {
        return text.to_owned();
    }
    let from = (position - 1) as usize;
    let kept = if length < 0 || length > count - position + 1 { count } else { position - 1 + length };
    text.chars().take(from).chain(new.chars()).chain(text.chars().skip(kept as usize)).collect()
}

fn pad(call: &Call<'_>, left: bool) -> Result<ArrayRef> {
    let (texts, lengths, fills) = (call.text(0)?, call.ints(1)?, call.text(2)?);
    by_row(call, |row| {
        let (text, length, fill) = (texts.get(row)?, lengths.get(row)?, fills.get(row)?);
        let length = usize::try_from(length).ok().filter(|l| *l <= MAX_TEXT / 4)?;
        let count = text.chars().count();
        if count >= length {
            return Some(text.chars().take(length).collect());
        }
        if fill.is_empty() {
            return None;
        }
        let padding = fill.chars().cycle().take(length - count);
        Some(if left { padding.chain(text.chars()).collect() } else { text.chars().chain(padding).collect() })
    })
}

/// `FORMAT(1234.5, 2)` is `1,234.50`.
fn format(number: &str, digits: i64) -> Option<String> {
    let digits = digits.clamp(0, 30) as u8;
    let (value, _) = Decimal::parse_prefix(number).unwrap_or((Decimal::from_int(0), false));
    let rounded = Decimal { unscaled: value.rescale(digits)?, scale: digits };
    let mut plain = Vec::new();
    rounded.write(&mut plain);
    let plain = String::from_utf8(plain).ok()?;
    let (sign, plain) = match plain.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", plain.as_str()),
    };
    let (whole, fraction) = plain.split_once('.').unwrap_or((plain, ""));
    let mut grouped = String::with_capacity(whole.len() * 4 / 3 + fraction.len() + 2);
    grouped.push_str(sign);
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if !fraction.is_empty() {
        grouped.push('.');
        grouped.push_str(fraction);
    }
    Some(grouped)
}
