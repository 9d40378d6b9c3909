//! Documents made from others.

use std::borrow::Cow;

use arrow::array::ArrayRef;
use serde_json::Value as Json;

use super::document::{Documents, JSON, Paths, by_row, values};
use crate::error::{Result, SqlError};
use crate::functions::call::Call;
use crate::functions::scalar::{Definition, MANY};

pub(in crate::functions) const FUNCTIONS: &[Definition] = &[
    // document, path, value, path, value…
    Definition::new("json_set", 3..=MANY, JSON, |c| {
        edit(c, "json_set", |document, path, value| path.put(document, value, true, true))
    }),
    Definition::new("json_insert", 3..=MANY, JSON, |c| {
        edit(c, "json_insert", |document, path, value| path.put(document, value, true, false))
    }),
    Definition::new("json_replace", 3..=MANY, JSON, |c| {
        edit(c, "json_replace", |document, path, value| path.put(document, value, false, true))
    }),
    Definition::new("json_array_append", 3..=MANY, JSON, |c| {
        edit(c, "json_array_append", |document, path, value| match path.find_mut(document) {
            Some(Json::Array(items)) => items.push(value),
            Some(place) => *place = Json::Array(vec![place.take(), value]),
            None => {}
        })
    })
    .aliases(&["json_append"]),
    // document, paths
    Definition::new("json_remove", 2..=MANY, JSON, |c| {
        let documents = Documents::of(c, 0, "json_remove")?;
        let paths = Paths::from(c, 1)?;
        by_row(c, |row| {
            let Some(mut document) = documents.get(row)?.map(Cow::into_owned) else { return Ok(None) };
            for paths in &paths {
                let Some(path) = paths.get(row)? else { return Ok(None) };
                if path.is_many() || !path.remove(&mut document) {
                    return Err(wrong_path());
                }
            }
            Ok(Some(document))
        })
    }),
    Definition::new("json_merge_patch", 2..=MANY, JSON, |c| {
        merge(c, "json_merge_patch", |documents| {
            let mut documents = documents.into_iter();
            let first = documents.next().flatten();
            documents.fold(first, |whole, patch| match (whole, patch) {
                (_, None) => None,
                (Some(mut whole), Some(patch)) => {
                    apply_patch(&mut whole, patch);
                    Some(whole)
                }
                // What is no object replaces all of the unknown before it.
                (None, Some(patch)) => (!patch.is_object()).then_some(patch),
            })
        })
    }),
    Definition::new("json_merge_preserve", 2..=MANY, JSON, |c| {
        merge(c, "json_merge_preserve", |documents| {
            let documents: Option<Vec<Json>> = documents.into_iter().collect();
            documents?.into_iter().reduce(join)
        })
    })
    .aliases(&["json_merge"]),
];

fn wrong_path() -> SqlError {
    SqlError::new(3149, "In this situation, path expressions may not contain the * and ** tokens or an array range.")
}

/// Changes a document at each path in turn.
fn edit(
    call: &Call<'_>,
    function: &'static str,
    change: impl Fn(&mut Json, &super::path::Path, Json),
) -> Result<ArrayRef> {
    if call.len().is_multiple_of(2) {
        return Err(SqlError::parameter_count(&function.to_uppercase()));
    }
    let documents = Documents::of(call, 0, function)?;
    let mut changes = Vec::with_capacity(call.len() / 2);
    for i in (1..call.len()).step_by(2) {
        changes.push((Paths::of(call, i)?, values(call, i + 1)?));
    }
    by_row(call, |row| {
        let Some(mut document) = documents.get(row)?.map(Cow::into_owned) else { return Ok(None) };
        for (paths, values) in &changes {
            let Some(path) = paths.get(row)? else { return Ok(None) };
            if path.is_many() {
                return Err(wrong_path());
            }
            change(&mut document, &path, values[row].clone());
        }
        Ok(Some(document))
    })
}

fn merge(
    call: &Call<'_>,
    function: &'static str,
    merged: impl Fn(Vec<Option<Json>>) -> Option<Json>,
) -> Result<ArrayRef> {
    let arguments: Vec<Documents> = (0..call.len()).map(|i| Documents::of(call, i, function)).collect::<Result<_>>()?;
    by_row(call, |row| {
        let documents = arguments.iter().map(|a| Ok(a.get(row)?.map(Cow::into_owned))).collect::<Result<Vec<_>>>()?;
        Ok(merged(documents))
    })
}

/// RFC 7396: members replace members, `null` removes them.
fn apply_patch(whole: &mut Json, patch: Json) {
    let Json::Object(changes) = patch else {
        *whole = patch;
        return;
    };
    if !whole.is_object() {
        *whole = Json::Object(serde_json::Map::new());
    }
    let Json::Object(members) = whole else { return };
    for (key, change) in changes {
        if change.is_null() {
            members.remove(&key);
        } else {
            apply_patch(members.entry(key).or_insert(Json::Null), change);
        }
    }
}

/// Arrays one after the other, objects member by member; a scalar is an array of itself.
fn join(a: Json, b: Json) -> Json {
    match (a, b) {
        (Json::Object(mut members), Json::Object(more)) => {
            for (key, value) in more {
                let joined = match members.remove(&key) {
                    Some(old) => join(old, value),
                    None => value,
                };
                members.insert(key, joined);
            }
            Json::Object(members)
        }
        (a, b) => {
            let items = |value| match value {
                Json::Array(items) => items,
                other => vec![other],
            };
            let mut all = items(a);
            all.extend(items(b));
            Json::Array(all)
        }
    }
}
