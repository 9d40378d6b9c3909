//! Aggregates in the form in which DataFusion gives MySQL's answers.

use datafusion::sql::sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArgumentList,
    FunctionArguments, Value,
};

use super::build;
use crate::error::{Result, SqlError};

/// Rewrites an aggregate call; `None` if the name is none that needs it.
pub(super) fn rewrite(name: &str, function: &Function) -> Result<Option<Expr>> {
    let FunctionArguments::List(list) = &function.args else { return Ok(None) };
    Ok(Some(match name {
        "sum" => {
            let sum = with_arguments(function, "sum", vec![summand(one(name, list)?)]);
            build::call("mysql_total", vec![Expr::Function(sum)])
        }
        "avg" => {
            let arg = one(name, list)?;
            let sum = with_arguments(function, "sum", vec![summand(arg.clone())]);
            let count = with_arguments(function, "count", vec![arg]);
            build::call("mysql_divide", vec![Expr::Function(sum), Expr::Function(count)])
        }
        "count" if list.args.len() > 1 => {
            let args = expressions(list)?;
            Expr::Function(with_arguments(function, "count", vec![build::call("mysql_row_key", args)]))
        }
        "std" | "stddev" | "stddev_pop" => double(function, "stddev_pop", one(name, list)?),
        "stddev_samp" => double(function, "stddev", one(name, list)?),
        "variance" | "var_pop" => double(function, "var_pop", one(name, list)?),
        "var_samp" => double(function, "var", one(name, list)?),
        "bit_and" => bits(function, name, one(name, list)?, u64::MAX),
        "bit_or" | "bit_xor" => bits(function, name, one(name, list)?, 0),
        "any_value" => Expr::Function(with_arguments(function, "first_value", vec![one(name, list)?])),
        "group_concat" => group_concat(function, list)?,
        _ => return Ok(None),
    }))
}

/// The same call with another name and other arguments.
fn with_arguments(function: &Function, name: &str, args: Vec<Expr>) -> Function {
    let mut out = function.clone();
    let plain = build::function(name, args);
    out.name = plain.name;
    if let (FunctionArguments::List(list), FunctionArguments::List(plain)) = (&mut out.args, plain.args) {
        list.args = plain.args;
    }
    out
}

fn expressions(list: &FunctionArgumentList) -> Result<Vec<Expr>> {
    list.args
        .iter()
        .map(|arg| match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Ok(expr.clone()),
            _ => Err(SqlError::parse(&arg.to_string(), 1)),
        })
        .collect()
}

fn one(name: &str, list: &FunctionArgumentList) -> Result<Expr> {
    match expressions(list)?.as_slice() {
        [arg] => Ok(arg.clone()),
        _ => Err(SqlError::parameter_count(&name.to_uppercase())),
    }
}

/// What `SUM` adds up. Small constants chosen by a `CASE` are summed as they are: 64 bits hold the sum of
/// as many as there will ever be.
fn summand(arg: Expr) -> Expr {
    if is_small(&arg) { arg } else { build::call("mysql_summand", vec![arg]) }
}

fn is_small(expr: &Expr) -> bool {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) => digits.len() < 10 && digits.bytes().all(|b| b.is_ascii_digit()),
            _ => false,
        },
        Expr::Case { conditions, else_result, .. } => {
            conditions.iter().all(|c| is_small(&c.result)) && else_result.as_ref().is_none_or(|e| is_small(e))
        }
        _ => false,
    }
}

fn double(function: &Function, name: &str, arg: Expr) -> Expr {
    Expr::Function(with_arguments(function, name, vec![build::call("cast_double", vec![arg])]))
}

fn bits(function: &Function, name: &str, arg: Expr, empty: u64) -> Expr {
    let aggregate = with_arguments(function, name, vec![build::call("cast_unsigned", vec![arg])]);
    let empty = build::call("cast_unsigned", vec![build::number(empty)]);
    build::call("coalesce", vec![Expr::Function(aggregate), empty])
}

/// `GROUP_CONCAT([DISTINCT] a, b [ORDER BY c] [SEPARATOR 's'])`.
fn group_concat(function: &Function, list: &FunctionArgumentList) -> Result<Expr> {
    let mut args = expressions(list)?;
    let arg = match args.len() {
        0 => return Err(SqlError::parameter_count("GROUP_CONCAT")),
        1 => build::call("cast_char", vec![args.remove(0)]),
        _ => build::call("concat", args),
    };
    let mut separator = ",".to_owned();
    let mut clauses = Vec::new();
    for clause in &list.clauses {
        match clause {
            FunctionArgumentClause::Separator(value) => {
                if let Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) = &value.value {
                    separator.clone_from(text);
                }
            }
            FunctionArgumentClause::OrderBy(order) => {
                let mut order = order.clone();
                if list.duplicate_treatment == Some(DuplicateTreatment::Distinct) {
                    // Distinct values can only be ordered by themselves.
                    for by in &mut order {
                        by.expr = arg.clone();
                    }
                    order.truncate(1);
                }
                clauses.push(FunctionArgumentClause::OrderBy(order));
            }
            other => clauses.push(other.clone()),
        }
    }
    let mut out = with_arguments(function, "string_agg", vec![arg, build::text(separator)]);
    if let FunctionArguments::List(list) = &mut out.args {
        list.clauses = clauses;
    }
    Ok(Expr::Function(out))
}
