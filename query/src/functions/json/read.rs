//! What is in documents.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array, StringViewBuilder};
use serde_json::Value as Json;

use super::document::{Documents, JSON, Paths, by_row};
use crate::error::{Result, SqlError};
use crate::functions::call::Call;
use crate::functions::scalar::{Definition, MANY, Returns};
use crate::types::json::{json_text, ordered_members};

pub(in crate::functions) const FUNCTIONS: &[Definition] = &[
    Definition::new("json_extract", 2..=MANY, JSON, extract),
    Definition::new("json_unquote", 1..=1, Returns::Text, |c| {
        let texts = c.text(0)?;
        let mut out = StringViewBuilder::with_capacity(c.rows());
        for row in 0..c.rows() {
            match texts.get(row) {
                None => out.append_null(),
                Some(text) => match text.starts_with('"').then(|| serde_json::from_str::<String>(text)) {
                    Some(Ok(text)) => out.append_value(text),
                    _ => out.append_value(text),
                },
            }
        }
        Ok(Arc::new(out.finish()))
    }),
    Definition::new("json_valid", 1..=1, Returns::Boolean, |c| {
        let texts = c.text(0)?;
        let valid = |text: &str| serde_json::from_str::<Json>(text).is_ok();
        Ok(Arc::new((0..c.rows()).map(|row| texts.get(row).map(valid)).collect::<BooleanArray>()))
    }),
    Definition::new("json_type", 1..=1, Returns::Text, |c| {
        let documents = Documents::of(c, 0, "json_type")?;
        let mut out = StringViewBuilder::with_capacity(c.rows());
        for row in 0..c.rows() {
            out.append_option(documents.get(row)?.as_ref().map(type_name));
        }
        Ok(Arc::new(out.finish()))
    }),
    // document[, path]
    Definition::new("json_length", 1..=2, Returns::Int, |c| {
        let documents = Documents::of(c, 0, "json_length")?;
        let paths = if c.len() > 1 { Some(Paths::of(c, 1)?) } else { None };
        ints(c, |row| {
            let Some(document) = documents.get(row)? else { return Ok(None) };
            let found = match &paths {
                None => Some(&document),
                Some(paths) => match paths.get(row)? {
                    Some(path) => path.find(&document).into_iter().next(),
                    None => None,
                },
            };
            Ok(found.map(length))
        })
    }),
    Definition::new("json_depth", 1..=1, Returns::Int, |c| {
        let documents = Documents::of(c, 0, "json_depth")?;
        ints(c, |row| Ok(documents.get(row)?.as_ref().map(depth)))
    }),
    // document[, path]
    Definition::new("json_keys", 1..=2, JSON, |c| {
        let documents = Documents::of(c, 0, "json_keys")?;
        let paths = if c.len() > 1 { Some(Paths::of(c, 1)?) } else { None };
        by_row(c, |row| {
            let Some(document) = documents.get(row)? else { return Ok(None) };
            let found = match &paths {
                None => Some(&document),
                Some(paths) => match paths.get(row)? {
                    Some(path) => path.find(&document).into_iter().next(),
                    None => None,
                },
            };
            let Some(Json::Object(members)) = found else { return Ok(None) };
            Ok(Some(ordered_members(members).into_iter().map(|(key, _)| Json::from(key.as_str())).collect()))
        })
    }),
    // document, candidate[, path]
    Definition::new("json_contains", 2..=3, Returns::Boolean, |c| {
        let documents = Documents::of(c, 0, "json_contains")?;
        let candidates = Documents::of(c, 1, "json_contains")?;
        let paths = if c.len() > 2 { Some(Paths::of(c, 2)?) } else { None };
        booleans(c, |row| {
            let (Some(document), Some(candidate)) = (documents.get(row)?, candidates.get(row)?) else {
                return Ok(None);
            };
            let Some(paths) = &paths else { return Ok(Some(contains(&document, &candidate))) };
            let Some(path) = paths.get(row)? else { return Ok(None) };
            Ok(path.find(&document).first().map(|found| contains(found, &candidate)))
        })
    }),
    // document, 'one' or 'all', paths
    Definition::new("json_contains_path", 3..=MANY, Returns::Boolean, |c| {
        let documents = Documents::of(c, 0, "json_contains_path")?;
        let modes = c.text(1)?;
        let paths: Vec<Paths> = (2..c.len()).map(|i| Paths::of(c, i)).collect::<Result<_>>()?;
        booleans(c, |row| {
            let (Some(document), Some(mode)) = (documents.get(row)?, modes.get(row)) else { return Ok(None) };
            let all = match mode.to_ascii_lowercase().as_str() {
                "all" => true,
                "one" => false,
                _ => {
                    let message = "The oneOrAll argument to json_contains_path may take these values: 'one' or 'all'.";
                    return Err(SqlError::new(3154, message));
                }
            };
            let mut found = Vec::with_capacity(paths.len());
            for paths in &paths {
                let Some(path) = paths.get(row)? else { return Ok(None) };
                found.push(!path.find(&document).is_empty());
            }
            Ok(Some(if all { found.iter().all(|f| *f) } else { found.contains(&true) }))
        })
    }),
    Definition::new("json_overlaps", 2..=2, Returns::Boolean, |c| {
        let (a, b) = (Documents::of(c, 0, "json_overlaps")?, Documents::of(c, 1, "json_overlaps")?);
        booleans(c, |row| {
            let (Some(a), Some(b)) = (a.get(row)?, b.get(row)?) else { return Ok(None) };
            Ok(Some(overlaps(&a, &b)))
        })
    }),
    Definition::new("json_pretty", 1..=1, Returns::Text, |c| {
        let documents = Documents::of(c, 0, "json_pretty")?;
        let mut out = StringViewBuilder::with_capacity(c.rows());
        for row in 0..c.rows() {
            let pretty =
                documents.get(row)?.map(|d| serde_json::to_string_pretty(&d).unwrap_or_else(|_| json_text(&d)));
            out.append_option(pretty);
        }
        Ok(Arc::new(out.finish()))
    }),
];

