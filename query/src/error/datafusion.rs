//! DataFusion's errors, in MySQL's terms.
//!
//! Where DataFusion has a typed error it is matched by type; its plain texts are recognised by their
//! fixed part. What is not recognised keeps DataFusion's sentence under 1105.

use std::error::Error;

use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::parser::ParserError;

use super::SqlError;

impl From<DataFusionError> for SqlError {
    fn from(e: DataFusionError) -> Self {
        match e {
            DataFusionError::External(inner) => from_external(inner),
            DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => (*inner).into(),
            DataFusionError::Shared(inner) => from_shared(&inner),
            DataFusionError::Collection(errors) => match errors.into_iter().next() {
                Some(first) => first.into(),
                None => Self::internal("the query could not be planned"),
            },
            DataFusionError::ArrowError(inner, _) => (*inner).into(),
            DataFusionError::SchemaError(inner, _) => from_schema(&inner),
            DataFusionError::SQL(inner, _) => match *inner {
                ParserError::TokenizerError(text) | ParserError::ParserError(text) => Self::new(1064, text),
                ParserError::RecursionLimitExceeded => Self::new(1064, "the statement is nested too deeply"),
            },
            DataFusionError::Plan(text) => from_plan(text),
            DataFusionError::NotImplemented(text) => Self::not_supported(first_line(&text)),
            DataFusionError::Execution(text) => from_execution(text),
            DataFusionError::ResourcesExhausted(text) => {
                Self::new(8175, format!("the query needs more memory than it may use: {}", first_line(&text)))
            }
            other => Self::internal(first_line(&other.strip_backtrace()).to_owned()),
        }
    }
}

fn from_external(inner: Box<dyn Error + Send + Sync>) -> SqlError {
    match inner.downcast::<SqlError>() {
        Ok(e) => *e,
        Err(inner) => match inner.downcast::<deltatree_storage::error::Error>() {
            Ok(e) => (*e).into(),
            Err(inner) => match inner.downcast::<deltatree_learner::Error>() {
                Ok(e) => (*e).into(),
                Err(inner) => match inner.downcast::<DataFusionError>() {
                    Ok(e) => (*e).into(),
                    Err(inner) => SqlError::internal(inner.to_string()),
                },
            },
        },
    }
}

/// A shared error cannot be taken apart, only looked into.
fn from_shared(e: &DataFusionError) -> SqlError {
    let mut cause: Option<&(dyn Error + 'static)> = Some(e);
    while let Some(error) = cause {
        if let Some(e) = error.downcast_ref::<SqlError>() {
            return e.clone();
        }
        if let Some(e) = error.downcast_ref::<deltatree_learner::Error>() {
            return e.clone().into();
        }
        cause = error.source();
    }
    match e {
        DataFusionError::External(inner) => match inner.downcast_ref::<SqlError>() {
            Some(e) => e.clone(),
            None => SqlError::internal(inner.to_string()),
        },
        DataFusionError::Shared(inner) => from_shared(inner),
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => from_shared(inner),
        DataFusionError::SchemaError(inner, _) => from_schema(inner),
        DataFusionError::Plan(text) => from_plan(text.clone()),
        DataFusionError::Execution(text) => from_execution(text.clone()),
        other => SqlError::internal(first_line(&other.strip_backtrace()).to_owned()),
    }
}

fn from_schema(e: &SchemaError) -> SqlError {
    match e {
        SchemaError::FieldNotFound { field, .. } => SqlError::unknown_column(&field.flat_name(), "field list"),
        SchemaError::AmbiguousReference { field } => SqlError::ambiguous_column(&field.name, "field list"),
        SchemaError::DuplicateQualifiedField { name, .. } | SchemaError::DuplicateUnqualifiedField { name } => {
            SqlError::duplicate_column(name)
        }
    }
}

fn from_plan(text: String) -> SqlError {
    let line = first_line(&text);
    if let Some(rest) = line.strip_prefix("Invalid function '") {
        return SqlError::unknown_function("", rest.split('\'').next().unwrap_or(rest));
    }
    if let Some(name) = between(line, "'", "' does not support zero arguments") {
        return SqlError::parameter_count(&name.to_uppercase());
    }
    if let Some(table) = between(line, "table '", "' not found") {
        let mut parts = table.rsplit('.');
        let name = parts.next().unwrap_or(table);
        return SqlError::unknown_table(parts.next().unwrap_or(""), name);
    }
    if let Some(rest) = line.strip_prefix("Column in SELECT must be in GROUP BY or an aggregate function: ") {
        let column = between(rest, "expression: ", "").or_else(|| between(rest, "\"", "\"")).unwrap_or(rest);
        return SqlError::not_in_group_by(column.split_whitespace().next().unwrap_or(column).trim_end_matches('.'));
    }
    if line.contains("violates") || line.starts_with("Column in HAVING must be in GROUP BY") {
        return SqlError::new(1055, line);
    }
    if line.starts_with("Projections require unique expression names") {
        let name = between(line, "expression \"", "\"").unwrap_or("");
        return SqlError::duplicate_column(name);
    }
    if line.contains("ambiguous") {
        return SqlError::ambiguous_column(between(line, "'", "'").unwrap_or(line), "field list");
    }
    SqlError::internal(line.to_owned())
}

fn from_execution(text: String) -> SqlError {
    let line = first_line(&text);
    if line.contains("more than one row") || line.contains("returned more than 1 row") {
        return SqlError::new(1242, "Subquery returns more than 1 row");
    }
    if line.contains("Overflow") || line.contains("overflow") {
        return SqlError::new(1690, format!("value is out of range: {line}"));
    }
    SqlError::internal(line.to_owned())
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or(text)
}

/// What stands between `start` and the next `end` (the rest, if `end` is empty or missing).
fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let rest = text.split_once(start)?.1;
    Some(if end.is_empty() { rest } else { rest.split_once(end)?.0 })
}
