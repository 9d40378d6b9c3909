//! Queries: names in lower case, MySQL's clauses in standard form.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, GroupByExpr, GroupByWithModifier, Ident, JoinConstraint, JoinOperator, LimitClause, ObjectName,
    ObjectNamePart, Offset, OffsetRows, OrderBy, OrderByKind, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, TableAlias, TableFactor, TableWithJoins, visit_expressions, visit_expressions_mut,
};

use super::{build, label, lower, lower_object};
use crate::error::{Result, SqlError};

/// Before the parts of a query are rewritten.
pub(super) fn prepare(query: &mut Query) {
    query.locks.clear();
    if let Some(LimitClause::OffsetCommaLimit { offset, limit }) = &query.limit_clause {
        query.limit_clause = Some(LimitClause::LimitOffset {
            limit: Some(limit.clone()),
            offset: Some(Offset { value: offset.clone(), rows: OffsetRows::None }),
            limit_by: Vec::new(),
        });
    }
    if let Some(with) = &mut query.with {
        for cte in &mut with.cte_tables {
            lower_alias(&mut cte.alias);
        }
    }
    // `ORDER BY NULL` asks for no order.
    let unordered = |order: &OrderBy| {
        matches!(&order.kind, OrderByKind::Expressions(by)
            if by.iter().all(|e| crate::types::literal::literal_value(&e.expr).is_some_and(|v| v.is_null())))
    };
    if query.order_by.as_ref().is_some_and(unordered) {
        query.order_by = None;
    }
}

/// Before the parts of a `SELECT` are rewritten.
pub(super) fn prepare_select(select: &mut Select) {
    select.select_modifiers = None;
    for item in &mut select.projection {
        match item {
            // The outermost query's headers are quoted: they stay as written.
            SelectItem::ExprWithAlias { alias, .. } if alias.quote_style != Some(label::KEPT) => lower(alias),
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => lower_object(name),
            _ => {}
        }
    }
    if let [TableWithJoins { relation: TableFactor::Table { name, .. }, joins }] = select.from.as_slice()
        && joins.is_empty()
        && name.to_string().eq_ignore_ascii_case("dual")
    {
        select.from.clear();
    }
    for table in &mut select.from {
        prepare_joins(table);
    }
    if let GroupByExpr::Expressions(exprs, modifiers) = &mut select.group_by
        && modifiers.contains(&GroupByWithModifier::Rollup)
    {
        let rolled = std::mem::take(exprs).into_iter().map(|e| vec![e]).collect();
        select.group_by = GroupByExpr::Expressions(vec![Expr::Rollup(rolled)], Vec::new());
    }
}

fn prepare_joins(table: &mut TableWithJoins) {
    for join in &mut table.joins {
        join.join_operator = match std::mem::replace(&mut join.join_operator, JoinOperator::CrossApply) {
            JoinOperator::Join(JoinConstraint::None)
            | JoinOperator::Inner(JoinConstraint::None)
            | JoinOperator::StraightJoin(JoinConstraint::None) => JoinOperator::CrossJoin(JoinConstraint::None),
            JoinOperator::CrossJoin(constraint @ (JoinConstraint::On(_) | JoinConstraint::Using(_))) => {
                JoinOperator::Inner(constraint)
            }
            JoinOperator::StraightJoin(constraint) => JoinOperator::Inner(constraint),
            other => other,
        };
        if let Some(JoinConstraint::Using(columns)) = constraint_mut(&mut join.join_operator) {
            columns.iter_mut().for_each(lower_object);
        }
    }
}

fn constraint_mut(operator: &mut JoinOperator) -> Option<&mut JoinConstraint> {
    match operator {
        JoinOperator::Join(c)
        | JoinOperator::Inner(c)
        | JoinOperator::Left(c)
        | JoinOperator::LeftOuter(c)
        | JoinOperator::Right(c)
        | JoinOperator::RightOuter(c)
        | JoinOperator::FullOuter(c)
        | JoinOperator::CrossJoin(c) => Some(c),
        _ => None,
    }
}

