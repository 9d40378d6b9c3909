//! `LOAD DATA`: rows from a text file, the server's or the client's.
//!
//! - [`parse`]: the statement
//! - [`fields`]: from bytes to rows of fields
//! - [`run`]: rows into the table, in transactions of a bounded size

mod fields;
mod parse;
mod run;

pub(crate) use fields::{Field, RowReader};
pub(super) use parse::parse;

use datafusion::sql::sqlparser::ast::{Expr, ObjectName};

/// A `LOAD DATA` statement.
#[derive(Clone, Debug)]
pub(crate) struct LoadData {
    /// `LOCAL`: the client sends the file.
    pub(crate) local: bool,
    /// Path of the file.
    pub(crate) file: String,
    on_duplicate: OnDuplicate,
    /// The table.
    pub(crate) table: ObjectName,
    format: Format,
    skipped_lines: u64,
    /// Where the fields of a line go; empty: to the table's columns in order.
    targets: Vec<FieldTarget>,
    /// `SET column = expr`.
    pub(crate) set: Vec<(String, Expr)>,
}

/// What happens to a row whose key exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OnDuplicate {
    Fail,
    Ignore,
    Replace,
}

/// Where a field goes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum FieldTarget {
    Column(String),
    /// `@name`, for `SET`.
    Variable(String),
}

/// How fields and lines are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Format {
    /// Ends a field that is not its line's last.
    pub(crate) field_end: Vec<u8>,
    /// May stand around a field.
    pub(crate) quote: Option<u8>,
    /// Gives the byte after it another meaning.
    pub(crate) escape: Option<u8>,
    /// Comes before the fields of a line; what is before it is passed over.
    pub(crate) line_start: Vec<u8>,
    /// Ends a line.
    pub(crate) line_end: Vec<u8>,
}

impl Default for Format {
    fn default() -> Self {
        Self {
            field_end: b"\t".to_vec(),
            quote: None,
            escape: Some(b'\\'),
            line_start: Vec::new(),
            line_end: b"\n".to_vec(),
        }
    }
}
