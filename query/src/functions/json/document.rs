//! Arguments as documents.
//!
//! A value of type JSON is a document; any other text is a string where a value is wanted, and is parsed
//! where a document is.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringViewBuilder};
use arrow::datatypes::{DataType, Float64Type, Int64Type, UInt64Type};
use deltatree_learner::catalog::SqlType;
use serde_json::Value as Json;

use super::path::Path;
use crate::error::{Result, SqlError};
use crate::functions::call::{Call, Texts};
use crate::functions::scalar::{Returned, Returns};
use crate::types::field::sql_type_of;
use crate::types::json::json_text;

/// What functions that make documents return.
pub(super) const JSON: Returns =
    Returns::By(|_| Ok(Returned { data_type: DataType::Utf8View, sql_type: Some(SqlType::Json) }));

/// An argument that is a document, or text that holds one.
pub(super) struct Documents {
    texts: Texts,
    position: usize,
    function: &'static str,
    /// The one document of a constant.
    constant: Option<Option<Json>>,
}

impl Documents {
    /// Argument `i`. `function` is for messages.
    pub(super) fn of(call: &Call<'_>, i: usize, function: &'static str) -> Result<Self> {
        let mut documents = Self { texts: call.text(i)?, position: i + 1, function, constant: None };
        if documents.texts.constant {
            documents.constant = Some(documents.parse(0)?);
        }
        Ok(documents)
    }

    /// A row's document; `None` for NULL. Fails with 3141 if the text is none.
    pub(super) fn get(&self, row: usize) -> Result<Option<Cow<'_, Json>>> {
        match &self.constant {
            Some(document) => Ok(document.as_ref().map(Cow::Borrowed)),
            None => Ok(self.parse(row)?.map(Cow::Owned)),
        }
    }

    fn parse(&self, row: usize) -> Result<Option<Json>> {
        let Some(text) = self.texts.get(row) else { return Ok(None) };
        serde_json::from_str(text).map(Some).map_err(|e| {
            let (argument, function, at) = (self.position, self.function, e.column().saturating_sub(1));
            let message = format!(
                "Invalid JSON text in argument {argument} to function {function}: \"Invalid value.\" at position {at}."
            );
            SqlError::new(3141, message)
        })
    }
}

/// An argument that is a path.
pub(super) struct Paths {
    texts: Texts,
    constant: Option<Option<Path>>,
}

impl Paths {
    /// Argument `i`.
    pub(super) fn of(call: &Call<'_>, i: usize) -> Result<Self> {
        let texts = call.text(i)?;
        let constant = if texts.constant { Some(texts.get(0).map(Path::parse).transpose()?) } else { None };
        Ok(Self { texts, constant })
    }

    /// All arguments from the `first`.
    pub(super) fn from(call: &Call<'_>, first: usize) -> Result<Vec<Self>> {
        (first..call.len()).map(|i| Self::of(call, i)).collect()
    }

    /// A row's path; `None` for NULL. Fails with 3143 if it is none.
    pub(super) fn get(&self, row: usize) -> Result<Option<Cow<'_, Path>>> {
        match &self.constant {
            Some(path) => Ok(path.as_ref().map(Cow::Borrowed)),
            None => Ok(self.texts.get(row).map(Path::parse).transpose()?.map(Cow::Owned)),
        }
    }
}

/// An argument as values: documents as they are, text as strings, NULL as `null`.
pub(super) fn values(call: &Call<'_>, i: usize) -> Result<Vec<Json>> {
    let argument = call.argument(i);
    let array = &argument.array;
    let is_json = sql_type_of(argument.field) == Some(SqlType::Json);
    let one: Box<dyn Fn(usize) -> Result<Json>> = match array.data_type() {
        DataType::Boolean => Box::new(|row| Ok(array.as_boolean().value(row).into())),
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => {
            let ints = arrow::compute::cast(array, &DataType::Int64)?;
            Box::new(move |row| Ok(ints.as_primitive::<Int64Type>().value(row).into()))
        }
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => {
            let ints = arrow::compute::cast(array, &DataType::UInt64)?;
            Box::new(move |row| Ok(ints.as_primitive::<UInt64Type>().value(row).into()))
        }
        DataType::Float32 | DataType::Float64 => {
            let doubles = arrow::compute::cast(array, &DataType::Float64)?;
            Box::new(move |row| Ok(doubles.as_primitive::<Float64Type>().value(row).into()))
        }
        data_type => {
            let number = data_type.is_decimal();
            let texts = call.text(i)?;
            Box::new(move |row| {
                let text = texts.get(row).unwrap_or_default();
                if is_json || number {
                    serde_json::from_str(text).map_err(|e| SqlError::new(3141, format!("Invalid JSON text: {e}")))
                } else {
                    Ok(text.into())
                }
            })
        }
    };
    (0..call.rows())
        .map(|row| {
            let row = if argument.constant { 0 } else { row };
            if array.is_null(row) || array.data_type().is_null() { Ok(Json::Null) } else { one(row) }
        })
        .collect()
}

/// A document for each row; `None` for NULL.
pub(super) fn by_row(call: &Call<'_>, mut document: impl FnMut(usize) -> Result<Option<Json>>) -> Result<ArrayRef> {
    texts(call, |row| Ok(document(row)?.map(|d| json_text(&d))))
}

/// A text for each row; `None` for NULL.
pub(super) fn texts<T: AsRef<str>>(
    call: &Call<'_>,
    mut text: impl FnMut(usize) -> Result<Option<T>>,
) -> Result<ArrayRef> {
    let mut out = StringViewBuilder::with_capacity(call.rows());
    for row in 0..call.rows() {
        out.append_option(text(row)?);
    }
    Ok(Arc::new(out.finish()))
}
