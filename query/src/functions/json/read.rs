//! What is in documents.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array};
use serde_json::Value as Json;

use super::document::{Documents, JSON, Paths, by_row, texts};
use crate::error::{Result, SqlError};
use crate::functions::call::Call;
use crate::functions::scalar::{Definition, MANY, Returns};
use crate::types::json::{json_text, ordered_members};

pub(in crate::functions) const FUNCTIONS: &[Definition] = &[
    Definition::new("json_extract", 2..=MANY, JSON, extract),
    Definition::new("json_unquote", 1..=1, Returns::Text, |c| {
        let documents = c.text(0)?;
        texts(c, |row| Ok(documents.get(row).map(said)))
    }),
    Definition::new("json_valid", 1..=1, Returns::Boolean, |c| {
        let texts = c.text(0)?;
        let is_text = crate::functions::convert::is_text(c.data_type(0));
        let valid = |text: &str| is_text && serde_json::from_str::<Json>(text).is_ok();
        Ok(Arc::new((0..c.rows()).map(|row| texts.get(row).map(valid)).collect::<BooleanArray>()))
    }),
    Definition::new("json_type", 1..=1, Returns::Text, |c| {
        let documents = Documents::of(c, 0, "json_type")?;
        texts(c, |row| Ok(documents.get(row)?.map(|d| type_name(&d))))
    }),
    // document[, path]
    Definition::new("json_length", 1..=2, Returns::Int, |c| {
        let documents = Documents::of(c, 0, "json_length")?;
        let paths = optional_paths(c, 1)?;
        ints(c, |row| {
            let Some(document) = documents.get(row)? else { return Ok(None) };
            Ok(place(&document, paths.as_ref(), row)?.map(length))
        })
    }),
    Definition::new("json_depth", 1..=1, Returns::Int, |c| {
        let documents = Documents::of(c, 0, "json_depth")?;
        ints(c, |row| Ok(documents.get(row)?.map(|d| depth(&d))))
    }),
    // document[, path]
    Definition::new("json_keys", 1..=2, JSON, |c| {
        let documents = Documents::of(c, 0, "json_keys")?;
        let paths = optional_paths(c, 1)?;
        by_row(c, |row| {
            let Some(document) = documents.get(row)? else { return Ok(None) };
            let Some(Json::Object(members)) = place(&document, paths.as_ref(), row)? else { return Ok(None) };
            Ok(Some(ordered_members(members).into_iter().map(|(key, _)| Json::from(key.as_str())).collect()))
        })
    }),
    // document, candidate[, path]
    Definition::new("json_contains", 2..=3, Returns::Boolean, |c| {
        let documents = Documents::of(c, 0, "json_contains")?;
        let candidates = Documents::of(c, 1, "json_contains")?;
        let paths = optional_paths(c, 2)?;
        booleans(c, |row| {
            let (Some(document), Some(candidate)) = (documents.get(row)?, candidates.get(row)?) else {
                return Ok(None);
            };
            Ok(place(&document, paths.as_ref(), row)?.map(|found| contains(found, &candidate)))
        })
    }),
    // document, 'one' or 'all', paths
    Definition::new("json_contains_path", 3..=MANY, Returns::Boolean, |c| {
        let documents = Documents::of(c, 0, "json_contains_path")?;
        let modes = c.text(1)?;
        let paths = Paths::from(c, 2)?;
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
        let pretty = |document: &Json| serde_json::to_string_pretty(document).unwrap_or_else(|_| json_text(document));
        texts(c, |row| Ok(documents.get(row)?.map(|d| pretty(&d))))
    }),
];

/// What a document says that is a string; any other text as it is.
fn said(text: &str) -> Cow<'_, str> {
    match text.starts_with('"').then(|| serde_json::from_str(text)) {
        Some(Ok(said)) => Cow::Owned(said),
        Some(Err(_)) | None => Cow::Borrowed(text),
    }
}

fn ints(call: &Call<'_>, value: impl FnMut(usize) -> Result<Option<i64>>) -> Result<ArrayRef> {
    Ok(Arc::new((0..call.rows()).map(value).collect::<Result<Int64Array>>()?))
}

fn booleans(call: &Call<'_>, value: impl FnMut(usize) -> Result<Option<bool>>) -> Result<ArrayRef> {
    Ok(Arc::new((0..call.rows()).map(value).collect::<Result<BooleanArray>>()?))
}

/// The argument `i` as paths, if there is one.
fn optional_paths(call: &Call<'_>, i: usize) -> Result<Option<Paths>> {
    (i < call.len()).then(|| Paths::of(call, i)).transpose()
}

/// The value at a row's path: the document itself without paths. `None` if the path is NULL or leads nowhere.
fn place<'a>(document: &'a Json, paths: Option<&Paths>, row: usize) -> Result<Option<&'a Json>> {
    let Some(paths) = paths else { return Ok(Some(document)) };
    Ok(paths.get(row)?.and_then(|path| path.find(document).into_iter().next()))
}

/// One path to one place gives the value there; anything else an array of what is found.
fn extract(call: &Call<'_>) -> Result<ArrayRef> {
    let documents = Documents::of(call, 0, "json_extract")?;
    let paths = Paths::from(call, 1)?;
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
