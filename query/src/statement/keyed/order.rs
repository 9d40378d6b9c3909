//! What `ORDER BY … LIMIT` says about rows that are read by key.

use datafusion::sql::sqlparser::ast::{LimitClause, OrderBy, OrderByExpr, OrderByKind, Query, Select, SelectItem};

use super::rows::KeyedRows;
use crate::statement::point_key::{column_of, makes_groups};
use crate::types::Datum;
use crate::types::literal::literal_value;

/// The rows that a `LIMIT` clause leaves.
#[derive(Clone, Copy)]
pub(super) struct Limit {
    pub(super) skip: usize,
    pub(super) take: usize,
}

impl Limit {
    /// Of a query; `Ok(None)` if it has none, `Err(())` if it is not made of plain numbers.
    pub(super) fn of(query: &Query) -> Result<Option<Self>, ()> {
        let (take, skip) = match &query.limit_clause {
            None => return Ok(None),
            Some(LimitClause::LimitOffset { limit: Some(limit), offset, limit_by }) if limit_by.is_empty() => {
                (limit, offset.as_ref().map(|offset| &offset.value))
            }
            Some(LimitClause::OffsetCommaLimit { offset, limit }) => (limit, Some(offset)),
            Some(LimitClause::LimitOffset { .. }) => return Err(()),
        };
        let number = |expr| match literal_value(expr) {
            Some(Datum::Int(n)) => usize::try_from(n).map_err(|_| ()),
            _ => Err(()),
        };
        Ok(Some(Self { skip: skip.map_or(Ok(0), number)?, take: number(take)? }))
    }
}

/// In which direction rows read by key come in the order that a query wants: `Some(true)` backwards, `None`
/// in neither, or if its result is not made of single rows.
pub(super) fn direction(query: &Query, select: &Select, rows: &KeyedRows) -> Option<bool> {
    let single = select.distinct.is_none()
        && !makes_groups(select)
        && select.projection.iter().all(|item| match item {
            SelectItem::Wildcard(_) => true,
            // An alias could be what the order means.
            SelectItem::UnnamedExpr(expr) => column_of(&rows.target, expr).is_some(),
            _ => false,
        });
    if !single {
        return None;
    }
    let Some(order) = &query.order_by else { return Some(false) };
    let OrderBy { kind: OrderByKind::Expressions(wanted), interpolate: None } = order else { return None };
    let mut given = rows.path.order.iter();
    let mut direction = None;
    for OrderByExpr { expr, options, with_fill } in wanted {
        let column = column_of(&rows.target, expr)?;
        let integer = rows.target.table.columns[column].sql_type.is_integer();
        let reverse = options.asc == Some(false);
        let plain = with_fill.is_none() && options.nulls_first.is_none() && integer;
        if !plain || given.next() != Some(&column) || direction.is_some_and(|d| d != reverse) {
            return None;
        }
        direction = Some(reverse);
    }
    direction
}
