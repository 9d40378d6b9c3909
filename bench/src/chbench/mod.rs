//! The bench `chbench`: CH-benCHmark, which is TPC-C and, over its tables, the 22 queries of TPC-H.
//!
//! One server has the transactions alone, the queries alone, and both together; what each side loses by
//! the other is the figure that matters. Transactions add orders, so queries get slower by the time: they
//! are also measured alone after both together, and the loss is against the mean of before and after.
//!
//! The two sides share one process and all cores, or each has processes and a core of its own.
//!
//! - [`queries`]: the 22 queries
//! - [`sites`]: where the two sides are served
//! - [`analyst`]: a client that runs them
//! - [`phase`]: clients of both sides at once, measured
//! - [`answers`]: both access paths answer every query alike
//! - [`figures`]: what a phase is reported as
//! - [`run`]: the phases in turn

pub mod analyst;
pub mod answers;
pub mod figures;
pub mod phase;
pub mod queries;
pub mod run;
pub mod sites;
