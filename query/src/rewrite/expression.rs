//! Expressions: MySQL's syntax as calls of functions, names in lower case, constants.

use std::mem::replace;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CaseWhen, CeilFloorKind, DataType, DateTimeField, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArguments, Ident, Interval, TimezoneInfo, TrimWhereField, TypedString, UnaryOperator, Value,
};

use super::{RewriteContext, build, call, lower, session};
use crate::error::{Result, SqlError};
use crate::types::literal::literal_value;
use crate::types::{Datum, calendar, temporal};

/// Before the parts of an expression are rewritten: units that stand where an argument would.
pub(super) fn before(expr: &mut Expr) -> Result<()> {
    if let Expr::Function(function) = expr
        && matches!(call::name(function).as_str(), "timestampdiff" | "timestampadd")
        && let FunctionArguments::List(list) = &mut function.args
        && let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(first))) = list.args.first_mut()
        && let Expr::Identifier(unit) = first
    {
        *first = build::text(unit.value.to_uppercase());
    }
    Ok(())
}

/// After the parts of an expression were rewritten.
pub(super) fn after(expr: &mut Expr, context: &RewriteContext<'_>) -> Result<()> {
    let old = replace(expr, build::null());
    *expr = rewrite(old, context)?;
    Ok(())
}

fn rewrite(expr: Expr, context: &RewriteContext<'_>) -> Result<Expr> {
    Ok(match expr {
        Expr::Identifier(ident) => match session::variable(std::slice::from_ref(&ident), context)? {
            Some(constant) => constant,
            None => Expr::Identifier(lowered(ident)),
        },
        Expr::CompoundIdentifier(parts) => match session::variable(&parts, context)? {
            Some(constant) => constant,
            None => Expr::CompoundIdentifier(parts.into_iter().map(lowered).collect()),
        },
        Expr::Value(value) => literal(value.value, context)?,
        Expr::TypedString(typed) => typed_string(typed)?,
        Expr::Prefixed { value, .. } => *value,
        Expr::Collate { expr, .. } => *expr,
        Expr::UnaryOp { op, expr } => unary(op, *expr),
        Expr::BinaryOp { left, op, right } => binary(*left, op, *right)?,
        Expr::Between { expr, negated, low, high } => {
            let from = build::binary((*expr).clone(), BinaryOperator::GtEq, *low);
            let to = build::binary(*expr, BinaryOperator::LtEq, *high);
            let both = build::binary(from, BinaryOperator::And, to);
            if negated { build::not(both) } else { Expr::Nested(Box::new(both)) }
        }
        Expr::InList { expr, list, negated } => in_list(*expr, list, negated)?,
        Expr::IsTrue(e) => Expr::IsTrue(Box::new(build::condition(*e))),
        Expr::IsNotTrue(e) => Expr::IsNotTrue(Box::new(build::condition(*e))),
        Expr::IsFalse(e) => Expr::IsFalse(Box::new(build::condition(*e))),
        Expr::IsNotFalse(e) => Expr::IsNotFalse(Box::new(build::condition(*e))),
        Expr::IsUnknown(e) => Expr::IsNull(e),
        Expr::IsNotUnknown(e) => Expr::IsNotNull(e),
        Expr::RLike { negated, expr, pattern, .. } => {
            let matched = build::call("regexp_like", vec![*expr, *pattern]);
            if negated { build::not(matched) } else { matched }
        }
        Expr::Like { negated, any, expr, pattern, escape_char } => {
            let pattern = match &escape_char {
                Some(escape) => escaped(*pattern, &escape.value)?,
                None => *pattern,
            };
            Expr::Like { negated, any, expr, pattern: Box::new(pattern), escape_char: None }
        }
        Expr::Case { case_token, end_token, operand, conditions, else_result } => {
            let conditions = conditions
                .into_iter()
                .map(|CaseWhen { condition, result }| CaseWhen {
                    condition: match &operand {
                        Some(operand) => build::binary((**operand).clone(), BinaryOperator::Eq, condition),
                        None => build::condition(condition),
                    },
                    result,
                })
                .collect();
            Expr::Case { case_token, end_token, operand: None, conditions, else_result }
        }
        Expr::Cast { expr, data_type, .. } => cast(*expr, &data_type)?,
        Expr::Convert { expr, data_type: Some(data_type), .. } => cast(*expr, &data_type)?,
        Expr::Convert { expr, data_type: None, .. } => build::call("cast_char", vec![*expr]),
        Expr::Extract { field, expr, .. } => extract(&field, *expr)?,
        Expr::Ceil { expr, field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) } => {
            build::call("ceil", vec![*expr])
        }
        Expr::Floor { expr, field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) } => {
            build::call("floor", vec![*expr])
        }
        Expr::Position { expr, r#in } => build::call("locate", vec![*expr, *r#in]),
        Expr::Substring { expr, substring_from, substring_for, .. } => {
            let mut args = vec![*expr];
            args.extend(substring_from.map(|e| *e));
            args.extend(substring_for.map(|e| *e));
            build::call("substring", args)
        }
        Expr::Trim { trim_where, trim_what, expr, .. } => {
            let name = match trim_where {
                Some(TrimWhereField::Leading) => "mysql_trim_leading",
                Some(TrimWhereField::Trailing) => "mysql_trim_trailing",
                Some(TrimWhereField::Both) | None => "mysql_trim_both",
            };
            build::call(name, std::iter::once(*expr).chain(trim_what.map(|e| *e)).collect())
        }
        Expr::Function(function) => call::rewrite(function, context)?,
        other => other,
    })
}

