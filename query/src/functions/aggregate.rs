//! What aggregates are computed over.
//!
//! The aggregates themselves are DataFusion's; the rewrite brings their arguments to the types for which
//! they give MySQL's answers. `AVG(x)` is `SUM(x) / COUNT(x)` with MySQL's division, so its digits are
//! exact, and the sum is shared with a `SUM(x)` beside it.

use std::sync::Arc;

use arrow::array::*;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::row::{RowConverter, SortField};
use datafusion::common::Result as DataFusionResult;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{Expr, ExprSchemable, ReturnFieldArgs};

use super::call::Call;
use super::convert::{is_decimal, to_double};
use super::scalar::{Definition, MANY, Returned, Returns};
use crate::error::Result;

pub(super) const FUNCTIONS: &[Definition] = &[
    Definition::new("mysql_summand", 1..=1, Returns::By(summand_type), summand).simplify(plain_summand).unnamed(),
    Definition::new("mysql_total", 1..=1, Returns::By(total_type), total).simplify(plain_total).unnamed(),
    Definition::new("mysql_row_key", 1..=MANY, Returns::Binary, row_key),
];

/// What values of a type are summed as: whole numbers in 64 bits if no sum of them can leave those, in
/// decimals otherwise; exact numbers as they are; everything else as doubles.
fn summand_of(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32 => DataType::Int64,
        DataType::Int64 => DataType::Decimal128(19, 0),
        DataType::UInt64 => DataType::Decimal128(20, 0),
        t if is_decimal(t) => t.clone(),
        _ => DataType::Float64,
    }
}

fn summand_type(args: &ReturnFieldArgs<'_>) -> Result<Returned> {
    Ok(summand_of(args.arg_fields[0].data_type()).into())
}

fn summand(call: &Call<'_>) -> Result<ArrayRef> {
    let array = &call.argument(0).array;
    if array.data_type() == call.return_type {
        return Ok(array.clone());
    }
    if *call.return_type == DataType::Float64 {
        return Ok(Arc::new(to_double(array, call.zone)?));
    }
    Ok(cast(array, call.return_type)?)
}

/// Numbers need no function of ours: the aggregate then is as plain as DataFusion's own.
fn plain_summand(mut args: Vec<Expr>, context: &SimplifyContext) -> DataFusionResult<ExprSimplifyResult> {
    if args.len() != 1 {
        return Ok(ExprSimplifyResult::Original(args));
    }
    let data_type = args[0].get_type(context.schema().as_ref())?;
    let wanted = summand_of(&data_type);
    if data_type == wanted {
        return Ok(ExprSimplifyResult::Simplified(args.remove(0)));
    }
    if data_type.is_numeric() || data_type == DataType::Boolean {
        return Ok(ExprSimplifyResult::Simplified(args.remove(0).cast_to(&wanted, context.schema().as_ref())?));
    }
    Ok(ExprSimplifyResult::Original(args))
}

/// What a sum is shown as: whole numbers are added in 64 bits, and are a `DECIMAL` to whoever asks.
fn total_of(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Int64 => DataType::Decimal128(32, 0),
        other => other.clone(),
    }
}

fn total_type(args: &ReturnFieldArgs<'_>) -> Result<Returned> {
    Ok(total_of(args.arg_fields[0].data_type()).into())
}

fn total(call: &Call<'_>) -> Result<ArrayRef> {
    Ok(cast(&call.argument(0).array, call.return_type)?)
}

fn plain_total(mut args: Vec<Expr>, context: &SimplifyContext) -> DataFusionResult<ExprSimplifyResult> {
    if args.len() != 1 {
        return Ok(ExprSimplifyResult::Original(args));
    }
    let wanted = total_of(&args[0].get_type(context.schema().as_ref())?);
    Ok(ExprSimplifyResult::Simplified(args.remove(0).cast_to(&wanted, context.schema().as_ref())?))
}

/// Several values as one key, NULL if any of them is: what `COUNT(DISTINCT a, b)` counts.
fn row_key(call: &Call<'_>) -> Result<ArrayRef> {
    let arrays: Vec<ArrayRef> = (0..call.len()).map(|i| call.array(i)).collect::<Result<_>>()?;
    let fields = arrays.iter().map(|a| SortField::new(a.data_type().clone())).collect();
    let rows = RowConverter::new(fields)?.convert_columns(&arrays)?;
    let key = |row: usize| arrays.iter().all(|a| a.is_valid(row)).then(|| rows.row(row).as_ref().to_vec());
    Ok(Arc::new((0..call.rows()).map(key).collect::<BinaryViewArray>()))
}
