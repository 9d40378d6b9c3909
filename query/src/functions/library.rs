//! All built-in functions, by name.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr, ScalarUDF};

use super::scalar::Definition;
use super::{aggregate, arithmetic, cast, comparison, digest, json, math, rounding, temporal, text};

/// The definitions, by topic.
const TOPICS: &[&[Definition]] = &[
    aggregate::FUNCTIONS,
    arithmetic::FUNCTIONS,
    cast::FUNCTIONS,
    comparison::FUNCTIONS,
    digest::FUNCTIONS,
    json::build::FUNCTIONS,
    json::change::FUNCTIONS,
    json::read::FUNCTIONS,
    math::FUNCTIONS,
    rounding::FUNCTIONS,
    temporal::arithmetic::FUNCTIONS,
    temporal::convert::FUNCTIONS,
    temporal::format::FUNCTIONS,
    temporal::parts::FUNCTIONS,
    text::build::FUNCTIONS,
    text::encode::FUNCTIONS,
    text::search::FUNCTIONS,
    text::slice::FUNCTIONS,
];

static FUNCTIONS: LazyLock<HashMap<&'static str, Arc<ScalarUDF>>> =
    LazyLock::new(|| TOPICS.iter().copied().flatten().map(|d| (d.name(), d.udf())).collect());

static CANONICAL: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
    let definitions = || TOPICS.iter().copied().flatten();
    definitions().flat_map(|d| d.aliases_of().iter().map(|a| (*a, d.name()))).collect()
});

/// The name under which a function is defined, if it is known by another.
pub(crate) fn canonical(name: &str) -> Option<&'static str> {
    CANONICAL.get(name).copied()
}

/// Every function.
pub(super) fn all() -> impl Iterator<Item = Arc<ScalarUDF>> {
    FUNCTIONS.values().cloned()
}

/// A call of one of our own functions.
pub(super) fn call(name: &str, args: Vec<Expr>) -> Expr {
    let function = FUNCTIONS.get(name).expect("operators call only functions that are defined here");
    Expr::ScalarFunction(ScalarFunction::new_udf(function.clone(), args))
}
