//! Checkers of histories.
//!
//! - [`anomalies`]: transactions, by the cycles of what must have come before what
//! - [`linearizable`]: operations on one value

mod anomalies;
mod linearizable;

pub use anomalies::anomalies;
pub use linearizable::{CellOperation, Verdict, linearizable};
