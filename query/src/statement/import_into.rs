//! `IMPORT INTO`, `SHOW IMPORT JOBS`, `CANCEL IMPORT JOB`: the statements. What an import does is in
//! [`crate::import`].

mod columns;
mod jobs;
mod parse;
mod run;

pub(super) use parse::{parse, parse_cancel};

use datafusion::sql::sqlparser::ast::ObjectName;

use crate::import::Format;

/// An `IMPORT INTO` statement.
#[derive(Clone, Debug)]
pub(crate) struct ImportInto {
    /// The table.
    pub(crate) table: ObjectName,
    /// Where the file's columns go, in order; empty: to those of the same name, or of the same place in a text
    /// file. `None` for one that goes nowhere.
    targets: Vec<Option<String>>,
    /// Path of the files.
    path: String,
    format: Format,
    /// Do not wait for its end.
    detached: bool,
    /// Threads that read; `None` as many as there are cores.
    threads: Option<usize>,
}