fn lowered(mut ident: Ident) -> Ident {
    lower(&mut ident);
    ident
}

fn literal(value: Value, context: &RewriteContext<'_>) -> Result<Expr> {
    let plain = |value: Value| Expr::Value(value.into());
    Ok(match value {
        Value::DoubleQuotedString(text) | Value::NationalStringLiteral(text) => build::text(text),
        Value::SingleQuotedByteStringLiteral(bits) => match crate::types::literal::bit_bytes(&bits) {
            Some(bytes) => Datum::Bytes(bytes).to_ast(),
            None => return Err(SqlError::parse(&bits, 1)),
        },
        Value::HexStringLiteral(hex) if hex.len() % 2 == 1 => plain(Value::HexStringLiteral(format!("0{hex}"))),
        // With an exponent a number is approximate.
        Value::Number(digits, _) if digits.contains(['e', 'E']) => {
            build::call("cast_double", vec![build::text(digits)])
        }
        Value::Placeholder(name) => {
            let position = name.strip_prefix('?').and_then(|n| n.parse::<usize>().ok());
            match position.and_then(|n| context.parameters.get(n.wrapping_sub(1))) {
                Some(value) => session::constant(value),
                None => return Err(SqlError::wrong_arguments("EXECUTE")),
            }
        }
        other => plain(other),
    })
}

/// A date or time constant as an expression of its type.
pub(super) fn typed(expr: Expr) -> Expr {
    let Expr::TypedString(TypedString { data_type, value, .. }) = expr else { return expr };
    let text = build::text(value.value.into_string().unwrap_or_default());
    match data_type {
        DataType::Date => build::call("cast_date", vec![text]),
        DataType::Time(..) => build::call("cast_time", vec![text]),
        _ => build::call("cast_datetime", vec![text]),
    }
}

/// `DATE '…'`, `TIME '…'`, `TIMESTAMP '…'`: refused at once if they are none.
fn typed_string(typed: TypedString) -> Result<Expr> {
    let text = typed.value.value.clone().into_string().unwrap_or_default();
    let incorrect = |kind: &str| SqlError::new(1525, format!("Incorrect {kind} value: '{text}'"));
    let mut out = Vec::new();
    let digits = |fsp: u8| build::number(fsp);
    Ok(match typed.data_type {
        DataType::Date => {
            let parsed = temporal::parse_datetime(&text).ok_or_else(|| incorrect("DATE"))?;
            calendar::write_date(parsed.days(), &mut out);
            // The planner's own form: a cast of a constant is folded at once.
            Expr::TypedString(TypedString {
                data_type: DataType::Date,
                value: Value::SingleQuotedString(String::from_utf8_lossy(&out).into_owned()).into(),
                uses_odbc_syntax: false,
            })
        }
        DataType::Time(..) => {
            let (_, fsp) = temporal::parse_time(&text).ok_or_else(|| incorrect("TIME"))?;
            build::call("cast_time", vec![build::text(text), digits(fsp)])
        }
        DataType::Timestamp(..) | DataType::Datetime(_) => {
            let parsed = temporal::parse_datetime(&text).ok_or_else(|| incorrect("DATETIME"))?;
            build::call("cast_datetime", vec![build::text(text), digits(parsed.fsp)])
        }
        other => cast(build::text(text), &other)?,
    })
}

