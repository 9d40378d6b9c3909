//! Filters in the engine's own words, which it can hold against zone maps as well as against rows.
//!
//! | file | idea |
//! |---|---|
//! | `expression` | [`Predicate`], and [`RowFilter`] for what only its maker can evaluate |
//! | `matcher` | a predicate made ready for one table, and its evaluation over rows |
//! | `value_set` | the values of an `IN` list, for fast look-up |

mod expression;
mod matcher;
mod value_set;

pub use expression::{CompareOp, Predicate, RowFilter};
pub use matcher::Matcher;

#[cfg(test)]
mod tests;