/// Before a table of `FROM` is rewritten.
pub(super) fn prepare_table(factor: &mut TableFactor) -> Result<()> {
    match factor {
        TableFactor::Table { alias, index_hints, partitions, .. } => {
            index_hints.clear();
            if !partitions.is_empty() {
                return Err(SqlError::new(1747, "PARTITION () clause on non partitioned table"));
            }
            if let Some(alias) = alias {
                lower_alias(alias);
            }
        }
        TableFactor::Derived { alias: Some(alias), .. } => lower_alias(alias),
        TableFactor::NestedJoin { table_with_joins, alias } => {
            prepare_joins(table_with_joins);
            if let Some(alias) = alias {
                lower_alias(alias);
            }
        }
        _ => {}
    }
    Ok(())
}

fn lower_alias(alias: &mut TableAlias) {
    lower(&mut alias.name);
    for column in &mut alias.columns {
        lower(&mut column.name);
    }
}

/// `HAVING` without groups filters rows by what is selected, under its names.
fn filter_selected(select: &mut Select) {
    let ungrouped = matches!(&select.group_by, GroupByExpr::Expressions(by, _) if by.is_empty());
    if !ungrouped || select.having.is_none() || select.distinct.is_some() || aggregates(select) {
        return;
    }
    let named: Vec<(String, Expr)> = select
        .projection
        .iter()
        .filter_map(|item| match item {
            SelectItem::ExprWithAlias { expr, alias } => Some((alias.value.to_lowercase(), expr.clone())),
            _ => None,
        })
        .collect();
    let Some(mut having) = select.having.take() else { return };
    let _ = visit_expressions_mut(&mut having, |expr| {
        if let Expr::Identifier(ident) = expr
            && let Some((_, selected)) = named.iter().find(|(name, _)| *name == ident.value)
        {
            *expr = build::nested(selected.clone());
        }
        ControlFlow::<()>::Continue(())
    });
    select.selection = Some(match select.selection.take() {
        Some(selection) => {
            let (selection, having) = (build::condition(selection), build::condition(having));
            build::binary(selection, datafusion::sql::sqlparser::ast::BinaryOperator::And, having)
        }
        None => having,
    });
}

/// Whether a rewritten `SELECT` computes over rows together.
fn aggregates(select: &Select) -> bool {
    const NAMES: [&str; 17] = [
        "count",
        "sum",
        "min",
        "max",
        "avg",
        "string_agg",
        "first_value",
        "bit_and",
        "bit_or",
        "bit_xor",
        "stddev",
        "stddev_pop",
        "var",
        "var_pop",
        "array_agg",
        "approx_distinct",
        "row_number",
    ];
    let found = |expr: &Expr| match expr {
        Expr::Function(function)
            if function.over.is_some() || NAMES.contains(&super::call::name(function).as_str()) =>
        {
            ControlFlow::Break(())
        }
        _ => ControlFlow::Continue(()),
    };
    visit_expressions(&select.projection, found).is_break() || visit_expressions(&select.having, found).is_break()
}

/// After the parts of a `SELECT` were rewritten: what filters must be a condition.
pub(super) fn finish_select(select: &mut Select) {
    filter_selected(select);
    let condition = |clause: &mut Option<Expr>| {
        if let Some(expr) = clause.take() {
            *clause = Some(build::condition(expr));
        }
    };
    condition(&mut select.selection);
    condition(&mut select.having);
    for table in &mut select.from {
        for join in &mut table.joins {
            if let Some(JoinConstraint::On(on)) = constraint_mut(&mut join.join_operator) {
                let expr = std::mem::replace(on, build::null());
                *on = build::condition(expr);
            }
        }
    }
}

/// References in lower case to names that the outermost select list spells otherwise.
pub(super) fn resolve_names(query: &mut Query, names: &[(String, Ident)]) {
    if names.is_empty() {
        return;
    }
    let resolve = |expr: &mut Expr| {
        if let Expr::Identifier(ident) = expr
            && let Some((_, alias)) = names.iter().find(|(lower, _)| *lower == ident.value)
        {
            *ident = alias.clone();
        }
        ControlFlow::<()>::Continue(())
    };
    if let Some(order) = &mut query.order_by {
        let _ = visit_expressions_mut(order, resolve);
    }
    if let Some(select) = label::leading_select(query) {
        let _ = visit_expressions_mut(&mut select.group_by, resolve);
        let _ = visit_expressions_mut(&mut select.having, resolve);
    }
}

/// The parts of a name.
pub(super) fn last_part(name: &ObjectName) -> Option<&Ident> {
    match name.0.last()? {
        ObjectNamePart::Identifier(ident) => Some(ident),
        ObjectNamePart::Function(_) => None,
    }
}