fn unary(op: UnaryOperator, expr: Expr) -> Expr {
    match op {
        UnaryOperator::Plus => expr,
        UnaryOperator::Minus => match &expr {
            Expr::Value(value) if matches!(value.value, Value::Number(..) | Value::Null) => {
                Expr::UnaryOp { op, expr: Box::new(expr) }
            }
            _ => build::binary(build::number(0), BinaryOperator::Minus, expr),
        },
        UnaryOperator::Not | UnaryOperator::BangNot => build::not(build::condition(expr)),
        UnaryOperator::BitwiseNot => build::call("mysql_bit_not", vec![expr]),
        op => Expr::UnaryOp { op, expr: Box::new(expr) },
    }
}

fn binary(left: Expr, op: BinaryOperator, right: Expr) -> Result<Expr> {
    match (&op, left, right) {
        (BinaryOperator::Plus, Expr::Interval(interval), date) => call::move_date("mysql_date_add", date, interval),
        (BinaryOperator::Plus, date, Expr::Interval(interval)) => call::move_date("mysql_date_add", date, interval),
        (BinaryOperator::Minus, date, Expr::Interval(interval)) => call::move_date("mysql_date_sub", date, interval),
        (BinaryOperator::Regexp, text, pattern) => Ok(build::call("regexp_like", vec![text, pattern])),
        (BinaryOperator::Arrow, document, path) => Ok(build::call("json_extract", vec![document, path])),
        (BinaryOperator::LongArrow, document, path) => {
            Ok(build::call("json_unquote", vec![build::call("json_extract", vec![document, path])]))
        }
        (BinaryOperator::Assignment, ..) => Err(SqlError::not_supported(":= in an expression")),
        (_, Expr::Tuple(left), Expr::Tuple(right)) => rows(left, &op, right),
        (BinaryOperator::Eq | BinaryOperator::NotEq | BinaryOperator::Spaceship, left, right) => {
            let (left, right) = if is_text(&right) {
                (said(left), right)
            } else if is_text(&left) {
                (left, said(right))
            } else {
                (left, right)
            };
            Ok(Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) })
        }
        (_, left, right) => Ok(Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }),
    }
}

fn is_text(expr: &Expr) -> bool {
    matches!(literal_value(expr), Some(Datum::Text(_)))
}

/// A string of a document compares with other text by what it says, without its quotes.
fn said(expr: Expr) -> Expr {
    match &expr {
        Expr::Function(function) if call::name(function) == "json_extract" => build::call("json_unquote", vec![expr]),
        _ => expr,
    }
}

