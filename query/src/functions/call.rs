//! One call of a function: its arguments, in the types that the function wants.

use arrow::array::*;
use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::Result as DataFusionResult;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs};

use super::convert;
use crate::error::Result;
use crate::types::SessionZone;

/// The arguments of a call over some rows.
pub(super) struct Call<'a> {
    arguments: Vec<Argument<'a>>,
    rows: usize,
    /// The session's time zone.
    pub(super) zone: SessionZone,
    /// What the planner was told the function returns.
    pub(super) return_type: &'a DataType,
}

/// One argument: an array of all rows, or of one row that stands for all.
pub(super) struct Argument<'a> {
    pub(super) array: ArrayRef,
    pub(super) constant: bool,
    pub(super) field: &'a FieldRef,
}

impl<'a> Call<'a> {
    pub(super) fn new(args: &'a ScalarFunctionArgs) -> DataFusionResult<Self> {
        let mut arguments = Vec::with_capacity(args.args.len());
        for (value, field) in args.args.iter().zip(&args.arg_fields) {
            let (array, constant) = match value {
                ColumnarValue::Array(array) => (array.clone(), false),
                ColumnarValue::Scalar(scalar) => (scalar.to_array_of_size(1)?, true),
            };
            arguments.push(Argument { array, constant, field });
        }
        let constant = arguments.iter().all(|a| a.constant);
        let zone = match args.config_options.execution.time_zone.as_deref() {
            Some(zone) => SessionZone::parse(zone)?,
            None => SessionZone::UTC,
        };
        Ok(Self {
            rows: if constant && !arguments.is_empty() { 1 } else { args.number_rows },
            arguments,
            zone,
            return_type: args.return_field.data_type(),
        })
    }

    /// Whether one row stands for all.
    pub(super) fn constant(&self) -> bool {
        !self.arguments.is_empty() && self.arguments.iter().all(|a| a.constant)
    }

    /// Rows to compute.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Number of arguments.
    pub(super) fn len(&self) -> usize {
        self.arguments.len()
    }

    /// An argument as it came.
    pub(super) fn argument(&self, i: usize) -> &Argument<'a> {
        &self.arguments[i]
    }

    /// An argument's type.
    pub(super) fn data_type(&self, i: usize) -> &DataType {
        self.arguments[i].array.data_type()
    }

    /// An argument as an array of all rows.
    pub(super) fn array(&self, i: usize) -> Result<ArrayRef> {
        let argument = &self.arguments[i];
        if !argument.constant || self.rows == 1 {
            return Ok(argument.array.clone());
        }
        let indices = UInt32Array::from(vec![0_u32; self.rows]);
        Ok(arrow::compute::take(&argument.array, &indices, None)?)
    }

    /// An argument as text.
    pub(super) fn text(&self, i: usize) -> Result<Texts> {
        let argument = &self.arguments[i];
        let array = convert::to_text(&argument.array, argument.field, self.zone)?;
        Ok(Texts { array, constant: argument.constant })
    }

    /// An argument as bytes: text by its UTF-8.
    pub(super) fn bytes(&self, i: usize) -> Result<Values<BinaryViewArray>> {
        let argument = &self.arguments[i];
        let array = convert::to_bytes(&argument.array, argument.field, self.zone)?;
        Ok(Values { array, constant: argument.constant })
    }

    /// An argument as integers.
    pub(super) fn ints(&self, i: usize) -> Result<Values<Int64Array>> {
        let argument = &self.arguments[i];
        Ok(Values { array: convert::to_int(&argument.array, self.zone)?, constant: argument.constant })
    }

    /// An argument as unsigned integers: negative ones by their two's complement.
    pub(super) fn uints(&self, i: usize) -> Result<Values<UInt64Array>> {
        let argument = &self.arguments[i];
        Ok(Values { array: convert::to_uint(&argument.array, self.zone)?, constant: argument.constant })
    }

    /// An argument as doubles.
    pub(super) fn doubles(&self, i: usize) -> Result<Values<Float64Array>> {
        let argument = &self.arguments[i];
        Ok(Values { array: convert::to_double(&argument.array, self.zone)?, constant: argument.constant })
    }

    /// An argument as local date and time, in microseconds; what is none is NULL.
    pub(super) fn datetimes(&self, i: usize) -> Result<Values<TimestampMicrosecondArray>> {
        let argument = &self.arguments[i];
        Ok(Values { array: convert::to_datetime(&argument.array, self.zone)?, constant: argument.constant })
    }

    /// An argument as days; what is no date is NULL.
    pub(super) fn dates(&self, i: usize) -> Result<Values<Date32Array>> {
        let argument = &self.arguments[i];
        Ok(Values { array: convert::to_date(&argument.array, self.zone)?, constant: argument.constant })
    }

    /// An argument as times, in microseconds; what is none is NULL.
    pub(super) fn times(&self, i: usize) -> Result<Values<DurationMicrosecondArray>> {
        let argument = &self.arguments[i];
        Ok(Values { array: convert::to_time(&argument.array, self.zone)?, constant: argument.constant })
    }
}

/// Texts of an argument.
pub(super) type Texts = Values<StringViewArray>;

/// Values of an argument, by row.
pub(super) struct Values<A> {
    pub(super) array: A,
    pub(super) constant: bool,
}

impl<'a, A> Values<A>
where
    &'a A: ArrayAccessor,
    A: Array + 'a,
{
    /// A row's value; `None` for NULL.
    #[inline]
    pub(super) fn get(&'a self, row: usize) -> Option<<&'a A as ArrayAccessor>::Item> {
        let row = if self.constant { 0 } else { row };
        if self.array.is_null(row) { None } else { Some((&self.array).value(row)) }
    }
}
