//! Parts of texts: `SUBSTRING`, `LEFT`, `TRIM`, lengths. Positions count characters, from 1.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;
use datafusion::common::{Result as DataFusionResult, ScalarValue};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{Expr, ExprSchemable};

use crate::error::Result;
use crate::functions::call::Call;
use crate::functions::scalar::{Definition, Returns};

pub(in crate::functions) const FUNCTIONS: &[Definition] = &[
    Definition::new("substring", 2..=3, Returns::Text, substring).aliases(&["substr", "mid"]).simplify(plain_substring),
    Definition::new("left", 2..=2, Returns::Text, |c| {
        let (texts, counts) = (c.text(0)?, c.ints(1)?);
        let cut = |row| {
            let (text, n) = (texts.get(row)?, counts.get(row)?);
            Some(&text[..offset(text, n)])
        };
        Ok(Arc::new((0..c.rows()).map(cut).collect::<StringViewArray>()))
    }),
    Definition::new("right", 2..=2, Returns::Text, |c| {
        let (texts, counts) = (c.text(0)?, c.ints(1)?);
        let cut = |row| {
            let (text, n) = (texts.get(row)?, counts.get(row)?.max(0));
            let skip = i64::try_from(text.chars().count()).unwrap_or(i64::MAX).saturating_sub(n);
            Some(&text[offset(text, skip)..])
        };
        Ok(Arc::new((0..c.rows()).map(cut).collect::<StringViewArray>()))
    }),
    Definition::new("substring_index", 3..=3, Returns::Text, |c| {
        let (texts, marks, counts) = (c.text(0)?, c.text(1)?, c.ints(2)?);
        let cut = |row| Some(substring_index(texts.get(row)?, marks.get(row)?, counts.get(row)?));
        Ok(Arc::new((0..c.rows()).map(cut).collect::<StringViewArray>()))
    }),
    Definition::new("length", 1..=1, Returns::Int, |c| {
        Ok(Arc::new(c.bytes(0)?.array.iter().map(|v| v.map(|v| v.len() as i64)).collect::<Int64Array>()))
    })
    .aliases(&["octet_length"]),
    Definition::new("bit_length", 1..=1, Returns::Int, |c| {
        Ok(Arc::new(c.bytes(0)?.array.iter().map(|v| v.map(|v| v.len() as i64 * 8)).collect::<Int64Array>()))
    }),
    Definition::new("char_length", 1..=1, Returns::Int, |c| {
        Ok(Arc::new(c.text(0)?.array.iter().map(|v| v.map(|v| v.chars().count() as i64)).collect::<Int64Array>()))
    })
    .aliases(&["character_length"]),
    // text, what
    Definition::new("mysql_trim_both", 1..=2, Returns::Text, |c| trim(c, true, true)),
    Definition::new("mysql_trim_leading", 1..=2, Returns::Text, |c| trim(c, true, false)).aliases(&["ltrim"]),
    Definition::new("mysql_trim_trailing", 1..=2, Returns::Text, |c| trim(c, false, true)).aliases(&["rtrim"]),
];

/// Byte offset of a character, the text's end beyond it, 0 for negative counts.
fn offset(text: &str, characters: i64) -> usize {
    match usize::try_from(characters) {
        Err(_) => 0,
        Ok(n) if n >= text.len() => text.len(),
        Ok(n) if text.is_ascii() => n,
        Ok(n) => text.char_indices().nth(n).map_or(text.len(), |(at, _)| at),
    }
}

fn substring(call: &Call<'_>) -> Result<ArrayRef> {
    let (texts, starts) = (call.text(0)?, call.ints(1)?);
    let lengths = if call.len() > 2 { Some(call.ints(2)?) } else { None };
    let cut = |row| {
        let (text, start) = (texts.get(row)?, starts.get(row)?);
        let length = match &lengths {
            Some(lengths) => lengths.get(row)?,
            None => i64::MAX,
        };
        let from = match start {
            0 => return Some(""),
            1.. => start - 1,
            _ => {
                let count = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
                match count.checked_add(start).filter(|from| *from >= 0) {
                    Some(from) => from,
                    None => return Some(""),
                }
            }
        };
        let rest = &text[offset(text, from)..];
        Some(&rest[..offset(rest, length)])
    };
    Ok(Arc::new((0..call.rows()).map(cut).collect::<StringViewArray>()))
}

/// With constant positions inside the text, DataFusion's own function says the same and shares the text's
/// buffer.
fn plain_substring(args: Vec<Expr>, context: &SimplifyContext) -> DataFusionResult<ExprSimplifyResult> {
    let constant = |e: &Expr, least: i64| matches!(e, Expr::Literal(ScalarValue::Int64(Some(v)), _) if *v >= least);
    let plain = args.len() >= 2
        && constant(&args[1], 1)
        && args.get(2).is_none_or(|length| constant(length, 0))
        && args[0].get_type(context.schema().as_ref())? == DataType::Utf8View;
    if plain {
        let function = datafusion::functions::unicode::substr();
        return Ok(ExprSimplifyResult::Simplified(Expr::ScalarFunction(ScalarFunction::new_udf(function, args))));
    }
    Ok(ExprSimplifyResult::Original(args))
}

fn substring_index<'a>(text: &'a str, mark: &str, count: i64) -> &'a str {
    if mark.is_empty() || count == 0 {
        return "";
    }
    let nth = usize::try_from(count.unsigned_abs() - 1).unwrap_or(usize::MAX);
    if count > 0 {
        text.match_indices(mark).nth(nth).map_or(text, |(at, _)| &text[..at])
    } else {
        text.rmatch_indices(mark).nth(nth).map_or(text, |(at, found)| &text[at + found.len()..])
    }
}

fn trim(call: &Call<'_>, leading: bool, trailing: bool) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    let what = if call.len() > 1 { Some(call.text(1)?) } else { None };
    let cut = |row| {
        let mut text = texts.get(row)?;
        let what = match &what {
            Some(what) => what.get(row)?,
            None => " ",
        };
        if what.is_empty() {
            return Some(text);
        }
        if leading {
            text = text.trim_start_matches(what);
        }
        if trailing {
            text = text.trim_end_matches(what);
        }
        Some(text)
    };
    Ok(Arc::new((0..call.rows()).map(cut).collect::<StringViewArray>()))
}
