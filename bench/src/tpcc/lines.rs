//! Rows of a table as `LOAD DATA` reads them by default: a line a row, a tab between two fields, `\N`
//! for NULL. No field of the population has a character that would need an escape.

use std::fmt::{Display, Write};

use super::schema::Table;

/// The field that is NULL.
pub const NULL: &str = "\\N";

/// Rows of one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lines {
    /// Whose rows they are.
    pub table: Table,
    /// How many.
    pub rows: u64,
    /// The text.
    pub text: String,
}

impl Lines {
    /// No rows yet.
    pub fn new(table: Table) -> Self {
        Self { table, rows: 0, text: String::new() }
    }

    /// Adds a row with these values, one for each column.
    pub fn row(&mut self, fields: &[&dyn Display]) {
        let mut separator = "";
        for field in fields {
            // Writing to a string does not fail.
            let _ = write!(self.text, "{separator}{field}");
            separator = "\t";
        }
        self.text.push('\n');
        self.rows += 1;
    }
}

/// An amount of money, or another number with two digits after the point.
#[derive(Clone, Copy, Debug)]
pub struct Hundredths(pub u32);

impl Display for Hundredths {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

/// A share of one, with four digits after the point.
#[derive(Clone, Copy, Debug)]
pub struct TenThousandths(pub u32);

impl Display for TenThousandths {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:04}", self.0 / 10_000, self.0 % 10_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_a_line() {
        let mut lines = Lines::new(Table::NewOrder);
        lines.row(&[&1, &NULL, &Hundredths(5)]);
        lines.row(&[&"a", &TenThousandths(1_999), &Hundredths(12_345)]);
        assert_eq!((lines.rows, lines.text.as_str()), (2, "1\t\\N\t0.05\na\t0.1999\t123.45\n"));
    }
}
