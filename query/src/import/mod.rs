//! `IMPORT INTO`: whole files into an empty table, past the log.
//!
//! ```text
//! files ─► units ─► readers ─► Converter ─┬─► sort by key ─┬─► run of rows       (row store)
//!          a row group,       types, CHECK │   (if needed)  └─► packs             (columnar engine)
//!          a CSV file         row keys     └─► sort of index entries ─► run of entries (row store)
//! ```
//!
//! All of it goes to a *hidden* table (`deltatree_learner::catalog::begin_import`); one schema change makes
//! it the table's content, or gives the table back. So nobody sees part of an import, and one that is killed,
//! with its server even, leaves nothing but what is removed at the next start.
//!
//! - [`job`]: an import's record, which every front end can read
//! - [`registry`]: the imports that run in this process
//! - [`files`]: which files a path means; [`parquet`], [`csv`]: their rows
//! - [`convert`]: rows as the table stores them
//! - [`pipeline`]: from units to runs and packs; [`runs`]: its two ends
//! - [`run`]: an import from its lock to its end; [`orphans`]: those whose process has died
//!
//! Memory is bounded: by what channels hold, and by the sort's budget, above which it spills.

mod convert;
mod csv;
mod files;
mod job;
mod orphans;
mod parquet;
mod pipeline;
mod registry;
mod run;
mod runs;

pub(crate) use convert::{ColumnSource, Converter};
pub(crate) use csv::CsvFormat;
pub(crate) use files::{Format, Input, expand};
pub(crate) use job::{ImportJob, Status, find, list, update};
pub(crate) use orphans::{abandon_all, end_orphans};
pub(crate) use parquet::ParquetInput;
pub(crate) use pipeline::Source;
pub(crate) use registry::{Imports, RunningImport};
pub(crate) use run::{ImportTask, start};
