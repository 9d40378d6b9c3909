//! TPC-H: the benchmark that the demo, the tests and the bench crate share.
//!
//! - [`schema`]: the eight tables in MySQL DDL
//! - [`queries`]: the 22 queries with the specification's validation parameters
//! - [`generator`]: the data, as Arrow batches, made while they are loaded
//! - [`insert_text`]: batches as `INSERT` statements
//! - [`load`]: data into a node, through the same path as every other insert
//! - [`progress`]: how far it is
//! - [`answers`]: published answers, and what it means that a result equals one

pub mod answers;
pub mod generator;
pub mod insert_text;
pub mod load;
pub mod progress;
pub mod queries;
pub mod schema;
