//! The `?` of prepared statements.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Expr, Statement, Value, Visit, VisitMut, Visitor, VisitorMut};

use crate::types::Datum;

/// How many there are.
pub(crate) fn count(statement: &Statement) -> usize {
    struct Count(usize);
    impl Visitor for Count {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            self.0 += usize::from(is_placeholder(expr));
            ControlFlow::Continue(())
        }
    }
    let mut count = Count(0);
    let _ = statement.visit(&mut count);
    count.0
}

/// Puts literals in their places, from left to right. Those beyond the values stay.
pub(crate) fn bind(statement: &mut Statement, values: &[Datum]) {
    struct Bind<'a>(std::slice::Iter<'a, Datum>);
    impl VisitorMut for Bind<'_> {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
            if is_placeholder(expr) {
                match self.0.next() {
                    Some(value) => *expr = value.to_ast(),
                    None => return ControlFlow::Break(()),
                }
            }
            ControlFlow::Continue(())
        }
    }
    let _ = statement.visit(&mut Bind(values.iter()));
}

fn is_placeholder(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(value) if matches!(value.value, Value::Placeholder(_)))
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::{dialect::MySqlDialect, parser::Parser};

    use super::*;

    #[test]
    fn parameters_are_bound_in_the_order_of_the_text() {
        for (text, expected) in [
            ("SELECT a + ? FROM t WHERE b IN (?, ?) LIMIT ?", "SELECT a + 1 FROM t WHERE b IN (2, 3) LIMIT 4"),
            ("INSERT INTO t VALUES (?, ?), (?, ?)", "INSERT INTO t VALUES (1, 2), (3, 4)"),
            ("UPDATE t SET a = ?, b = ? WHERE c = ? LIMIT ?", "UPDATE t SET a = 1, b = 2 WHERE c = 3 LIMIT 4"),
            (
                "SELECT (SELECT ?) FROM (SELECT ?) x WHERE ? ORDER BY ?",
                "SELECT (SELECT 1) FROM (SELECT 2) x WHERE 3 ORDER BY 4",
            ),
        ] {
            let mut statement = Parser::parse_sql(&MySqlDialect {}, text).unwrap().remove(0);
            assert_eq!(count(&statement), 4);
            bind(&mut statement, &[Datum::Int(1), Datum::Int(2), Datum::Int(3), Datum::Int(4)]);
            assert_eq!(statement.to_string().replace("AS ", ""), expected);
        }
    }
}
