//! The 22 queries with the specification's validation parameters, in MySQL's dialect.
//!
//! The texts keep to what DuckDB and plain DataFusion read too, so that every engine runs the same
//! words. Two choices of ours: Q15's view is a common table expression, and Q11 keeps the fraction
//! 0.0001 at every scale factor.

/// One query.
#[derive(Clone, Copy, Debug)]
pub struct Query {
    /// 1 to 22.
    pub number: u8,
    /// The text, without a semicolon.
    pub sql: &'static str,
    /// Columns of the result by which it is ordered; rows equal in them may come in any order.
    pub order_keys: &'static [usize],
    /// Columns of the result that hold a quotient of decimals (`AVG` or `/`), with the digits that
    /// MySQL's rules give it after the point: the dividend's scale plus four.
    pub quotients: &'static [Quotient],
}

/// A result column computed by division.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotient {
    /// Position in the result.
    pub column: usize,
    /// Digits after the point.
    pub scale: u32,
}

impl Query {
    /// `Q1` to `Q22`.
    pub fn name(&self) -> String {
        format!("Q{}", self.number)
    }

    /// The digits after the point if the result's column is a quotient.
    pub fn quotient_scale(&self, column: usize) -> Option<u32> {
        self.quotients.iter().find(|quotient| quotient.column == column).map(|quotient| quotient.scale)
    }
}

/// All 22, in order.
pub const QUERIES: [Query; 22] = [
    Query {
        number: 1,
        sql: include_str!("queries/q01.sql"),
        order_keys: &[0, 1],
        quotients: &[
            Quotient { column: 6, scale: 6 },
            Quotient { column: 7, scale: 6 },
            Quotient { column: 8, scale: 6 },
        ],
    },
    Query { number: 2, sql: include_str!("queries/q02.sql"), order_keys: &[0, 2, 1, 3], quotients: &[] },
    Query { number: 3, sql: include_str!("queries/q03.sql"), order_keys: &[1, 2], quotients: &[] },
    Query { number: 4, sql: include_str!("queries/q04.sql"), order_keys: &[0], quotients: &[] },
    Query { number: 5, sql: include_str!("queries/q05.sql"), order_keys: &[1], quotients: &[] },
    Query { number: 6, sql: include_str!("queries/q06.sql"), order_keys: &[], quotients: &[] },
    Query { number: 7, sql: include_str!("queries/q07.sql"), order_keys: &[0, 1, 2], quotients: &[] },
    Query {
        number: 8,
        sql: include_str!("queries/q08.sql"),
        order_keys: &[0],
        quotients: &[Quotient { column: 1, scale: 8 }],
    },
    Query { number: 9, sql: include_str!("queries/q09.sql"), order_keys: &[0, 1], quotients: &[] },
    Query { number: 10, sql: include_str!("queries/q10.sql"), order_keys: &[2], quotients: &[] },
    Query { number: 11, sql: include_str!("queries/q11.sql"), order_keys: &[1], quotients: &[] },
    Query { number: 12, sql: include_str!("queries/q12.sql"), order_keys: &[0], quotients: &[] },
    Query { number: 13, sql: include_str!("queries/q13.sql"), order_keys: &[1, 0], quotients: &[] },
    Query {
        number: 14,
        sql: include_str!("queries/q14.sql"),
        order_keys: &[],
        quotients: &[Quotient { column: 0, scale: 10 }],
    },
    Query { number: 15, sql: include_str!("queries/q15.sql"), order_keys: &[0], quotients: &[] },
    Query { number: 16, sql: include_str!("queries/q16.sql"), order_keys: &[3, 0, 1, 2], quotients: &[] },
    Query {
        number: 17,
        sql: include_str!("queries/q17.sql"),
        order_keys: &[],
        quotients: &[Quotient { column: 0, scale: 6 }],
    },
    Query { number: 18, sql: include_str!("queries/q18.sql"), order_keys: &[4, 3], quotients: &[] },
    Query { number: 19, sql: include_str!("queries/q19.sql"), order_keys: &[], quotients: &[] },
    Query { number: 20, sql: include_str!("queries/q20.sql"), order_keys: &[0], quotients: &[] },
    Query { number: 21, sql: include_str!("queries/q21.sql"), order_keys: &[1, 0], quotients: &[] },
    Query { number: 22, sql: include_str!("queries/q22.sql"), order_keys: &[0], quotients: &[] },
];
