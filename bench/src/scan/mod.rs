//! The bench `scan`: how fast one core decodes typical columns.
//!
//! | file | idea |
//! |---|---|
//! | `columns` | the columns |
//! | `fold` | what every reader does with them: the least that makes the values be there |
//! | `readers` | DeltaTree's engine, Parquet by the `parquet` crate, a copy in memory |
//! | `run` | options, order, the table |

mod columns;
mod fold;
mod readers;
pub mod run;
