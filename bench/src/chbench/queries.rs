//! The 22 queries, in MySQL's dialect.
//!
//! They are CH-benCHmark's with a few choices: joins are written as joins, Q15's view is a common table
//! expression, and nations have the numbers 0 to 24, the first letter of a customer's state counted from
//! `A`. A stock is supplied by the supplier whose number is warehouse times item, modulo 10,000.

/// One query.
#[derive(Clone, Copy, Debug)]
pub struct Query {
    /// 1 to 22.
    pub number: u8,
    /// The text, without a semicolon.
    pub sql: &'static str,
}

impl Query {
    /// `Q1` to `Q22`.
    pub fn name(&self) -> String {
        format!("Q{}", self.number)
    }
}

/// All 22, in order.
pub const QUERIES: [Query; 22] = [
    Query { number: 1, sql: include_str!("queries/q01.sql") },
    Query { number: 2, sql: include_str!("queries/q02.sql") },
    Query { number: 3, sql: include_str!("queries/q03.sql") },
    Query { number: 4, sql: include_str!("queries/q04.sql") },
    Query { number: 5, sql: include_str!("queries/q05.sql") },
    Query { number: 6, sql: include_str!("queries/q06.sql") },
    Query { number: 7, sql: include_str!("queries/q07.sql") },
    Query { number: 8, sql: include_str!("queries/q08.sql") },
    Query { number: 9, sql: include_str!("queries/q09.sql") },
    Query { number: 10, sql: include_str!("queries/q10.sql") },
    Query { number: 11, sql: include_str!("queries/q11.sql") },
    Query { number: 12, sql: include_str!("queries/q12.sql") },
    Query { number: 13, sql: include_str!("queries/q13.sql") },
    Query { number: 14, sql: include_str!("queries/q14.sql") },
    Query { number: 15, sql: include_str!("queries/q15.sql") },
    Query { number: 16, sql: include_str!("queries/q16.sql") },
    Query { number: 17, sql: include_str!("queries/q17.sql") },
    Query { number: 18, sql: include_str!("queries/q18.sql") },
    Query { number: 19, sql: include_str!("queries/q19.sql") },
    Query { number: 20, sql: include_str!("queries/q20.sql") },
    Query { number: 21, sql: include_str!("queries/q21.sql") },
    Query { number: 22, sql: include_str!("queries/q22.sql") },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queries_are_numbered_from_1_to_22() {
        for (number, query) in (1..).zip(QUERIES) {
            assert_eq!(query.number, number);
            assert!(!query.sql.contains(';') && query.sql.contains("from"), "{}", query.name());
        }
    }
}
