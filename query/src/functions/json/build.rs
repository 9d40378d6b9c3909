//! New documents.

use std::borrow::Cow;

use arrow::array::ArrayRef;
use serde_json::Value as Json;

use super::document::{Documents, JSON, by_row, texts, values};
use crate::error::{Result, SqlError};
use crate::functions::call::Call;
use crate::functions::scalar::{Definition, MANY, Returns};

pub(in crate::functions) const FUNCTIONS: &[Definition] = &[
    Definition::new("json_array", 0..=MANY, JSON, |c| {
        let columns: Vec<Vec<Json>> = (0..c.len()).map(|i| values(c, i)).collect::<Result<_>>()?;
        by_row(c, |row| Ok(Some(columns.iter().map(|column| column[row].clone()).collect())))
    }),
    // key, value, key, value…
    Definition::new("json_object", 0..=MANY, JSON, object),
    Definition::new("json_quote", 1..=1, Returns::Text, |c| {
        let unquoted = c.text(0)?;
        texts(c, |row| Ok(unquoted.get(row).map(|text| Json::from(text).to_string())))
    }),
    // What is no document yet is read as one if it is text, and becomes one otherwise.
    Definition::new("cast_json", 1..=1, JSON, |c| {
        if crate::functions::convert::is_text(c.data_type(0)) {
            let documents = Documents::of(c, 0, "cast_as_json")?;
            return by_row(c, |row| Ok(documents.get(row)?.map(Cow::into_owned)));
        }
        let nulls = c.argument(0).array.logical_nulls();
        let constant = c.argument(0).constant;
        let values = values(c, 0)?;
        by_row(c, |row| {
            let at = if constant { 0 } else { row };
            Ok((!nulls.as_ref().is_some_and(|n| n.is_null(at))).then(|| values[row].clone()))
        })
    }),
];

fn object(call: &Call<'_>) -> Result<ArrayRef> {
    if !call.len().is_multiple_of(2) {
        return Err(SqlError::parameter_count("JSON_OBJECT"));
    }
    let mut members = Vec::with_capacity(call.len() / 2);
    for i in (0..call.len()).step_by(2) {
        members.push((call.text(i)?, values(call, i + 1)?));
    }
    by_row(call, |row| {
        let mut object = serde_json::Map::new();
        for (keys, values) in &members {
            let key = keys
                .get(row)
                .ok_or_else(|| SqlError::new(3158, "JSON documents may not contain NULL member names."))?;
            object.insert(key.to_owned(), values[row].clone());
        }
        Ok(Some(Json::Object(object)))
    })
}
