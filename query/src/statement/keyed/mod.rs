//! Statements about a few rows of one table that their conditions name by key: the whole key, a range of
//! it, or the leading columns of it or of an index. The rows are read at once, without planning how.
//!
//! - [`conditions`]: conditions as what a key can tell
//! - [`rows`]: the rows named, read or locked
//! - [`select`]: queries over them, with plans that are kept, or with none at all ([`plain`]); [`order`]: what
//!   `ORDER BY … LIMIT` leaves of them
//! - [`change`]: `UPDATE` and `DELETE` of them

mod change;
mod conditions;
mod order;
mod plain;
mod rows;
mod select;
