//! Published answers, and what it means that a result equals one.
//!
//! Rows are compared as text, cell by cell, in order; rows that are equal in the query's order keys
//! may come in any order among themselves. Numbers are equal when their values are, exactly:
//! `5.0` equals `5.00` and nothing else. A quotient (`AVG`, `/`) has no exact decimal value, so it is
//! compared at the scale that MySQL's rules give it, after rounding half away from zero.

use std::fmt;
use std::path::Path;

use super::queries::Query;

/// One row of a result as text; `None` is NULL.
pub type Row = Vec<Option<String>>;

/// How far quotients may be apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotientRule {
    /// Equal at MySQL's scale.
    Exact,
    /// At most one unit in the last place of MySQL's scale apart: for engines that cut off where
    /// MySQL rounds.
    OneUnit,
}

/// Where two results differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// Not the same number of rows.
    Rows {
        /// Rows of the answer.
        expected: usize,
        /// Rows of the result.
        actual: usize,
    },
    /// A row of the answer that the result does not have at its place.
    Row {
        /// From 0, in the answer.
        row: usize,
        /// The answer's row.
        expected: Row,
        /// The result's row at the same place.
        actual: Row,
    },
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows { expected, actual } => write!(f, "{actual} rows instead of {expected}"),
            Self::Row { row, expected, actual } => {
                write!(f, "row {}: {} instead of {}", row + 1, joined(actual), joined(expected))
            }
        }
    }
}

fn joined(row: &Row) -> String {
    row.iter().map(|cell| cell.as_deref().unwrap_or("NULL")).collect::<Vec<_>>().join("|")
}

/// Reads an answer: a header line, then one line a row, `|` between columns, `NULL` for NULL.
pub fn parse(text: &str) -> Vec<Row> {
    let cell = |text: &str| (text != "NULL").then(|| text.to_owned());
    text.lines().skip(1).map(|line| line.split('|').map(cell).collect()).collect()
}

/// Reads the answer of one query from `qNN.csv` in a directory.
///
/// # Errors
/// When the file cannot be read.
pub fn read(directory: &Path, query: &Query) -> std::io::Result<Vec<Row>> {
    let path = directory.join(format!("q{:02}.csv", query.number));
    let text = std::fs::read_to_string(&path)
        .map_err(|error| std::io::Error::new(error.kind(), format!("cannot read {}: {error}", path.display())))?;
    Ok(parse(&text))
}

/// Compares a result with an answer.
///
/// # Errors
/// The first difference.
pub fn compare(query: &Query, expected: &[Row], actual: &[Row], rule: QuotientRule) -> Result<(), Mismatch> {
    if expected.len() != actual.len() {
        return Err(Mismatch::Rows { expected: expected.len(), actual: actual.len() });
    }
    let mut start = 0;
    while start < expected.len() {
        let end = end_of_ties(query, expected, start, rule);
        let mut candidates: Vec<&Row> = actual[start..end].iter().collect();
        for (row, wanted) in expected[start..end].iter().enumerate() {
            match candidates.iter().position(|found| same_row(query, wanted, found, rule)) {
                Some(place) => {
                    candidates.swap_remove(place);
                }
                None => {
                    let row = start + row;
                    return Err(Mismatch::Row { row, expected: wanted.clone(), actual: actual[row].clone() });
                }
            }
        }
        start = end;
    }
    Ok(())
}

/// The end of the run of rows from `start` on that are equal in the order keys.
fn end_of_ties(query: &Query, rows: &[Row], start: usize, rule: QuotientRule) -> usize {
    let tied = |row: &&Row| {
        query.order_keys.iter().all(|&key| same_cell(query, key, cell(&rows[start], key), cell(row, key), rule))
    };
    start + rows[start..].iter().take_while(tied).count()
}

fn cell(row: &Row, column: usize) -> Option<&str> {
    row.get(column).and_then(|cell| cell.as_deref())
}

