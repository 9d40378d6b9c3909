//! The stored tables that a statement names, told apart from the `WITH` queries in scope.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{ObjectName, Query, TableFactor, VisitMut, VisitorMut};

use super::query::last_part;
use crate::error::{Result, SqlError};

/// Calls `each` on every [`TableFactor::Table`] of `FROM` clauses, at any depth, that does not name a
/// `WITH` query. What `each` puts in its place is walked as well.
pub(crate) fn each_table<T: VisitMut>(node: &mut T, each: impl FnMut(&mut TableFactor) -> Result<()>) -> Result<()> {
    super::finish(node.visit(&mut Relations { each, scopes: Vec::new() }))
}

struct Relations<F> {
    each: F,
    scopes: Vec<Scope>,
}

/// The `WITH` clause of a query being walked; empty for one that has none. Its queries are walked first,
/// in order, and each sees those before it.
struct Scope {
    names: Vec<String>,
    recursive: bool,
    walked: usize,
}

impl Scope {
    fn of(query: &Query) -> Self {
        let with = query.with.as_ref();
        let names = with.iter().flat_map(|w| &w.cte_tables).map(|cte| cte.alias.name.value.to_lowercase()).collect();
        Self { names, recursive: with.is_some_and(|w| w.recursive), walked: 0 }
    }

    fn sees(&self, name: &str) -> bool {
        let visible = self.walked + usize::from(self.recursive);
        self.names.iter().take(visible).any(|n| *n == name)
    }
}

impl<F> Relations<F> {
    fn is_with_query(&self, name: &ObjectName) -> bool {
        let [_] = name.0.as_slice() else { return false };
        let Some(name) = last_part(name) else { return false };
        let name = name.value.to_lowercase();
        self.scopes.iter().any(|scope| scope.sees(&name))
    }
}

impl<F: FnMut(&mut TableFactor) -> Result<()>> VisitorMut for Relations<F> {
    type Break = SqlError;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<SqlError> {
        self.scopes.push(Scope::of(query));
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<SqlError> {
        self.scopes.pop();
        if let Some(outer) = self.scopes.last_mut()
            && outer.walked < outer.names.len()
        {
            outer.walked += 1;
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<SqlError> {
        match factor {
            TableFactor::Table { name, args: None, .. } if !self.is_with_query(name) => match (self.each)(factor) {
                Ok(()) => ControlFlow::Continue(()),
                Err(e) => ControlFlow::Break(e),
            },
            _ => ControlFlow::Continue(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(sql: &str) -> Vec<String> {
        let mut names = Vec::new();
        let mut statement = super::super::parse(sql).unwrap().remove(0);
        each_table(&mut statement, |factor| {
            if let TableFactor::Table { name, .. } = factor {
                names.push(name.to_string());
            }
            Ok(())
        })
        .unwrap();
        names
    }

    #[test]
    fn with_queries_hide_tables_only_where_they_are_in_scope() {
        for (sql, expected) in [
            ("SELECT * FROM a JOIN d.b ON 1 WHERE EXISTS (SELECT 1 FROM c)", "a d.b c"),
            ("WITH t AS (SELECT 1) SELECT * FROM T, d.t", "d.t"),
            ("WITH t AS (SELECT * FROM t) SELECT * FROM t", "t"),
            ("WITH RECURSIVE t AS (SELECT 1 UNION ALL SELECT * FROM t) SELECT * FROM t", ""),
            ("WITH a AS (SELECT * FROM b), b AS (SELECT * FROM a) SELECT * FROM a, b", "b"),
            ("SELECT * FROM s, (WITH s AS (SELECT 1) SELECT * FROM s) x, s y", "s s"),
            ("WITH a AS (WITH b AS (SELECT 1) SELECT * FROM b) SELECT * FROM b", "b"),
            ("INSERT INTO x SELECT * FROM y", "y"),
        ] {
            assert_eq!(stored(sql).join(" "), expected, "{sql}");
        }
    }
}