/// `(a, b) = (c, d)`, and the other comparisons of rows.
fn rows(left: Vec<Expr>, op: &BinaryOperator, right: Vec<Expr>) -> Result<Expr> {
    use BinaryOperator as Op;
    if left.len() != right.len() || left.is_empty() {
        return Err(SqlError::new(1241, format!("Operand should contain {} column(s)", left.len())));
    }
    let pairs = left.into_iter().zip(right);
    let joined = match op {
        Op::Eq | Op::Spaceship => build::join(pairs.map(|(a, b)| build::binary(a, op.clone(), b)), Op::And),
        Op::NotEq => build::join(pairs.map(|(a, b)| build::binary(a, Op::NotEq, b)), Op::Or),
        Op::Lt | Op::LtEq | Op::Gt | Op::GtEq => {
            let strict = if matches!(op, Op::Lt | Op::LtEq) { Op::Lt } else { Op::Gt };
            let pairs: Vec<_> = pairs.collect();
            let mut whole: Option<Expr> = None;
            for (i, (a, b)) in pairs.into_iter().enumerate().rev() {
                let last = whole.is_none();
                let compared = build::binary(a.clone(), if last { op.clone() } else { strict.clone() }, b.clone());
                whole = Some(match whole {
                    None => compared,
                    Some(rest) => {
                        let equal = build::binary(build::binary(a, Op::Eq, b), Op::And, rest);
                        build::binary(compared, Op::Or, equal)
                    }
                });
                debug_assert!(i < usize::MAX, "positions count down");
            }
            whole
        }
        _ => return Err(SqlError::not_supported(format!("{op} between rows"))),
    };
    joined.ok_or_else(|| SqlError::new(1241, "Operand should contain 1 column(s)"))
}

/// `IN` with a list; rows become comparisons of their parts.
fn in_list(expr: Expr, list: Vec<Expr>, negated: bool) -> Result<Expr> {
    let Expr::Tuple(columns) = expr else {
        return Ok(Expr::InList { expr: Box::new(expr), list, negated });
    };
    let mut items = Vec::with_capacity(list.len());
    for item in list {
        match item {
            Expr::Tuple(values) if values.len() == columns.len() => items.push(values),
            _ => return Err(SqlError::new(1241, format!("Operand should contain {} column(s)", columns.len()))),
        }
    }
    // Where the rows differ in one place only, that place is a list of its own, which keys can serve.
    let differing: Vec<usize> =
        (0..columns.len()).filter(|i| items.windows(2).any(|pair| pair[0][*i] != pair[1][*i])).collect();
    let matched = match (differing.as_slice(), items.first().cloned()) {
        ([at], Some(first)) => {
            let list = items.into_iter().map(|mut item| item.swap_remove(*at)).collect();
            let listed = Expr::InList { expr: Box::new(columns[*at].clone()), list, negated: false };
            let equal = columns.into_iter().zip(first).enumerate().filter(|(i, _)| i != at);
            let equal = equal.map(|(_, (a, b))| build::binary(a, BinaryOperator::Eq, b));
            build::join(equal.chain(std::iter::once(listed)), BinaryOperator::And)
        }
        _ => {
            let items = items.into_iter().map(|item| rows(columns.clone(), &BinaryOperator::Eq, item));
            build::join(items.collect::<Result<Vec<_>>>()?, BinaryOperator::Or)
        }
    };
    let matched = matched.ok_or_else(|| SqlError::parse(")", 1))?;
    Ok(if negated { build::not(matched) } else { build::nested(matched) })
}

/// A constant pattern with another escape character, written with `\`.
fn escaped(pattern: Expr, escape: &Value) -> Result<Expr> {
    let escape = match escape {
        Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) => text.as_str(),
        _ => return Err(SqlError::wrong_arguments("ESCAPE")),
    };
    if escape == "\\" {
        return Ok(pattern);
    }
    let Expr::Value(value) = &pattern else {
        return Err(SqlError::not_supported("LIKE … ESCAPE with a pattern that is no constant"));
    };
    let Value::SingleQuotedString(text) = &value.value else { return Err(SqlError::wrong_arguments("ESCAPE")) };
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    let mut single = escape.chars();
    let mark = single.next();
    if single.next().is_some() {
        return Err(SqlError::wrong_arguments("ESCAPE"));
    }
    while let Some(c) = chars.next() {
        if Some(c) == mark {
            out.push('\\');
            out.extend(chars.next());
        } else if c == '\\' {
            out.push_str("\\\\");
        } else {
            out.push(c);
        }
    }
    Ok(build::text(out))
}

