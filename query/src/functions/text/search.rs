//! Texts found in texts: `LOCATE`, `FIELD`, `FIND_IN_SET`, `STRCMP`.

use std::sync::Arc;

use arrow::array::*;

use crate::error::Result;
use crate::functions::call::{Call, Texts};
use crate::functions::convert::{is_decimal, is_text};
use crate::functions::scalar::{Definition, MANY, Returns};

pub(in crate::functions) const FUNCTIONS: &[Definition] = &[
    // what, text[, from]
    Definition::new("locate", 2..=3, Returns::Int, |c| {
        let from = if c.len() > 2 { Some(c.ints(2)?) } else { None };
        let (what, texts) = (c.text(0)?, c.text(1)?);
        by_row(c, |row| {
            let from = from.as_ref().map_or(Some(1), |f| f.get(row))?;
            Some(locate(what.get(row)?, texts.get(row)?, from))
        })
    })
    .aliases(&["position"]),
    Definition::new("instr", 2..=2, Returns::Int, |c| {
        let (texts, what) = (c.text(0)?, c.text(1)?);
        by_row(c, |row| Some(locate(what.get(row)?, texts.get(row)?, 1)))
    }),
    Definition::new("field", 2..=MANY, Returns::Int, field),
    Definition::new("find_in_set", 2..=2, Returns::Int, |c| {
        let (what, sets) = (c.text(0)?, c.text(1)?);
        by_row(c, |row| {
            let (what, set) = (what.get(row)?, sets.get(row)?);
            if set.is_empty() {
                return Some(0);
            }
            Some(set.split(',').position(|member| member == what).map_or(0, |at| at as i64 + 1))
        })
    }),
    Definition::new("strcmp", 2..=2, Returns::Int, |c| {
        let (a, b) = (c.text(0)?, c.text(1)?);
        by_row(c, |row| Some(a.get(row)?.cmp(b.get(row)?) as i64))
    }),
    Definition::new("make_set", 2..=MANY, Returns::Text, |c| {
        let bits = c.uints(0)?;
        let texts: Vec<Texts> = (1..c.len()).map(|i| c.text(i)).collect::<Result<_>>()?;
        let mut out = StringViewBuilder::with_capacity(c.rows());
        for row in 0..c.rows() {
            out.append_option(bits.get(row).map(|bits| {
                let chosen = texts.iter().take(64).enumerate().filter(|(i, _)| bits & (1 << i) != 0);
                chosen.filter_map(|(_, texts)| texts.get(row)).collect::<Vec<_>>().join(",")
            }));
        }
        Ok(Arc::new(out.finish()))
    }),
];

fn by_row(call: &Call<'_>, value: impl Fn(usize) -> Option<i64>) -> Result<ArrayRef> {
    Ok(Arc::new((0..call.rows()).map(value).collect::<Int64Array>()))
}

/// Position of a text in another, in characters from 1; 0 if it is not there.
fn locate(what: &str, text: &str, from: i64) -> i64 {
    let Some(skip) = from.checked_sub(1).and_then(|skip| usize::try_from(skip).ok()) else { return 0 };
    let start = match text.char_indices().nth(skip) {
        Some((at, _)) => at,
        None if text.chars().count() == skip => text.len(),
        None => return 0,
    };
    match text[start..].find(what) {
        Some(at) => (skip + text[start..start + at].chars().count()) as i64 + 1,
        None => 0,
    }
}

/// Compared as text if all arguments are, as doubles otherwise.
fn field(call: &Call<'_>) -> Result<ArrayRef> {
    let all = |f: fn(&arrow::datatypes::DataType) -> bool| (0..call.len()).all(|i| f(call.data_type(i)));
    if all(is_text) || all(is_decimal) {
        let what = call.text(0)?;
        let texts: Vec<Texts> = (1..call.len()).map(|i| call.text(i)).collect::<Result<_>>()?;
        return by_row(call, |row| {
            let Some(what) = what.get(row) else { return Some(0) };
            Some(texts.iter().position(|t| t.get(row) == Some(what)).map_or(0, |at| at as i64 + 1))
        });
    }
    let what = call.doubles(0)?;
    let numbers = (1..call.len()).map(|i| call.doubles(i)).collect::<Result<Vec<_>>>()?;
    by_row(call, |row| {
        let Some(what) = what.get(row) else { return Some(0) };
        Some(numbers.iter().position(|n| n.get(row) == Some(what)).map_or(0, |at| at as i64 + 1))
    })
}