fn same_row(query: &Query, expected: &Row, actual: &Row, rule: QuotientRule) -> bool {
    expected.len() == actual.len()
        && (0..expected.len())
            .all(|column| same_cell(query, column, cell(expected, column), cell(actual, column), rule))
}

fn same_cell(query: &Query, column: usize, expected: Option<&str>, actual: Option<&str>, rule: QuotientRule) -> bool {
    let (Some(expected), Some(actual)) = (expected, actual) else { return expected == actual };
    if expected == actual {
        return true;
    }
    let (Some(expected), Some(actual)) = (Decimal::parse(expected), Decimal::parse(actual)) else { return false };
    match query.quotient_scale(column) {
        None => expected == actual,
        Some(scale) => {
            let apart = match rule {
                QuotientRule::Exact => 0,
                QuotientRule::OneUnit => 1,
            };
            match (expected.at_scale(scale), actual.at_scale(scale)) {
                (Some(expected), Some(actual)) => expected.abs_diff(actual) <= apart,
                (_, _) => false,
            }
        }
    }
}

/// A decimal number read from text: digits × 10^−scale, without trailing zeros after the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Decimal {
    digits: i128,
    scale: u32,
}

impl Decimal {
    fn parse(text: &str) -> Option<Self> {
        let (sign, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text),
        };
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let fraction = fraction.trim_end_matches('0');
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
        Some(Self { digits: sign * digits, scale: fraction.len() as u32 })
    }

    /// The number in units of 10^−scale, rounded half away from zero; `None` when it overflows.
    fn at_scale(self, scale: u32) -> Option<i128> {
        if self.scale <= scale {
            return self.digits.checked_mul(10_i128.checked_pow(scale - self.scale)?);
        }
        let unit = 10_i128.checked_pow(self.scale - scale)?;
        let half = if self.digits < 0 { -(unit / 2) } else { unit / 2 };
        Some(self.digits.checked_add(half)? / unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tpch::queries::QUERIES;

    fn rows(text: &str) -> Vec<Row> {
        parse(&format!("header\n{text}"))
    }

    #[test]
    fn numbers_are_equal_by_value_and_exactly() {
        let q6 = &QUERIES[5];
        let same = |a: &str, b: &str| compare(q6, &rows(a), &rows(b), QuotientRule::Exact).is_ok();
        assert!(same("5.0", "5.00"));
        assert!(same("NULL", "NULL"));
        assert!(!same("5.0", "5.0001"));
        assert!(!same("5.0", "NULL"));
        assert!(!same("5.0", "-5.0"));
        assert!(!same("abc", "abd"));
    }

    #[test]
    fn quotients_are_compared_at_their_scale() {
        let q17 = &QUERIES[16];
        let same = |a: &str, b: &str, rule| compare(q17, &rows(a), &rows(b), rule).is_ok();
        assert!(same("1.23456789", "1.234568", QuotientRule::Exact));
        assert!(!same("1.23456789", "1.234567", QuotientRule::Exact));
        assert!(same("1.23456789", "1.234567", QuotientRule::OneUnit));
        assert!(!same("1.23456789", "1.234566", QuotientRule::OneUnit));
        assert!(same("-1.5", "-1.500000", QuotientRule::Exact));
    }

    #[test]
    fn only_ties_may_change_places() {
        let q11 = &QUERIES[10];
        let expected = rows("1|9\n2|7\n3|7\n4|5");
        assert!(compare(q11, &expected, &rows("1|9\n3|7.00\n2|7\n4|5"), QuotientRule::Exact).is_ok());
        assert!(compare(q11, &expected, &rows("2|7\n1|9\n3|7\n4|5"), QuotientRule::Exact).is_err());
        assert!(compare(q11, &expected, &rows("1|9\n2|7\n2|7\n4|5"), QuotientRule::Exact).is_err());
        assert_eq!(
            compare(q11, &expected, &rows("1|9"), QuotientRule::Exact),
            Err(Mismatch::Rows { expected: 4, actual: 1 })
        );
    }
}