fn ints(call: &Call<'_>, value: impl FnMut(usize) -> Result<Option<i64>>) -> Result<ArrayRef> {
    Ok(Arc::new((0..call.rows()).map(value).collect::<Result<Int64Array>>()?))
}

fn booleans(call: &Call<'_>, value: impl FnMut(usize) -> Result<Option<bool>>) -> Result<ArrayRef> {
    Ok(Arc::new((0..call.rows()).map(value).collect::<Result<BooleanArray>>()?))
}

/// One path to one place gives the value there; anything else an array of what is found.
fn extract(call: &Call<'_>) -> Result<ArrayRef> {
    let documents = Documents::of(call, 0, "json_extract")?;
    let paths: Vec<Paths> = (1..call.len()).map(|i| Paths::of(call, i)).collect::<Result<_>>()?;
    by_row(call, |row| {
        let Some(document) = documents.get(row)? else { return Ok(None) };
        let mut found = Vec::new();
        let mut many = paths.len() > 1;
        for paths in &paths {
            let Some(path) = paths.get(row)? else { return Ok(None) };
            many |= path.is_many();
            found.extend(path.find(&document).into_iter().cloned());
        }
        Ok(match found.len() {
            0 => None,
            1 if !many => found.pop(),
            _ => Some(Json::Array(found)),
        })
    })
}

fn type_name(document: &Json) -> &'static str {
    match document {
        Json::Null => "NULL",
        Json::Bool(_) => "BOOLEAN",
        Json::Number(n) if n.is_i64() => "INTEGER",
        Json::Number(n) if n.is_u64() => "UNSIGNED INTEGER",
        Json::Number(_) => "DOUBLE",
        Json::String(_) => "STRING",
        Json::Array(_) => "ARRAY",
        Json::Object(_) => "OBJECT",
    }
}

fn length(document: &Json) -> i64 {
    match document {
        Json::Array(items) => items.len() as i64,
        Json::Object(members) => members.len() as i64,
        _ => 1,
    }
}

fn depth(document: &Json) -> i64 {
    1 + match document {
        Json::Array(items) => items.iter().map(depth).max().unwrap_or(0),
        Json::Object(members) => members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// Whether all of `candidate` is in `document`: an array has every element, an object every member.
fn contains(document: &Json, candidate: &Json) -> bool {
    match (document, candidate) {
        (Json::Array(_), Json::Array(wanted)) => wanted.iter().all(|item| contains(document, item)),
        (Json::Array(items), wanted) => items.iter().any(|item| contains(item, wanted)),
        (Json::Object(members), Json::Object(wanted)) => {
            wanted.iter().all(|(key, value)| members.get(key).is_some_and(|member| contains(member, value)))
        }
        (document, candidate) => same(document, candidate),
    }
}

fn overlaps(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Array(a), Json::Array(b)) => a.iter().any(|x| b.iter().any(|y| same(x, y))),
        (Json::Array(a), b) => a.iter().any(|x| same(x, b)),
        (a, Json::Array(b)) => b.iter().any(|y| same(a, y)),
        (Json::Object(a), Json::Object(b)) => a.iter().any(|(key, x)| b.get(key).is_some_and(|y| same(x, y))),
        (a, b) => same(a, b),
    }
}

/// Equal, where 1 and 1.0 are.
fn same(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(x), Json::Number(y)) => x == y || x.as_f64() == y.as_f64(),
        _ => a == b,
    }
}
