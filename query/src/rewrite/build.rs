//! Building trees.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident,
    ObjectName, UnaryOperator, Value,
};

/// A call of a function.
pub(super) fn call(name: &str, args: Vec<Expr>) -> Expr {
    Expr::Function(function(name, args))
}

pub(super) fn function(name: &str, args: Vec<Expr>) -> Function {
    Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: args.into_iter().map(|e| FunctionArg::Unnamed(FunctionArgExpr::Expr(e))).collect(),
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    }
}

/// A string constant.
pub(super) fn text(value: impl Into<String>) -> Expr {
    Expr::Value(Value::SingleQuotedString(value.into()).into())
}

/// An unsigned number.
pub(super) fn number(digits: impl ToString) -> Expr {
    Expr::Value(Value::Number(digits.to_string(), false).into())
}

pub(super) fn null() -> Expr {
    Expr::Value(Value::Null.into())
}

pub(super) fn binary(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(nested(left)), op, right: Box::new(nested(right)) }
}

pub(super) fn not(expr: Expr) -> Expr {
    Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(nested(expr)) }
}

/// In parentheses where the written form would need them.
pub(super) fn nested(expr: Expr) -> Expr {
    match expr {
        Expr::BinaryOp { .. }
        | Expr::UnaryOp { .. }
        | Expr::Between { .. }
        | Expr::InList { .. }
        | Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::Like { .. } => Expr::Nested(Box::new(expr)),
        other => other,
    }
}

/// Joins expressions by an associative operator, as a tree of little depth however many there are.
pub(super) fn join(exprs: impl IntoIterator<Item = Expr>, op: BinaryOperator) -> Option<Expr> {
    let mut level: Vec<Expr> = exprs.into_iter().collect();
    while level.len() > 1 {
        let mut pairs = level.into_iter();
        level = Vec::with_capacity(pairs.len().div_ceil(2));
        while let Some(left) = pairs.next() {
            level.push(match pairs.next() {
                Some(right) => binary(left, op.clone(), right),
                None => left,
            });
        }
    }
    level.pop()
}

/// Whether an expression is true, false or unknown by its form alone.
fn is_condition(expr: &Expr) -> bool {
    use BinaryOperator as Op;
    match expr {
        Expr::BinaryOp { op, .. } => matches!(
            op,
            Op::Eq
                | Op::NotEq
                | Op::Lt
                | Op::LtEq
                | Op::Gt
                | Op::GtEq
                | Op::Spaceship
                | Op::And
                | Op::Or
                | Op::Xor
                | Op::StringConcat
        ),
        Expr::UnaryOp { op: UnaryOperator::Not, .. }
        | Expr::IsTrue(_)
        | Expr::IsNotTrue(_)
        | Expr::IsFalse(_)
        | Expr::IsNotFalse(_)
        | Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::IsUnknown(_)
        | Expr::IsNotUnknown(_)
        | Expr::InList { .. }
        | Expr::InSubquery { .. }
        | Expr::Exists { .. }
        | Expr::AnyOp { .. }
        | Expr::AllOp { .. }
        | Expr::Like { .. } => true,
        Expr::Value(value) => matches!(value.value, Value::Boolean(_)),
        Expr::Nested(inner) => is_condition(inner),
        Expr::Function(function) => {
            matches!(function.name.to_string().as_str(), "mysql_truth" | "regexp_like")
        }
        _ => false,
    }
}

/// The expression as a condition: numbers that are not zero are true.
pub(super) fn condition(expr: Expr) -> Expr {
    if is_condition(&expr) { expr } else { call("mysql_truth", vec![expr]) }
}
