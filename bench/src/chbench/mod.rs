//! The bench `chbench`: CH-benCHmark, which is TPC-C and, over its tables, the 22 queries of TPC-H.
//!
//! One server has the transactions alone, the queries alone, and both together; what each side loses by
//! the other is the figure that matters. Transactions add orders, so queries get slower by the time: they
//! are also measured alone after both together, and the loss is against the mean of before and after.
//!
//! There is no measurement with the two sides on separate cores. Both are served by one process, whose
//! cores cannot be given to one of the sides from outside; pinning the clients would not do it.
//!
//! - [`queries`]: the 22 queries
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
