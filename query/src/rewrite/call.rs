//! Calls of functions whose MySQL form the planner does not know.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CaseWhen, Expr, Function, FunctionArguments, Ident, Interval, ObjectName,
    helpers::attached_token::AttachedToken,
};

use super::expression::{arguments, unit};
use super::{RewriteContext, aggregate, alike, build, query, session};
use crate::error::{Result, SqlError};
use crate::types::{Datum, literal, temporal};

/// A function's name in lower case.
pub(super) fn name(function: &Function) -> String {
    query::last_part(&function.name).map(|ident| ident.value.to_lowercase()).unwrap_or_default()
}

/// Rewrites a call whose arguments are rewritten already.
pub(super) fn rewrite(mut function: Function, context: &RewriteContext<'_>) -> Result<Expr> {
    let name = name(&function);
    if function.name.0.len() > 1 {
        let database = function.name.0[0].to_string();
        return Err(SqlError::unknown_function(database.trim_matches('`'), &name));
    }
    let args = arguments(&function);
    if let Some(args) = &args {
        if let Some(answer) = session::function(&name, args, context)? {
            return Ok(answer);
        }
        if let Some(plain) = plain(&name, args)? {
            return Ok(plain);
        }
    }
    if let Some(aggregate) = aggregate::rewrite(&name, &function)? {
        return Ok(aggregate);
    }
    let canonical = crate::functions::canonical(&name).unwrap_or(&name);
    function.name = ObjectName::from(vec![Ident::new(canonical)]);
    if let FunctionArguments::None = function.args {
        function.args = build::function(canonical, Vec::new()).args;
    }
    Ok(Expr::Function(function))
}

/// Functions that are other syntax, or other functions.
fn plain(name: &str, args: &[Expr]) -> Result<Option<Expr>> {
    let case = |condition: Expr, then: Expr, otherwise: Expr| Expr::Case {
        case_token: AttachedToken::empty(),
        end_token: AttachedToken::empty(),
        operand: None,
        conditions: vec![CaseWhen { condition, result: then }],
        else_result: Some(Box::new(otherwise)),
    };
    Ok(Some(match (name, args) {
        ("if", [c, a, b]) => {
            let mut branches = alike::values(vec![a.clone(), b.clone()]);
            let otherwise = branches.pop().unwrap_or_else(build::null);
            case(build::condition(c.clone()), branches.pop().unwrap_or_else(build::null), otherwise)
        }
        ("nullif", [a, b]) => case(build::binary(a.clone(), BinaryOperator::Eq, b.clone()), build::null(), a.clone()),
        ("ifnull", [_, _]) | ("coalesce", [_, ..]) => build::call("coalesce", alike::values(args.to_vec())),
        ("if" | "nullif" | "ifnull", _) => return Err(SqlError::parameter_count(&name.to_uppercase())),
        ("isnull", [a]) => Expr::IsNull(Box::new(build::nested(a.clone()))),
        ("date_add" | "adddate", [date, Expr::Interval(interval)]) => {
            move_date("mysql_date_add", date.clone(), interval.clone())?
        }
        ("date_sub" | "subdate", [date, Expr::Interval(interval)]) => {
            move_date("mysql_date_sub", date.clone(), interval.clone())?
        }
        ("adddate", [date, days]) => moved("mysql_date_add", date.clone(), days.clone(), "DAY"),
        ("subdate", [date, days]) => moved("mysql_date_sub", date.clone(), days.clone(), "DAY"),
        ("timestampadd", [unit, amount, date]) => {
            build::call("mysql_date_add", vec![dated(date.clone()), amount.clone(), unit.clone()])
        }
        ("date", [a]) => build::call("cast_date", vec![a.clone()]),
        ("time", [a]) => build::call("cast_time", vec![a.clone()]),
        ("timestamp", [a]) => build::call("cast_datetime", vec![a.clone()]),
        ("timestamp", [a, b]) => build::call("addtime", vec![build::call("cast_datetime", vec![a.clone()]), b.clone()]),
        ("log", [base, x]) => {
            build::call("mysql_divide", vec![build::call("ln", vec![x.clone()]), build::call("ln", vec![base.clone()])])
        }
        ("from_unixtime", [x, format]) => {
            build::call("date_format", vec![build::call("from_unixtime", vec![x.clone()]), format.clone()])
        }
        ("sha2", [x, bits]) => {
            let digest = match literal::literal_value(bits) {
                Some(Datum::Int(0 | 256)) => "sha256",
                Some(Datum::Int(224)) => "sha224",
                Some(Datum::Int(384)) => "sha384",
                Some(Datum::Int(512)) => "sha512",
                _ => return Ok(Some(build::null())),
            };
            let digest = build::call(digest, vec![build::call("cast_char", vec![x.clone()])]);
            build::call("lower", vec![build::call("hex", vec![digest])])
        }
        ("round", [x]) => build::call("round", vec![x.clone(), build::number(0)]),
        _ => return Ok(None),
    }))
}

/// `date ± INTERVAL n unit`.
pub(super) fn move_date(name: &str, date: Expr, interval: Interval) -> Result<Expr> {
    let unit = unit(&interval)?;
    Ok(moved(name, date, *interval.value, &unit))
}

fn moved(name: &str, date: Expr, amount: Expr, unit: &str) -> Expr {
    build::call(name, vec![dated(date), amount, build::text(unit)])
}

/// A text constant that is a date, as a date: so that the result is one, which compares as one.
fn dated(expr: Expr) -> Expr {
    match literal::literal_value(&expr) {
        Some(Datum::Text(text)) => match temporal::parse_datetime(&text) {
            Some(parsed) if parsed.has_time => {
                build::call("cast_datetime", vec![expr, build::number(if parsed.fsp > 0 { 6 } else { 0 })])
            }
            Some(_) => build::call("cast_date", vec![expr]),
            None => expr,
        },
        _ => expr,
    }
}