/// `CAST(expr AS type)`.
pub(super) fn cast(expr: Expr, data_type: &DataType) -> Result<Expr> {
    use datafusion::sql::sqlparser::ast::{CharacterLength, ExactNumberInfo};
    let with = |name: &str, arg: Option<u64>| {
        let mut args = vec![expr.clone()];
        args.extend(arg.map(build::number));
        build::call(name, args)
    };
    Ok(match data_type {
        DataType::Signed | DataType::SignedInteger | DataType::Int(_) | DataType::Integer(_) | DataType::BigInt(_) => {
            with("cast_signed", None)
        }
        DataType::Unsigned
        | DataType::UnsignedInteger
        | DataType::IntUnsigned(_)
        | DataType::IntegerUnsigned(_)
        | DataType::BigIntUnsigned(_) => with("cast_unsigned", None),
        DataType::Char(length)
        | DataType::Character(length)
        | DataType::Varchar(length)
        | DataType::Nvarchar(length) => match length {
            Some(CharacterLength::IntegerLength { length, .. }) => with("cast_char", Some(*length)),
            _ => with("cast_char", None),
        },
        DataType::Text => with("cast_char", None),
        DataType::Binary(length) => with("cast_binary", *length),
        DataType::Decimal(info) | DataType::Numeric(info) | DataType::Dec(info) => {
            let (precision, scale) = match *info {
                ExactNumberInfo::None => (10, 0),
                ExactNumberInfo::Precision(p) => (p, 0),
                ExactNumberInfo::PrecisionAndScale(p, s) => (p, s),
            };
            if precision > 65 || !(0..=30).contains(&scale) {
                return Err(SqlError::new(
                    1426,
                    format!("Too-big precision {precision} specified for 'CAST'. Maximum is 65."),
                ));
            }
            build::call("cast_decimal", vec![expr, build::number(precision), build::number(scale)])
        }
        DataType::Double(_) | DataType::DoublePrecision | DataType::Real => with("cast_double", None),
        DataType::Float(_) => with("cast_float", None),
        DataType::Date => with("cast_date", None),
        DataType::Datetime(fsp) | DataType::Timestamp(fsp, TimezoneInfo::None) => {
            with("cast_datetime", Some(fsp.unwrap_or(0)))
        }
        DataType::Time(fsp, _) => with("cast_time", Some(fsp.unwrap_or(0))),
        DataType::JSON => with("cast_json", None),
        DataType::Custom(name, _) if name.to_string().eq_ignore_ascii_case("year") => with("cast_year", None),
        other => return Err(SqlError::not_supported(format!("CAST to {other}"))),
    })
}

/// `EXTRACT(unit FROM expr)`.
fn extract(field: &DateTimeField, expr: Expr) -> Result<Expr> {
    let unit = field.to_string().to_ascii_uppercase();
    Ok(match unit.as_str() {
        "YEAR" | "MONTH" | "DAY" | "QUARTER" | "WEEK" | "HOUR" | "MINUTE" | "SECOND" | "MICROSECOND" => {
            build::call(&unit.to_ascii_lowercase(), vec![expr])
        }
        _ if unit.contains('_') => build::call("mysql_extract_fields", vec![build::text(unit), expr]),
        _ => return Err(SqlError::parse(&unit, 1)),
    })
}

/// The unit of an interval, as one word.
pub(super) fn unit(interval: &Interval) -> Result<String> {
    let first = interval.leading_field.as_ref().map(|f| f.to_string().to_ascii_uppercase());
    let last = interval.last_field.as_ref().map(|f| f.to_string().to_ascii_uppercase());
    match (first, last) {
        (Some(first), None) => Ok(first),
        (Some(first), Some(last)) if first == "MICROSECOND" => Ok(format!("{last}_{first}")),
        (Some(first), Some(last)) => Ok(format!("{first}_{last}")),
        (None, _) => Err(SqlError::parse(&interval.value.to_string(), 1)),
    }
}

/// Whether a call has arguments in parentheses.
pub(super) fn arguments(function: &Function) -> Option<Vec<Expr>> {
    match &function.args {
        FunctionArguments::None => Some(Vec::new()),
        FunctionArguments::Subquery(_) => None,
        FunctionArguments::List(list) => list
            .args
            .iter()
            .map(|arg| match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
                _ => None,
            })
            .collect(),
    }
}
