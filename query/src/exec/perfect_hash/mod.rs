//! Partial aggregation over few groups, without hashing.
//!
//! Each group column's values are numbered from 1 (0 is NULL), the numbers of a row are packed into one
//! small integer, and a plain array says which group that is: what DuckDB calls a perfect hash
//! aggregate. No statistics are asked whether the groups are few: it is tried, and where the numbers
//! outgrow the array, the groups so far are given out and DataFusion's hash aggregate takes the rest.
//! (The final stage merges groups anyway.) The aggregates themselves are DataFusion's accumulators.

mod aggregate;
mod aggregates;
mod column_codes;
mod group_table;
mod int_codes;
mod stream;
#[cfg(test)]
mod tests;
mod text_codes;

pub(crate) use aggregate::PerfectHashAggregateExec;
