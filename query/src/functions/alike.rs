//! Values of different types in the place of one: the branches of `IFNULL`, `COALESCE`, `IF` and `CASE`.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::common::Result as DataFusionResult;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{Expr, ExprSchemable, ReturnFieldArgs};

use super::call::Call;
use super::convert::{is_binary, is_text};
use super::library;
use super::scalar::{Definition, MANY, Returned, Returns};
use crate::error::Result;

pub(super) const FUNCTIONS: &[Definition] = &[
    // The first argument, in the type that all of them have together.
    Definition::new("mysql_alike", 2..=MANY, Returns::By(alike_type), alike).simplify(plain_alike),
];

/// Text beside anything else makes all of it text. What mixes otherwise, the planner brings together.
fn becomes_text<'a>(first: &DataType, all: impl Iterator<Item = &'a DataType>) -> bool {
    let mut types = all.filter(|t| **t != DataType::Null).peekable();
    let stays = is_text(first) || is_binary(first) || *first == DataType::Null;
    !stays && types.any(is_text)
}

fn alike_type(args: &ReturnFieldArgs<'_>) -> Result<Returned> {
    let first = args.arg_fields[0].data_type();
    let text = becomes_text(first, args.arg_fields.iter().map(|f| f.data_type()));
    Ok(if text { DataType::Utf8View } else { first.clone() }.into())
}

fn alike(call: &Call<'_>) -> Result<ArrayRef> {
    if call.return_type == call.data_type(0) {
        return call.array(0);
    }
    if call.argument(0).constant && call.rows() > 1 {
        return Ok(arrow::compute::cast(&call.array(0)?, call.return_type)?);
    }
    Ok(Arc::new(call.text(0)?.array))
}

fn plain_alike(mut args: Vec<Expr>, context: &SimplifyContext) -> DataFusionResult<ExprSimplifyResult> {
    let types = args.iter().map(|arg| arg.get_type(context.schema().as_ref())).collect::<DataFusionResult<Vec<_>>>()?;
    let Some(first) = types.first() else { return Ok(ExprSimplifyResult::Original(args)) };
    let text = becomes_text(first, types.iter());
    let value = args.swap_remove(0);
    Ok(ExprSimplifyResult::Simplified(if text { library::call("cast_char", vec![value]) } else { value }))
}
